# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""What a BVH file says, word by word: joints, channels and numbers, before any of it is given a meaning.

This file exists twice, byte for byte the same: in ``mocap/io/`` and in the add-on's ``pure/``, so that both read the
same files. It needs the standard library alone. It reads what Blender's importer (io_anim_bvh) reads: names with
spaces, keywords in any case, a brace on the line of its joint, ``Frames:6`` or ``Frames 6``, tabs and any line ends,
joint names that occur twice, more frames than declared. It also reads UTF-16, which Blender does not.
"""

from __future__ import annotations

import codecs
import re
import stat
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

MAX_BYTES = 1_000_000_000  # six hours of a body with fingers at 60 fps
MAX_JOINTS = 1_000  # a body with fingers and face has under 200
LONGEST_LINE = 1_000_000  # letters: a frame of so many joints has a quarter of it
LARGEST = 1e6  # of any number in a file: beyond it, six decimals of a double are lost
POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in (*POSITIONS, *ROTATIONS)}
_FRAMES = re.compile(r"frames\s*:?\s*(.*)", re.IGNORECASE)
_FRAME_TIME = re.compile(r"frame\s*time\s*:?\s*(.*)", re.IGNORECASE)
_SAMPLE_BYTES = 1 << 20  # of a file, to find its encoding: names come first
_SHIFT_JIS_LEADS = frozenset(range(0x81, 0xA0))  # first bytes of its common letters; no letter in Latin-1
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
              (b"H\0", "utf-16-le"), (b"\0H", "utf-16-be"))  # fmt: skip

Vector = tuple[float, float, float]
Statement = tuple[int, list[str]]  # line number from 1, words


@dataclass
class BvhJoint:
    """One ROOT or JOINT: its name as written, index of its parent (−1), line, OFFSET, channels and End Site."""

    name: str
    parent: int
    line: int
    offset: Vector | None = None
    channels: tuple[str, ...] = ()
    end: Vector | None = None


@dataclass(frozen=True)
class BvhTokens:
    """A parsed file.

    joints: in file order, a parent before its children. frame_time: as written, with its line. frames: T. numbers:
    T · C as written, frame after frame, the channels of the joints in their order. warnings: what was put right.
    """

    joints: list[BvhJoint]
    frame_time: str
    frame_time_line: int
    frames: int
    numbers: array[float]
    warnings: list[str] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """How many numbers a frame has: C."""
        return sum(len(joint.channels) for joint in self.joints)

    def names(self) -> list[str]:
        """The joints' names as Blender gives them: ``_`` for spaces, and ``.001`` for a name that occurs again."""
        names: dict[str, None] = {}
        for joint in self.joints:
            plain = name = "_".join(joint.name.split())
            number = 0
            while name in names:
                name = f"{plain}.{(number := number + 1):03d}"
            names[name] = None
        return list(names)


def read(path: str | Path) -> BvhTokens:
    """The words of a BVH file, put in order.

    path: text in UTF-8, UTF-16, Shift-JIS or Latin-1. Raises ValueError, one line that names line and word, for a file
    that is damaged, cut short, too large or has several roots, and OSError for one that cannot be opened.
    """
    path = Path(path)
    _check_size(path)
    with path.open(encoding=_encoding(path), errors="replace") as file:
        return parse(file)


def parse(file: TextIO) -> BvhTokens:
    """The words of an open BVH file or ``io.StringIO``, put in order. Raises ValueError as ``read`` does."""
    lines = enumerate(_lines(file), start=1)
    return _parse_motion(_parse_hierarchy(_statements(lines)), lines)


def _check_size(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a file; name a .bvh file")
    if status.st_size > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 10**6} MB; cut it into parts")


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    for mark, encoding in _ENCODINGS:
        if sample.startswith(mark):
            return encoding
    if _is_text(sample, "utf-8"):
        return "utf-8"
    return "cp932" if _SHIFT_JIS_LEADS.intersection(sample) and _is_text(sample, "cp932") else "latin-1"


