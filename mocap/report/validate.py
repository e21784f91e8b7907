"""Check that Blender and other programs will read a BVH file correctly: a list of checks with their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mocap.io.bvh import JOINT_CHANNELS, ROOT_CHANNELS, SHORTEST_END_M, read_bvh, units_per_metre
from mocap.io.bvh_text import LARGEST, POSITIONS, BvhText, parse_bvh
from mocap.io.bvh_tokens import Vector
from mocap.io.frame_rate import fps_from_frame_time, is_standard
from mocap.io.outlets import READERS, chosen_by_suffix
from mocap.io.take_json import read_json
from mocap.model import kinematics
from mocap.model.body import BODY, TRUNK
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Person, Take

SUFFIX = ".bvh"  # the one format whose files are checked
STRAIGHT_DEGREES = 1.0
SYMMETRIC_M = 1e-4
MOVED_M = 1e-4  # a smaller change of a bone's length is rounding
ROUND_TRIP_MM = 0.01
UNIT_NAMES = {"m": "metres", "cm": "centimetres"}
HIPS_HEIGHT_M = (0.25, 1.5)  # from an infant to the tallest adult; in centimetres it would be 100 times larger
FRAME_TIME_S = 1e-9

# directions of the bones in a T-pose: joint, next joint, direction
T_POSE: tuple[tuple[str, str, tuple[float, ...]], ...] = tuple(
    (start.name, end.name, tuple(float(np.sign(x)) for x in end.rest))
    for start, end in (TRUNK.joints[:2], *(bone for part in BODY.limbs for bone in part.bones()))
)
# ankle and ball of each foot: seen from above, the toes point to +Z
FEET = tuple((part.joints[-2].name, part.joints[-1].name) for part in BODY.of_kind("leg"))


@dataclass(frozen=True)
class Check:
    """One check of a file.

    Parameters
    ----------
    name : str
        The statement that is checked.
    ok : bool
        Whether it is true.
    detail : str
        What was found.
    """

    name: str
    ok: bool
    detail: str


def validate(path: str | Path, take_json: str | Path | None = None, *, units: str = "m") -> list[Check]:
    """Check a BVH file, and whether it agrees with the take that it belongs to.

    Parameters
    ----------
    path : str or Path
        The BVH file.
    take_json : str, Path or None
        The take, if there is one. Of several people the nearest is compared.
    units : str
        Length unit of the BVH file: "m" or "cm".

    Returns
    -------
    list of Check
        All checks; a file that cannot be parsed gives one failed check.

    Raises
    ------
    MocapError
        If a file is missing or of another format, or ``take_json`` is not a take.
    """
    path = Path(path)
    chosen_by_suffix({SUFFIX: READERS[SUFFIX]}, path, "check")
    if not path.is_file():
        raise MocapError(f"cannot check {path}: there is no such file; check the name")
    take = None if take_json is None else read_json(take_json)
    try:
        parsed = parse_bvh(path)
    except MocapError as error:
        return [Check("structure", False, str(error))]
    checks = [Check("structure", True, f"{len(parsed.joints)} joints, {len(parsed.numbers)} frames"), _numbers(parsed)]
    if checks[-1].ok:
        in_metres = _in_metres(parsed, units_per_metre(units))
        checks += [*(check(in_metres) for check in CHECKS), _scale(in_metres, units)]
    checks += [_frame_time(parsed, take), _frame_count(parsed, take)]
    return checks if take is None else [*checks, _round_trip(path, take, units)]


def _in_metres(parsed: BvhText, units_per_metre: float) -> BvhText:
    scales = np.array(
        [units_per_metre if channel in POSITIONS else 1.0 for j in parsed.joints for channel in j.channels]
    )
    joints = [
        replace(
            joint,
            offset=None if joint.offset is None else _shorter(joint.offset, units_per_metre),
            end=None if joint.end is None else _shorter(joint.end, units_per_metre),
        )
        for joint in parsed.joints
    ]
    return replace(parsed, joints=joints, numbers=parsed.numbers / scales)


def _shorter(vector: Vector, divisor: float) -> Vector:
    x, y, z = vector
    return x / divisor, y / divisor, z / divisor


def _names(parsed: BvhText) -> Check:
    names = [joint.name for joint in parsed.joints]
    wrong = sorted({name for name in names if names.count(name) > 1 or " " in name})
    found = f"twice or with spaces: {', '.join(wrong[:5])}" if wrong else f"{len(names)} different names"
    return Check("names are unique and without spaces", not wrong, found)


def _channels(parsed: BvhText) -> Check:
    expected = [ROOT_CHANNELS, *[JOINT_CHANNELS] * (len(parsed.joints) - 1)]
    wrong = [joint.name for joint, channels in zip(parsed.joints, expected) if joint.channels != channels]
    found = f"others at {', '.join(wrong[:5])}" if wrong else "root 6 (position, Z X Y), joints 3 (Z X Y)"
    return Check("channels are those Blender expects", not wrong, found)


def _numbers(parsed: BvhText) -> Check:
    offsets = np.array([joint.offset for joint in parsed.joints], float)
    ends = np.array([joint.end for joint in parsed.joints if joint.end is not None]).ravel()
    values = np.concatenate([parsed.numbers.ravel(), offsets.ravel(), ends])
    wrong = int(np.sum(~(np.abs(values) <= LARGEST)))
    return Check("every number is finite", not wrong, f"{wrong} of {values.size} are missing or beyond a million")


def _end_sites(parsed: BvhText) -> Check:
    parents = {joint.parent for joint in parsed.joints}
    leaves = [joint for j, joint in enumerate(parsed.joints) if j not in parents]
    wrong = [leaf.name for leaf in leaves if leaf.end is None or not np.linalg.norm(leaf.end) >= SHORTEST_END_M]
    found = f"missing or of no length at {', '.join(wrong[:5])}" if wrong else f"{len(leaves)} leaves"
    return Check("every leaf has an End Site", not wrong, found)


def _constant_lengths(parsed: BvhText) -> Check:
    farthest, name = max((_moved(parsed, j), joint.name) for j, joint in enumerate(parsed.joints))
    found = f"'{name}' moves {1000 * farthest:.2f} mm on its parent" if farthest > MOVED_M else "no bone changes"
    return Check("bone lengths are constant", farthest <= MOVED_M, found)


def _moved(parsed: BvhText, joint: int) -> float:
    """Largest distance of a joint's position channels from its OFFSET; 0 for the root, which may move."""
    if joint == 0:
        return 0.0
    channels = [parsed.channel(joint, name) for name in POSITIONS]
    offset = np.asarray(parsed.joints[joint].offset, float)
    steps = [
        np.abs(values - offset[axis]).max(initial=0.0) for axis, values in enumerate(channels) if values is not None
    ]
    return float(max(steps, default=0.0))


