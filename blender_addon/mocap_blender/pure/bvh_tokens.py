# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Tokenizer for BVH files: reads joints, channels and numbers, and does not interpret them.

There are two identical copies of this file, in ``mocap/io/`` and in the add-on's ``pure/``, so that both read the
same files. It needs only the standard library. It reads everything that Blender's importer (io_anim_bvh) reads: names
with spaces, keywords in any case, a brace on the line of its joint, ``Frames:6`` or ``Frames 6``, tabs, any line ends,
repeated joint names, more frames than declared. Unlike Blender, it also reads UTF-16.
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
LONGEST_LINE = 1_000_000  # characters; a frame of MAX_JOINTS joints has a quarter of that
LARGEST = 1e6  # for any number: a larger one, written with six decimals, loses digits
POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in (*POSITIONS, *ROTATIONS)}
_FRAMES = re.compile(r"frames\s*:?\s*(.*)", re.IGNORECASE)
_FRAME_TIME = re.compile(r"frame\s*time\s*:?\s*(.*)", re.IGNORECASE)
_SAMPLE_BYTES = 1 << 20  # read to find the encoding; joint names come first in a file
_SHIFT_JIS_LEADS = frozenset(range(0x81, 0xA0))  # first bytes of common characters; unused in Latin-1
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

    joints: in file order, parents before children. frame_time: the text, and its line number. frames: T. numbers:
    T · C values, frame by frame, with the channels in the order of the joints. warnings: faults that were corrected.
    """

    joints: list[BvhJoint]
    frame_time: str
    frame_time_line: int
    frames: int
    numbers: array[float]
    warnings: list[str] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """C, the number of values in a frame."""
        return sum(len(joint.channels) for joint in self.joints)

    def names(self) -> list[str]:
        """The joints' names as Blender makes them: ``_`` for a space, ``.001`` added to a repeated name."""
        names: dict[str, None] = {}
        for joint in self.joints:
            plain = name = "_".join(joint.name.split())
            number = 0
            while name in names:
                name = f"{plain}.{(number := number + 1):03d}"
            names[name] = None
        return list(names)


def read(path: str | Path) -> BvhTokens:
    """Parse a BVH file.

    path: text in UTF-8, UTF-16, Shift-JIS or Latin-1. Raises ValueError for a file that is damaged, cut short, too
    large or has several roots (one line, with line number and word), and OSError for one that cannot be opened.
    """
    path = Path(path)
    _check_size(path)
    with path.open(encoding=_encoding(path), errors="replace") as file:
        return parse(file)


def parse(file: TextIO) -> BvhTokens:
    """Parse an open BVH file or an ``io.StringIO``. Raises ValueError as ``read`` does."""
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
        codecs.getincrementaldecoder(encoding)().decode(sample)  # a character cut by the end of the sample is no error
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines one by one, so that memory holds only the numbers. Raises ValueError for an endless line."""
    for line in iter(lambda: file.readline(LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE:
            raise ValueError(f"a line is longer than {LONGEST_LINE} characters; this is not a BVH file")
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
    """The joints read so far, and the open braces: the joint's index for each, None for an End Site."""

    def __init__(self) -> None:
        self.joints: list[BvhJoint] = []
        self.warnings: list[str] = []
        self.open: list[int | None] = []
        self.awaits_brace: int | None = None  # line of a ROOT, JOINT or End Site before its {
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
            raise ValueError(f"line {line}: a second ROOT; a file can hold only one person, split the file")
        if is_root == bool(self.open) or (self.open and self.open[-1] is None):
            raise ValueError(f"line {line}: {words[0]} is not allowed here; check the braces above it")
        if len(words) < 2:
            raise ValueError(f"line {line}: {words[0]} without a name; write one after it")
        if len(self.joints) == MAX_JOINTS:
            raise ValueError(f"line {line}: more than {MAX_JOINTS} joints; this is not a body")
        parent = self.open[-1] if self.open else -1
        self.joints.append(BvhJoint(" ".join(words[1:]), -1 if parent is None else parent, line))
        self._begin(line, len(self.joints) - 1)

    def add_end_site(self, line: int, words: list[str]) -> None:
        if not self.open or self.open[-1] is None:
            raise ValueError(f"line {line}: {words[0]} Site is not allowed here; it belongs inside a joint's braces")
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
            raise ValueError(f"line {line}: CHANNELS is not allowed here; each joint has one such line")
        if words[1:2] != [str(len(words) - 2)]:
            declared = " ".join(words[1:2])[:20]
            if not declared.isdecimal():
                raise ValueError(f"line {line}: CHANNELS is followed by '{declared}'; write the number of channels")
            self.warnings.append(f"line {line}: CHANNELS {declared}, but {len(words) - 2} names follow; all are used")
        self.joints[joint].channels = tuple(_channel(word, line) for word in words[2:])
        if len(set(self.joints[joint].channels)) != len(words) - 2:
            raise ValueError(f"line {line}: a channel is named twice in '{' '.join(words)[:80]}'; remove one")

    def _expect_open_block(self, line: int, word: str) -> None:
        if not self.open or self.awaits_brace is not None:
            raise ValueError(f"line {line}: {word} is not allowed here; check the braces above it")

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
        hint = "; write decimals with a point" if "," in word else "; correct it or export the file again"
        raise ValueError(f"line {line}: expected a number, got '{word[:40]}'{hint}") from None


def _parse_motion(hierarchy: _Hierarchy, lines: Iterator[tuple[int, str]]) -> BvhTokens:
    joints = hierarchy.joints
    frames_line, declared = _header(lines, _FRAMES, "Frames:")
    time_line, frame_time = _header(lines, _FRAME_TIME, "Frame Time:")
    if not (declared.isdecimal() and len(declared) < 12):
        raise ValueError(f"line {frames_line}: expected a number of frames, got '{declared[:40]}'; write it there")
    frames, channels = int(declared), sum(len(joint.channels) for joint in joints)
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
    """The numbers after the header. A frame may span several lines; frames after the declared number are ignored."""

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
        """Warn if the extra line is one complete frame; else raise ValueError."""
        if count != wanted + len(words) or len(words) != self.channels:
            raise self._mismatch(count, "a line has too many or too few numbers, export the file again")
        text = f"more frames follow than the {self.frames} that are declared; they are left out"
        self.warnings.append(f"line {self.last_line}: {text}")

    def _mismatch(self, count: int, reason: str) -> ValueError:
        need = f"{self.frames} frames of {self.channels} channels need {self.frames * self.channels} numbers"
        return ValueError(f"line {self.last_line}: {need}, the file has {count} up to here; {reason}")
