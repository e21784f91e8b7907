"""Read and write BVH (Biovision Hierarchy), the text format for skeletons and their motion.

Files are written in the form that Blender's importer expects. Files of other programs are read in all common forms.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mocap.io.bvh_text import LARGEST, POSITIONS, ROTATIONS, BvhText, parse_bvh
from mocap.io.files import atomic_path
from mocap.io.frame_rate import fps_from_frame_time
from mocap.io.outlets import Recording
from mocap.model import rotation
from mocap.model.errors import MocapError, unknown_name
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton

UNITS_PER_METRE = {"m": 1.0, "cm": 100.0}
ROOT_CHANNELS = ("Xposition", "Yposition", "Zposition", "Zrotation", "Xrotation", "Yrotation")
JOINT_CHANNELS = ("Zrotation", "Xrotation", "Yrotation")
SHORTEST_END_M = 0.001  # Blender cannot show a shorter bone
DEFAULT_END_M = 0.05  # length of a leaf bone that has none of its own

log = logging.getLogger(__name__)


def write(recording: Recording, path: str | Path, *, units: str = "m") -> None:
    """Write the only person of a recording, for the table of outlets; see ``write_bvh``."""
    write_bvh(recording.motion, path, units=units)


def read(path: str | Path, *, units: str = "m") -> Recording:
    """The motion of a BVH file as that of person 1, for the table of readers; see ``read_bvh``."""
    return Recording({1: read_bvh(path, units=units)})


def write_bvh(motion: Motion, path: str | Path, *, units: str = "m") -> None:
    """Write a motion as a BVH file.

    Parameters
    ----------
    motion : Motion
        In metres.
    path : str or Path
        The file; an older one is replaced.
    units : str
        Length unit of the file: "m", which Blender reads at scale 1, or "cm".

    Raises
    ------
    MocapError
        If the file cannot be written, or a joint name contains a space or a brace.

    Notes
    -----
    Root positions are absolute. Rotations are Euler angles in degrees, R = Rz·Rx·Ry. Numbers have six decimals, the
    frame time has ten. A leaf joint without an End Site gets one in the direction of its bone.
    """
    scale = units_per_metre(units)
    text = "\n".join([*_hierarchy_lines(motion.skeleton, scale), *_motion_lines(motion, scale), ""])
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def read_bvh(path: str | Path, *, units: str = "m") -> Motion:
    """Read the motion of a BVH file.

    Parameters
    ----------
    path : str or Path
        The file.
    units : str
        Length unit of the file: "m" or "cm".

    Returns
    -------
    Motion
        In metres, with confidence 1 everywhere.

    Raises
    ------
    MocapError
        For a file that is damaged, or has NaN, a number over a million or two joints of one name. The message names
        the line where that is possible.

    Notes
    -----
    Spaces in joint names become underscores. Where the file does not animate an axis of the root's position, its OFFSET
    is used. Position channels of other joints are ignored with a warning, because bones have constant lengths. End
    Sites of joints that have children are ignored.
    """
    path, scale = Path(path), units_per_metre(units)
    parsed = parse_bvh(path)
    try:
        _check_numbers(parsed)
        skeleton = _skeleton(parsed, scale)
        fps = _fps(parsed)
    except ValueError as error:
        raise MocapError(f"cannot read {path}: {error}") from error
    _warn_of_moving_joints(path, parsed)
    return Motion(
        skeleton=skeleton,
        root_world=_root_positions(parsed) / scale,
        local_wxyz=_local_rotations(parsed),
        fps=fps,
        confidence=np.ones((len(parsed.numbers), len(skeleton))),
    )


def units_per_metre(units: str) -> float:
    """Number of length units in one metre (1 or 100). Raises MocapError for an unknown unit, listing the known ones."""
    if units not in UNITS_PER_METRE:
        raise unknown_name("unit", units, list(UNITS_PER_METRE))
    return UNITS_PER_METRE[units]


def _hierarchy_lines(skeleton: Skeleton, scale: float) -> Iterator[str]:
    depths: list[int] = []
    leaves = set(skeleton.leaves)
    open_blocks = 0
    yield "HIERARCHY"
    for j, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents)):
        depths.append(depths[parent] + 1 if parent >= 0 else 0)
        yield from _closing_lines(open_blocks, depths[j])
        yield from _joint_lines(_writable_name(name), skeleton.offsets[j] * scale, depths[j])
        if j in leaves:
            yield from _end_site_lines(_end_site(skeleton, j) * scale, depths[j] + 1)
        open_blocks = depths[j] + 1
    yield from _closing_lines(open_blocks, 0)


def _joint_lines(name: str, offset: Array, depth: int) -> list[str]:
    indent, keyword = "  " * depth, "JOINT" if depth else "ROOT"
    channels = JOINT_CHANNELS if depth else ROOT_CHANNELS
    return [
        f"{indent}{keyword} {name}",
        f"{indent}{{",
        f"{indent}  OFFSET {_numbers(offset)}",
        f"{indent}  CHANNELS {len(channels)} {' '.join(channels)}",
    ]


def _end_site_lines(end: Array, depth: int) -> list[str]:
    indent = "  " * depth
    return [f"{indent}End Site", f"{indent}{{", f"{indent}  OFFSET {_numbers(end)}", f"{indent}}}"]


def _closing_lines(from_depth: int, to_depth: int) -> list[str]:
    return ["  " * depth + "}" for depth in range(from_depth - 1, to_depth - 1, -1)]


def _writable_name(name: str) -> str:
    if not name or any(letter.isspace() or letter in "{}" for letter in name):
        raise MocapError(f"joint name '{name}' cannot be written to BVH: rename it without spaces and braces")
    return name


def _end_site(skeleton: Skeleton, leaf: int) -> Array:
    end = skeleton.ends.get(skeleton.names[leaf], np.zeros(3))
    if np.linalg.norm(end) >= SHORTEST_END_M:
        return end
    length = np.linalg.norm(skeleton.offsets[leaf])
    along = skeleton.offsets[leaf] / length if length > SHORTEST_END_M else np.array([0.0, 1.0, 0.0])
    return np.asarray(DEFAULT_END_M * along)


def _motion_lines(motion: Motion, scale: float) -> Iterator[str]:
    zxy = rotation.wxyz_to_euler_zxy_degrees(motion.local_wxyz)
    columns = np.concatenate([motion.root_world * scale, zxy.reshape(len(motion), 3 * len(motion.skeleton))], axis=1)
    yield "MOTION"
    yield f"Frames: {len(motion)}"
    yield f"Frame Time: {float(1 / motion.fps):.10f}"
    line = " ".join(["%.6f"] * columns.shape[1])
    for row in _without_negative_zero(columns).tolist():
        yield line % tuple(row)


def _numbers(vector: Array) -> str:
    return " ".join(f"{value:.6f}" for value in _without_negative_zero(vector))


def _without_negative_zero(values: Array) -> Array:
    return np.asarray(np.round(values, 6) + 0.0)


def _check_numbers(parsed: BvhText) -> None:
    for joint in parsed.joints:
        for vector in (joint.offset, joint.end):
            if vector is not None and not _is_plausible(vector):
                raise ValueError(f"line {joint.line}: joint '{joint.name[:40]}' has an impossible OFFSET {vector}")
    if not _is_plausible(parsed.numbers):
        frame = int(np.argwhere(~(np.abs(parsed.numbers) <= LARGEST))[0, 0])
        raise ValueError(f"frame {frame} (from 0) has a number that is missing or beyond a million; export it again")


def _is_plausible(values: ArrayLike) -> bool:
    return bool(np.all(np.abs(values) <= LARGEST))  # False for NaN


def _skeleton(parsed: BvhText, scale: float) -> Skeleton:
    parents = tuple(joint.parent for joint in parsed.joints)
    has_end = [joint.end is not None and j not in parents for j, joint in enumerate(parsed.joints)]
    return Skeleton(
        names=tuple(parsed.names),
        parents=parents,
        offsets=np.array([joint.offset for joint in parsed.joints]) / scale,
        ends={name: np.array(parsed.joints[j].end) / scale for j, name in enumerate(parsed.names) if has_end[j]},
    )


def _fps(parsed: BvhText) -> Fraction:
    try:
        return fps_from_frame_time(parsed.frame_time)
    except ValueError as error:
        raise ValueError(f"line {parsed.frame_time_line}: {error}") from error


def _root_positions(parsed: BvhText) -> Array:
    root = np.tile(np.asarray(parsed.joints[0].offset, float), (len(parsed.numbers), 1))
    for axis, name in enumerate(POSITIONS):
        values = parsed.channel(0, name)
        root[:, axis] = root[:, axis] if values is None else values
    return root


def _local_rotations(parsed: BvhText) -> Array:
    local = np.empty((len(parsed.numbers), len(parsed.joints), 4))
    column = 0
    for j, joint in enumerate(parsed.joints):
        rotations = [(i, name[0]) for i, name in enumerate(joint.channels) if name in ROTATIONS]
        columns = [column + i for i, _ in rotations]
        order = "".join(axis for _, axis in rotations)
        local[:, j] = rotation.euler_to_wxyz(np.radians(parsed.numbers[:, columns]), order)
        column += len(joint.channels)
    return rotation.make_continuous(local)


def _warn_of_moving_joints(path: Path, parsed: BvhText) -> None:
    moving = [joint.name for joint in parsed.joints[1:] if set(joint.channels) & set(POSITIONS)]
    if moving:
        log.warning("%s: position channels of %d joints are ignored (%s …)", path.name, len(moving), moving[0])