def _t_pose(parsed: BvhText) -> Check:
    name = "the rest pose is a T-pose"
    rest = _rest_positions(parsed)
    needed = {joint for a, b in (*(bone[:2] for bone in T_POSE), *FEET) for joint in (a, b)}
    if missing := sorted(needed - set(rest)):
        return Check(name, False, f"no joint named {', '.join(missing[:5])}")
    angles = {b: _angle_degrees(rest[b] - rest[a], np.array(direction, float)) for a, b, direction in T_POSE}
    level = np.array([1.0, 0.0, 1.0])
    angles |= {b: _angle_degrees((rest[b] - rest[a]) * level, np.array([0.0, 0.0, 1.0])) for a, b in FEET}
    worst = max(angles, key=lambda joint: angles[joint])
    return Check(name, angles[worst] <= STRAIGHT_DEGREES, f"farthest off: {worst}, {angles[worst]:.2f} degrees")


def _symmetric(parsed: BvhText) -> Check:
    rest = _rest_positions(parsed)
    mirror = np.array([-1.0, 1.0, 1.0])
    distances = {
        name: float(np.linalg.norm(rest[name] * mirror - rest[other]))
        for name in rest
        if name.startswith("Left") and (other := "Right" + name[4:]) in rest
    }
    worst = max(distances, key=lambda name: distances[name], default="")
    found = f"farthest off: {worst}, {1000 * distances[worst]:.3f} mm" if worst else "no joints named Left… and Right…"
    return Check("left and right mirror each other", bool(worst) and distances[worst] <= SYMMETRIC_M, found)


