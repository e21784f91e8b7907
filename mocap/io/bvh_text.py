"""What a BVH file says, word by word: joints, channels, numbers, before any of it is given a meaning."""

from __future__ import annotations

import stat
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

MAX_BYTES = 1_000_000_000  # six hours of a body with fingers at 60 fps
MAX_JOINTS = 1_000  # a body with fingers and face has under 200
LONGEST_LINE = 1_000_000  # letters: a frame of so many joints has a quarter of it
POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in (*POSITIONS, *ROTATIONS)}

Statement = tuple[int, list[str]]  # line number from 1, words


@dataclass
class BvhJoint:
    """One ROOT or JOINT: its name as written, index of its parent (−1), OFFSET (3,), channels, End Site and line."""

    name: str
    parent: int
    line: int
    offset: Array | None = None
    channels: tuple[str, ...] = ()
    end: Array | None = None


@dataclass(frozen=True, eq=False)
class BvhText:
    """A parsed file: joints in file order, ``Frame Time`` as written, numbers (T, all channels) as written."""

    joints: list[BvhJoint]
    frame_time: str
    frame_time_line: int
    numbers: Array

    def channel(self, joint: int, name: str) -> Array | None:
        """Values (T,) of a joint's channel, or None where the joint does not have it."""
        if name not in self.joints[joint].channels:
            return None
        return np.asarray(self.numbers[:, self.first_column(joint) + self.joints[joint].channels.index(name)])

    def first_column(self, joint: int) -> int:
        """The column of ``numbers`` in which a joint's channels begin."""
        return sum(len(other.channels) for other in self.joints[:joint])


def parse_bvh(path: str | Path) -> BvhText:
    """The words of a BVH file, put in order.

    Accepts tabs, any line ends, braces on any line, names with spaces, any channel order, missing End Sites.
    MocapError, with the line, where the file is damaged, has several roots or cannot be read.
    """
    path = Path(path)
    try:
        _check_size(path)
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            lines = enumerate(_lines(file), start=1)
            joints = _parse_hierarchy(_statements(lines))
            return _parse_motion(joints, lines)
    except OSError as error:
        raise MocapError(f"cannot read {path}: {error.strerror or error}; check the name") from error
    except ValueError as error:
        raise MocapError(f"cannot read {path}: {error}") from error


def _check_size(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a file; name a .bvh file")
    if status.st_size > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 10**6} MB; cut it into parts")


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


def _parse_hierarchy(statements: Iterator[Statement]) -> list[BvhJoint]:
    number, words = next(statements, (1, [""]))
    if words[0].upper() != "HIERARCHY":
        raise ValueError(f"line {number}: expected HIERARCHY, got '{words[0][:40]}'; is this a BVH file?")
    hierarchy = _Hierarchy()
    for number, words in statements:
        keyword = words[0].upper()
        if keyword == "MOTION":
            hierarchy.finish(number)
            return hierarchy.joints
        if keyword not in hierarchy.statements:
            raise ValueError(f"line {number}: unknown word '{words[0][:40]}'")
        hierarchy.statements[keyword](number, words)
    raise ValueError(f"line {number}: the file ends before MOTION; it is cut short")