def _is_text(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)  # a letter that the sample cuts in two is no error
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file one by one, so that none but the numbers are in memory; ValueError for an endless one."""
    for line in iter(lambda: file.readline(LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE:
            raise ValueError(f"a line is longer than {LONGEST_LINE} letters; this is no BVH file")
        yield line


def _statements(lines: Iterable[tuple[int, str]]) -> Iterator[Statement]:
    for number, line in lines:
        for part in line.replace("{", "\n{\n").replace("}", "\n}\n").split("\n"):
            if words := part.split():
                yield number, words


def _parse_hierarchy(statements: Iterator[Statement]) -> _Hierarchy:
    number, words = next(statements, (1, [""]))
    if words[0].upper() != "HIERARCHY":
        raise ValueError(f"line {number}: expected HIERARCHY, got '{words[0][:40]}'; is this a BVH file?")
    hierarchy = _Hierarchy()
    for number, words in statements:
        keyword = words[0].upper()
        if keyword == "MOTION":
            hierarchy.finish(number)
            return hierarchy
        if keyword not in hierarchy.statements:
            raise ValueError(f"line {number}: unknown word '{words[0][:40]}'; remove the line or export the file again")
        hierarchy.statements[keyword](number, words)
    raise ValueError(f"line {number}: the file ends before MOTION; it is cut short, export it again")


class _Hierarchy:
    """The joints read so far and the braces that are open: indices of joints, None for an End Site."""

    def __init__(self) -> None:
        self.joints: list[BvhJoint] = []
        self.warnings: list[str] = []
        self.open: list[int | None] = []
        self.awaits_brace: int | None = None  # the line of a ROOT, JOINT or End Site whose { is still to come
        self.statements = {
            "ROOT": self.add_joint,
            "JOINT": self.add_joint,
            "END": self.add_end_site,
            "OFFSET": self.set_offset,
            "CHANNELS": self.set_channels,
            "{": self.open_brace,
            "}": self.close_brace,
        }

    def add_joint(self, line: int, words: list[str]) -> None:
        is_root = words[0].upper() == "ROOT"
        if is_root and self.joints:
            raise ValueError(f"line {line}: a second ROOT; only one person a file can be read, cut the file in two")
        if is_root == bool(self.open) or (self.open and self.open[-1] is None):
            raise ValueError(f"line {line}: {words[0]} is out of place; check the braces above it")
        if len(words) < 2:
            raise ValueError(f"line {line}: {words[0]} without a name; write one after it")
        if len(self.joints) == MAX_JOINTS:
            raise ValueError(f"line {line}: more than {MAX_JOINTS} joints; this is no body")
        parent = self.open[-1] if self.open else -1
        self.joints.append(BvhJoint(" ".join(words[1:]), -1 if parent is None else parent, line))
        self._begin(line, len(self.joints) - 1)

    def add_end_site(self, line: int, words: list[str]) -> None:
        if not self.open or self.open[-1] is None:
            raise ValueError(f"line {line}: {words[0]} Site is out of place; it belongs inside a joint's braces")
        self._begin(line, None)

    def _begin(self, line: int, block: int | None) -> None:
        if self.awaits_brace is not None:
            raise ValueError(f"line {line}: expected {{ after line {self.awaits_brace}; add it there")
        self.open.append(block)
        self.awaits_brace = line

    def open_brace(self, line: int, words: list[str]) -> None:
        if self.awaits_brace is None:
            raise ValueError(f"line {line}: {{ without ROOT, JOINT or End Site before it; remove it")
        self.awaits_brace = None

    def close_brace(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "}")
        block = self.open.pop()
        if block is not None and self.joints[block].offset is None:
            raise ValueError(f"line {line}: joint '{self.joints[block].name[:40]}' has no OFFSET; add three numbers")

    def set_offset(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "OFFSET")
        if len(words) != 4:
            raise ValueError(f"line {line}: expected OFFSET and three numbers, got {len(words) - 1}")
        x, y, z = (_number(word, line) for word in words[1:])
        block = self.open[-1]
        if block is not None:
            self.joints[block].offset = x, y, z
            return
        owner = next(block for block in reversed(self.open) if block is not None)
        self.joints[owner].end = self.joints[owner].end or (x, y, z)

    def set_channels(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "CHANNELS")
        joint = self.open[-1]
        if joint is None or self.joints[joint].channels:
            raise ValueError(f"line {line}: CHANNELS is out of place; each joint has one such line")
        if words[1:2] != [str(len(words) - 2)]:
            said = " ".join(words[1:2])[:20]
            if not said.isdecimal():
                raise ValueError(f"line {line}: CHANNELS says '{said}'; write how many channels follow")
            self.warnings.append(f"line {line}: CHANNELS says {said} but {len(words) - 2} are named; those are used")
        self.joints[joint].channels = tuple(_channel(word, line) for word in words[2:])
        if len(set(self.joints[joint].channels)) != len(words) - 2:
            raise ValueError(f"line {line}: a channel is named twice in '{' '.join(words)[:80]}'; remove one")

    def _expect_open_block(self, line: int, word: str) -> None:
        if not self.open or self.awaits_brace is not None:
            raise ValueError(f"line {line}: {word} is out of place; check the braces above it")

    def finish(self, line: int) -> None:
        if self.open:
            raise ValueError(f"line {line}: MOTION, but {len(self.open)} braces are still open; close them before it")
        if not self.joints:
            raise ValueError(f"line {line}: MOTION before any ROOT; the file has no joints")


def _channel(word: str, line: int) -> str:
    if word.lower() not in _CHANNELS:
        raise ValueError(f"line {line}: unknown channel '{word[:40]}'; known: {', '.join(_CHANNELS.values())}")
    return _CHANNELS[word.lower()]


def _number(word: str, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        hint = "; write decimals with a point" if "," in word else "; mend it or export the file again"
        raise ValueError(f"line {line}: expected a number, got '{word[:40]}'{hint}") from None


def _parse_motion(hierarchy: _Hierarchy, lines: Iterator[tuple[int, str]]) -> BvhTokens:
    joints = hierarchy.joints
    frames_line, said = _header(lines, _FRAMES, "Frames:")
    time_line, frame_time = _header(lines, _FRAME_TIME, "Frame Time:")
    if not (said.isdecimal() and len(said) < 12):
        raise ValueError(f"line {frames_line}: expected a number of frames, got '{said[:40]}'; write how many follow")
    frames, channels = int(said), sum(len(joint.channels) for joint in joints)
    if frames and not channels:
        raise ValueError(f"line {frames_line}: {frames} frames, but no joint has channels; it is damaged")
    rows = _Rows(frames, channels, time_line)
    numbers = rows.read(lines)
    return BvhTokens(joints, frame_time, time_line, frames, numbers, hierarchy.warnings + rows.warnings)


def _header(lines: Iterator[tuple[int, str]], pattern: re.Pattern[str], key: str) -> tuple[int, str]:
    for number, line in lines:
        if words := line.split():
            joined = " ".join(words)
            if found := pattern.fullmatch(joined):
                return number, found[1]
            raise ValueError(f"line {number}: expected '{key}', got '{joined[:40]}'; it is damaged, export it again")
    raise ValueError(f"the file ends before '{key}'; it is cut short, export it again")


class _Rows:
    """The numbers after the header. A frame may be broken over lines; frames beyond the declared ones are left out."""

    def __init__(self, frames: int, channels: int, header_line: int) -> None:
        self.frames, self.channels, self.last_line = frames, channels, header_line
        self.warnings: list[str] = []

    def read(self, lines: Iterator[tuple[int, str]]) -> array[float]:
        wanted, numbers = self.frames * self.channels, array("d")
        for number, line in lines:
            words = line.split()
            try:
                numbers.extend(map(float, words))
            except ValueError:
                numbers.extend(_number(word, number) for word in words)  # raises, naming the word
            self.last_line = number if words else self.last_line
            if len(numbers) > wanted:
                self._check_surplus(len(numbers), wanted, words)
                break
        if len(numbers) < wanted:
            raise self._mismatch(len(numbers), "it is cut short or damaged")
        return numbers[:wanted]

    def _check_surplus(self, count: int, wanted: int, words: list[str]) -> None:
        """A warning where the line that is too much is a whole frame of its own."""
        if count != wanted + len(words) or len(words) != self.channels:
            raise self._mismatch(count, "a line has too many or too few, export the file again")
        said = f"more frames follow than the {self.frames} that are declared; they are left out"
        self.warnings.append(f"line {self.last_line}: {said}")

    def _mismatch(self, count: int, reason: str) -> ValueError:
        need = f"{self.frames} frames of {self.channels} channels need {self.frames * self.channels} numbers"
        return ValueError(f"line {self.last_line}: {need}, the file has {count} up to here; {reason}")