def _rest_positions(parsed: BvhText) -> dict[str, Array]:
    positions: list[Array] = []
    for joint in parsed.joints:
        offset = np.asarray(joint.offset, float)
        positions.append(positions[joint.parent] + offset if joint.parent >= 0 else offset * np.array([0.0, 1.0, 1.0]))
    return {joint.name: position for joint, position in zip(parsed.joints, positions)}


def _angle_degrees(vector: Array, direction: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(vector, direction)), vector @ direction)))


def _scale(parsed: BvhText, units: str) -> Check:
    heights = [position[1] for position in _rest_positions(parsed).values()]
    height = float(heights[0] - min(heights))
    found = f"the hips are {height:.3f} m above the lowest joint"
    is_plausible = _is_hips_height(height)
    if not is_plausible and (other := _fitting_unit(height * units_per_metre(units))):
        found += f"; it looks like {UNIT_NAMES[other]}: --units {other}"
    return Check("lengths are in the unit", is_plausible, found)


def _is_hips_height(height_m: float) -> bool:
    low, high = HIPS_HEIGHT_M
    return low <= height_m <= high


def _fitting_unit(height: float) -> str | None:
    """The unit in which the height of the hips is plausible for a person; None if there is none."""
    return next((unit for unit in UNIT_NAMES if _is_hips_height(height / units_per_metre(unit))), None)


def _frame_time(parsed: BvhText, take: Take | None) -> Check:
    name = "the frame time is an exact rate"
    try:
        fps = fps_from_frame_time(parsed.frame_time)
    except ValueError as error:
        return Check(name, False, str(error))
    if take is None:
        return Check(name, is_standard(fps), f"{float(fps):.3f} frames a second ({fps})")
    off = abs(float(parsed.frame_time) - float(1 / take.fps))
    return Check(name, off <= FRAME_TIME_S, f"{float(fps):.3f} frames a second, the take has {float(take.fps):.3f}")


def _frame_count(parsed: BvhText, take: Take | None) -> Check:
    frames = len(parsed.numbers)
    expected = f"{frames} frames" if take is None else f"{frames} frames, the take has {take.frames}"
    return Check("there are frames, all of them", frames > 0 and (take is None or frames == take.frames), expected)


def _round_trip(path: Path, take: Take, units: str) -> Check:
    name = "joints are where the take has them"
    try:
        motion = read_bvh(path, units=units)
    except MocapError as error:
        return Check(name, False, str(error))
    distances = [distance for person in take.people if (distance := _distance_mm(motion, person)) is not None]
    if not distances:
        return Check(name, False, "nobody in the take has this skeleton and number of frames")
    return Check(name, min(distances) <= ROUND_TRIP_MM, f"farthest joint {min(distances):.5f} mm")


def _distance_mm(motion: Motion, person: Person) -> float | None:
    other = person.motion
    if other is None or other.skeleton.names != motion.skeleton.names or len(other) != len(motion):
        return None
    apart = kinematics.joint_positions(motion) - kinematics.joint_positions(other)
    return 1000 * float(np.linalg.norm(apart, axis=-1).max(initial=0.0))


CHECKS: tuple[Callable[[BvhText], Check], ...] = (
    _names,
    _channels,
    _end_sites,
    _constant_lengths,
    _t_pose,
    _symmetric,
)