class _Hierarchy:
    """The joints read so far and the braces that are open: indices of joints, None for an End Site."""

    def __init__(self) -> None:
        self.joints: list[BvhJoint] = []
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
            raise ValueError(f"line {line}: {words[0]} is out of place")
        if len(words) < 2:
            raise ValueError(f"line {line}: {words[0]} without a name")
        if len(self.joints) == MAX_JOINTS:
            raise ValueError(f"line {line}: more than {MAX_JOINTS} joints; this is no body")
        parent = self.open[-1] if self.open else -1
        self.joints.append(BvhJoint(" ".join(words[1:]), -1 if parent is None else parent, line))
        self._begin(line, len(self.joints) - 1)

    def add_end_site(self, line: int, words: list[str]) -> None:
        if not self.open or self.open[-1] is None:
            raise ValueError(f"line {line}: End Site is out of place")
        self._begin(line, None)

    def _begin(self, line: int, block: int | None) -> None:
        if self.awaits_brace is not None:
            raise ValueError(f"line {line}: expected {{ after line {self.awaits_brace}")
        self.open.append(block)
        self.awaits_brace = line

    def open_brace(self, line: int, words: list[str]) -> None:
        if self.awaits_brace is None:
            raise ValueError(f"line {line}: {{ without ROOT, JOINT or End Site before it")
        self.awaits_brace = None

    def close_brace(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "}")
        block = self.open.pop()
        if block is not None and self.joints[block].offset is None:
            raise ValueError(f"line {line}: joint '{self.joints[block].name[:40]}' has no OFFSET")

    def set_offset(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "OFFSET")
        if len(words) != 4:
            raise ValueError(f"line {line}: expected OFFSET and three numbers, got {len(words) - 1}")
        offset = np.array([_number(word, line) for word in words[1:]])
        if self.open[-1] is not None:
            self.joints[self.open[-1]].offset = offset
        else:
            owner = next(block for block in reversed(self.open) if block is not None)
            self.joints[owner].end = offset if self.joints[owner].end is None else self.joints[owner].end

    def set_channels(self, line: int, words: list[str]) -> None:
        self._expect_open_block(line, "CHANNELS")
        joint = self.open[-1]
        if joint is None or self.joints[joint].channels:
            raise ValueError(f"line {line}: CHANNELS is out of place")
        if len(words) < 2 or words[1] != str(len(words) - 2):
            raise ValueError(f"line {line}: CHANNELS says {' '.join(words[1:2])[:20]} but {len(words) - 2} are named")
        self.joints[joint].channels = tuple(_channel(word, line) for word in words[2:])
        if len(set(self.joints[joint].channels)) != len(words) - 2:
            raise ValueError(f"line {line}: a channel is named twice")

    def _expect_open_block(self, line: int, word: str) -> None:
        if not self.open or self.awaits_brace is not None:
            raise ValueError(f"line {line}: {word} is out of place")

    def finish(self, line: int) -> None:
        if self.open:
            raise ValueError(f"line {line}: MOTION, but {len(self.open)} braces are still open")
        if not self.joints:
            raise ValueError(f"line {line}: MOTION before any ROOT")


def _channel(word: str, line: int) -> str:
    if word.lower() not in _CHANNELS:
        raise ValueError(f"line {line}: unknown channel '{word[:40]}'; known: {', '.join(_CHANNELS.values())}")
    return _CHANNELS[word.lower()]


def _number(word: str, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"line {line}: expected a number, got '{word[:40]}'") from None


def _parse_motion(joints: list[BvhJoint], lines: Iterator[tuple[int, str]]) -> BvhText:
    frames_line, frames_text = _header(lines, "Frames:")
    frame_time_line, frame_time = _header(lines, "Frame Time:")
    if not (frames_text.isdecimal() and len(frames_text) < 12):
        raise ValueError(f"line {frames_line}: expected a number of frames, got '{frames_text[:40]}'")
    frames, channels = int(frames_text), sum(len(joint.channels) for joint in joints)
    if frames and not channels:
        raise ValueError(f"line {frames_line}: {frames} frames, but no joint has channels; it is damaged")
    numbers, last_line = _read_numbers(lines, at_most=frames * channels)
    if len(numbers) != frames * channels:
        raise ValueError(
            f"line {max(last_line, frame_time_line)}: {frames} frames of {channels} channels need {frames * channels} "
            f"numbers, the file has {len(numbers)} up to here; it is cut short or damaged"
        )
    return BvhText(joints, frame_time, frame_time_line, np.array(numbers, float).reshape(frames, channels))


def _header(lines: Iterator[tuple[int, str]], key: str) -> tuple[int, str]:
    number = 0
    for number, line in lines:
        if words := line.split():
            joined = " ".join(words)
            if joined.lower().startswith(key.lower()):
                return number, joined[len(key) :].strip()
            raise ValueError(f"line {number}: expected '{key}', got '{joined[:40]}'")
    raise ValueError(f"the file ends before '{key}'; it is cut short")


def _read_numbers(lines: Iterator[tuple[int, str]], *, at_most: int) -> tuple[array[float], int]:
    """The numbers of the rest of the file and the line of the last; reading ends once there are too many."""
    numbers, last_line = array("d"), 0
    for number, line in lines:
        words = line.split()
        try:
            numbers.extend(map(float, words))
        except ValueError:
            numbers.extend(_number(word, number) for word in words)  # raises, naming the word
        last_line = number if words else last_line
        if len(numbers) > at_most:
            break
    return numbers, last_line
