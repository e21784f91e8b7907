"""`mocap validate`: each fault is found by the check that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import GOLDEN, swinging_motion, take_of

from mocap.io.bvh import write_bvh
from mocap.io.take_json import write_json
from mocap.model.errors import MocapError
from mocap.report.validate import Check, validate

NAMES = "names are unique and without spaces"
CHANNELS = "channels are those Blender expects"
NUMBERS = "every number is finite"
END_SITES = "every leaf has an End Site"
LENGTHS = "bone lengths are constant"
T_POSE = "the rest pose is a T-pose"
MIRROR = "left and right mirror each other"
SCALE = "lengths are in the unit"
FRAME_TIME = "the frame time is an exact rate"
FRAMES = "there are frames, all of them"
ROUND_TRIP = "joints are where the take has them"


def failed(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if not check.ok]


def test_our_own_file_passes_every_check() -> None:
    checks = validate(GOLDEN / "tiny_take.bvh", GOLDEN / "tiny_take.json")
    assert failed(checks) == []
    assert len(checks) == 12


def test_the_round_trip_is_given_in_millimetres() -> None:
    detail = validate(GOLDEN / "tiny_take.bvh", GOLDEN / "tiny_take.json")[-1].detail
    assert 0 <= float(detail.split()[2]) < 0.01


def test_centimetres_pass_when_they_are_said_and_fail_when_not(tmp_path: Path) -> None:
    write_bvh(swinging_motion(6), tmp_path / "take.bvh", units="cm")
    assert failed(validate(tmp_path / "take.bvh", GOLDEN / "tiny_take.json", units="cm")) == []
    checks = validate(tmp_path / "take.bvh")
    assert failed(checks) == [SCALE]
    assert "looks like centimetres: --units cm" in checks[-3].detail
    in_metres = validate(GOLDEN / "tiny_take.bvh", units="cm")
    assert any("looks like metres: --units m" in check.detail for check in in_metres)


ZXY = "CHANNELS 3 Zrotation Xrotation Yrotation"
FAULTS: list[tuple[str, Callable[[str], str], list[str]]] = [
    ("cut short", lambda text: text[:-200], ["structure"]),
    ("space in a name", lambda text: text.replace("JOINT Neck", "JOINT The Neck"), [NAMES]),
    ("name twice", lambda text: text.replace("JOINT Neck", "JOINT Chest"), [NAMES]),
    ("other order", lambda text: text.replace(ZXY, "CHANNELS 3 Xrotation Yrotation Zrotation", 1), [CHANNELS]),
    (
        "nan",
        lambda text: text.replace("Frame Time: 0.0333666667\n0.000000", "Frame Time: 0.0333666667\nnan"),
        [NUMBERS],
    ),
    ("end of no length", lambda text: text.replace("OFFSET 0.162000 0.000000 0.000000", "OFFSET 0 0 0"), [END_SITES]),
    ("bent arm", lambda text: text.replace("OFFSET 0.258000 0.000000", "OFFSET 0.258000 0.010000"), [T_POSE, MIRROR]),
    ("one long leg", lambda text: text.replace("OFFSET 0.000000 -0.367500", "OFFSET 0.000000 -0.4", 1), [MIRROR]),
    ("other names", lambda text: text.replace("Left", "L_"), [T_POSE, MIRROR]),
    ("coarse frame time", lambda text: text.replace("0.0333666667", "0.0338666667"), [FRAME_TIME]),
    ("frame time zero", lambda text: text.replace("0.0333666667", "0"), [FRAME_TIME]),
]


@pytest.mark.parametrize(("change", "expected"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found_by_its_check_alone(tmp_path: Path, change: Callable[[str], str], expected: list[str]) -> None:
    text = (GOLDEN / "tiny_take.bvh").read_text()
    assert change(text) != text
    (tmp_path / "take.bvh").write_text(change(text))
    assert failed(validate(tmp_path / "take.bvh")) == expected


def test_a_joint_that_slides_on_its_parent_is_found(tmp_path: Path) -> None:
    text = (GOLDEN / "tiny_take.bvh").read_text()
    head, frames = text.split("Frame Time: 0.0333666667\n")
    head = head.replace(ZXY, ZXY.replace("3 ", "4 Yposition "), 1)  # of Spine, the ninth number of a frame
    lines = [
        " ".join([*line.split()[:6], str(0.09 + 0.01 * t), *line.split()[6:]])
        for t, line in enumerate(frames.splitlines())
    ]
    (tmp_path / "take.bvh").write_text(head + "Frame Time: 0.0333666667\n" + "\n".join(lines))
    assert failed(validate(tmp_path / "take.bvh")) == [CHANNELS, LENGTHS]


def test_a_take_of_another_clip_is_found(tmp_path: Path) -> None:
    write_json(take_of(swinging_motion(5)), tmp_path / "take.json")
    checks = validate(GOLDEN / "tiny_take.bvh", tmp_path / "take.json")
    assert failed(checks) == [FRAMES, ROUND_TRIP]


def test_a_joint_a_tenth_of_a_millimetre_off_is_found(tmp_path: Path) -> None:
    motion = swinging_motion(6)
    write_bvh(replace(motion, root_world=motion.root_world + np.array([1e-4, 0, 0])), tmp_path / "take.bvh")
    assert failed(validate(tmp_path / "take.bvh", GOLDEN / "tiny_take.json")) == [ROUND_TRIP]


def test_the_nearest_of_several_people_is_compared(tmp_path: Path) -> None:
    one = take_of(swinging_motion(6)).people[0]
    other = replace(one, id=2, motion=replace(swinging_motion(6), root_world=np.ones((6, 3))))
    write_json(replace(take_of(swinging_motion(6)), people=(other, one)), tmp_path / "take.json")
    assert failed(validate(GOLDEN / "tiny_take.bvh", tmp_path / "take.json")) == []


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match="there is no such file"):
        validate(tmp_path / "take.bvh")
