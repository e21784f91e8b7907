"""BVH: what is written is read back, what others write is read, what is damaged is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import motions
from takes import GOLDEN, NTSC, random_motion, swinging_motion

from mocap.io.bvh import read_bvh, write_bvh
from mocap.model import kinematics, rotation
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.skeleton import Skeleton

HUNDREDTH_MM = 1e-5

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 1 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 0.2 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 0.3 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 1 0 0 0 0 0 0 0
0.5 1 0 90 0 0 0 45 0
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "others.bvh"
    path.write_bytes(text.encode())
    return path


def largest_distance(a: Motion, b: Motion) -> float:
    return float(np.max(np.abs(kinematics.joint_positions(a) - kinematics.joint_positions(b)), initial=0.0))


@given(motion=motions())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_joint_is_read_back_where_it_was(tmp_path: Path, motion: Motion) -> None:
    write_bvh(motion, tmp_path / "take.bvh")
    back = read_bvh(tmp_path / "take.bvh")
    assert largest_distance(motion, back) < HUNDREDTH_MM
    for leaf, end in kinematics.end_positions(motion).items():
        np.testing.assert_allclose(kinematics.end_positions(back)[leaf], end, atol=HUNDREDTH_MM)


def test_names_parents_and_the_exact_rate_are_read_back(tmp_path: Path) -> None:
    motion = random_motion(3)
    write_bvh(motion, tmp_path / "take.bvh")
    back = read_bvh(tmp_path / "take.bvh")
    assert (back.skeleton.names, back.skeleton.parents, back.fps) == (
        motion.skeleton.names,
        motion.skeleton.parents,
        NTSC,
    )


def test_centimetres_are_a_hundred_times_the_metres_and_are_read_back(tmp_path: Path) -> None:
    motion = random_motion(3)
    write_bvh(motion, tmp_path / "take.bvh", units="cm")
    assert largest_distance(motion, read_bvh(tmp_path / "take.bvh", units="cm")) < HUNDREDTH_MM
    in_metres = read_bvh(tmp_path / "take.bvh")
    np.testing.assert_allclose(in_metres.skeleton.offsets, 100 * motion.skeleton.offsets, atol=1e-6)


def test_an_unknown_unit_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match="choose one of: m, cm"):
        write_bvh(random_motion(1), tmp_path / "take.bvh", units="inch")


def test_the_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    write_bvh(swinging_motion(6), tmp_path / "take.bvh")
    assert (tmp_path / "take.bvh").read_bytes() == (GOLDEN / "tiny_take.bvh").read_bytes()


def test_there_is_no_negative_zero_and_no_exponent_in_the_file(tmp_path: Path) -> None:
    still = np.full((2, 22, 4), -1e-9) * np.array([0, 1, 1, 1]) + rotation.IDENTITY_WXYZ
    motion = replace(random_motion(2), local_wxyz=still, root_world=np.full((2, 3), -1e-9))
    write_bvh(motion, tmp_path / "take.bvh")
    text = (tmp_path / "take.bvh").read_text()
    assert "-0.000000" not in text
    assert "e-" not in text


def test_a_leaf_without_end_site_gets_one_along_its_bone(tmp_path: Path) -> None:
    skeleton = Skeleton(("Hips", "Spine"), (-1, 0), np.array([[0.0, 1, 0], [0, 0, 0.4]]))
    motion = Motion(skeleton, np.zeros((1, 3)), np.tile(rotation.IDENTITY_WXYZ, (1, 2, 1)), NTSC, np.ones((1, 2)))
    write_bvh(motion, tmp_path / "take.bvh")
    np.testing.assert_allclose(read_bvh(tmp_path / "take.bvh").skeleton.ends["Spine"], [0, 0, 0.05])


@pytest.mark.parametrize("name", ["Left Arm", "Arm{", ""])
def test_a_name_that_bvh_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    motion = random_motion(1)
    named = replace(motion.skeleton, names=(name, *motion.skeleton.names[1:]))
    with pytest.raises(MocapError, match="rename it"):
        write_bvh(replace(motion, skeleton=named), tmp_path / "take.bvh")
    assert not list(tmp_path.iterdir())


def test_a_plain_file_of_others_is_read(tmp_path: Path) -> None:
    motion = read_bvh(written(tmp_path, SMALL))
    assert motion.fps == 25
    assert motion.skeleton.names == ("Hips", "Spine")
    np.testing.assert_allclose(kinematics.joint_positions(motion)[1], [[0.5, 1, 0], [0.3, 1, 0]], atol=1e-12)
    np.testing.assert_array_equal(motion.confidence, np.ones((2, 2)))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("  ", "\t").replace("OFFSET 0", "OFFSET\t0"),
        lambda text: text.replace("\n{", " {").replace("ROOT Hips {", "ROOT Hips {\n"),
        lambda text: text.replace("}\n}", "}}"),
        lambda text: text.upper().replace("HIPS", "Hips").replace("SPINE", "Spine"),
        lambda text: "\ufeff" + text + "\n\n  \n",
        lambda text: text.replace("0.5 1 0 90", "0.5 1 0\n 90"),
        lambda text: text.replace("Frame Time: 0.04", "Frame Time:\t0.0400000"),
    ],
)
def test_the_layout_of_the_text_does_not_matter(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    plain, changed = tmp_path / "plain", tmp_path / "changed"
    plain.mkdir()
    changed.mkdir()
    expected = read_bvh(written(plain, SMALL))
    motion = read_bvh(written(changed, change(SMALL)))
    assert (motion.skeleton.names, motion.fps) == (expected.skeleton.names, expected.fps)
    np.testing.assert_array_equal(kinematics.joint_positions(motion), kinematics.joint_positions(expected))


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "ZY", "X"])
def test_rotation_channels_are_multiplied_in_the_listed_order(tmp_path: Path, order: str) -> None:
    channels = f"CHANNELS {len(order)} " + " ".join(f"{axis}rotation" for axis in order)
    degrees = [20.0, -50.0, 130.0][: len(order)]
    text = SMALL.replace("CHANNELS 3 Zrotation Xrotation Yrotation", channels)
    text = text.replace("0 1 0 0 0 0 0 0 0", "0 1 0 0 0 0" + " 0" * len(order))
    text = text.replace("0.5 1 0 90 0 0 0 45 0", "0.5 1 0 90 0 0 " + " ".join(map(str, degrees)))
    turns = [rotation.euler_to_wxyz([np.radians(angle)], axis) for angle, axis in zip(degrees, order)]
    expected = turns[0]
    for turn in turns[1:]:
        expected = rotation.multiply(expected, turn)
    local = read_bvh(written(tmp_path, text)).local_wxyz[1, 1]
    assert rotation.angle_between(local, expected) < 1e-9


def test_a_root_without_all_position_channels_stays_at_its_offset(tmp_path: Path) -> None:
    text = SMALL.replace("CHANNELS 6 Xposition Yposition Zposition", "CHANNELS 4 Zposition")
    text = text.replace("0 1 0 0 0 0 0 0 0", "7 0 0 0 0 0 0").replace("0.5 1 0 90", "8 90")
    np.testing.assert_array_equal(read_bvh(written(tmp_path, text)).root_world, [[0, 1, 7], [0, 1, 8]])


def test_positions_of_other_joints_are_ignored_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = SMALL.replace("CHANNELS 3 Z", "CHANNELS 6 Xposition Yposition Zposition Z")
    text = text.replace("0 1 0 0 0 0 0 0 0", "0 1 0 0 0 0 9 9 9 0 0 0").replace("90 0 0 0 45 0", "90 0 0 9 9 9 0 45 0")
    with caplog.at_level(logging.WARNING):
        motion = read_bvh(written(tmp_path, text))
    assert "position channels of 1 joints are ignored (Spine" in caplog.text
    np.testing.assert_allclose(kinematics.joint_positions(motion)[1, 1], [0.3, 1, 0], atol=1e-12)


def test_names_with_spaces_are_joined_by_underscores_as_blender_does(tmp_path: Path) -> None:
    motion = read_bvh(written(tmp_path, SMALL.replace("JOINT Spine", "JOINT Lower  Spine")))
    assert motion.skeleton.names == ("Hips", "Lower_Spine")


def test_a_leaf_may_lack_its_end_site(tmp_path: Path) -> None:
    text = SMALL.replace("    End Site\n    {\n      OFFSET 0 0.3 0\n    }\n", "")
    assert read_bvh(written(tmp_path, text)).skeleton.ends == {}


def test_a_file_without_frames_is_a_skeleton_at_rest(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("0 1 0 0 0 0 0")].replace("Frames: 2", "Frames: 0")
    motion = read_bvh(written(tmp_path, text))
    assert len(motion) == 0
    write_bvh(motion, tmp_path / "again.bvh")
    assert read_bvh(tmp_path / "again.bvh").skeleton.names == motion.skeleton.names


def bomb(depth: int) -> str:
    joints = "".join(f"JOINT j{i} {{ \n OFFSET 0 1 0\n CHANNELS 1 Zrotation\n" for i in range(depth))
    return f"HIERARCHY\nROOT r {{\nOFFSET 0 0 0\nCHANNELS 1 Zrotation\n{joints}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected HIERARCHY"),
        ("\0\1\2", "expected HIERARCHY"),
        ("HIERARCHY\n", "ends before MOTION"),
        (SMALL[:150], "cut short"),
        (SMALL[: SMALL.index("Frames")], "ends before 'Frames:'"),
        (SMALL[: SMALL.index("Frame Time")], "ends before 'Frame Time:'"),
        (SMALL[: SMALL.index("90 0 0")], "line 20: 2 frames of 9 channels need 18 numbers, the file has 12"),
        (SMALL + "1 2 3\n", "line 21: 2 frames of 9 channels need 18 numbers, the file has 21"),
        (SMALL.replace("Frames: 2", "Frames: 99999999999999999999"), "line 17: expected a number of frames"),
        (SMALL.replace("Frames: 2", "Frames: -2"), "line 17: expected a number of frames"),
        (SMALL.replace("0.04", "0"), "line 18: expected a frame time"),
        (SMALL.replace("0.5 1", "nan 1"), "frame 1 .* missing"),
        (SMALL.replace("0.5 1", "1e300 1"), "frame 1 .* beyond a million"),
        (SMALL.replace("0.5 1", "zero 1"), "line 20: expected a number, got 'zero'"),
        (SMALL.replace("OFFSET 0 0.2 0", "OFFSET 0 inf 0"), "line 6: joint 'Spine' has an impossible OFFSET"),
        (SMALL.replace("OFFSET 0 0.2 0", "OFFSET 0 0.2"), "line 8: expected OFFSET and three numbers"),
        (SMALL.replace("    OFFSET 0 0.2 0\n", ""), "'Spine' has no OFFSET"),
        (SMALL.replace("CHANNELS 3 Z", "CHANNELS Z"), "line 9: CHANNELS is followed by 'Zrotation'"),
        (SMALL.replace("3 Zrotation", "3 Wrotation"), "line 9: unknown channel 'Wrotation'"),
        (SMALL.replace("3 Zrotation", "3 Xrotation"), "line 9: a channel is named twice"),
        (SMALL.replace("JOINT Spine", "JOINT"), "line 6: JOINT without a name"),
        (SMALL.replace("MOTION", "ROOT Two\n{\n}\nMOTION"), "line 16: a second ROOT"),
        (SMALL.replace("MOTION", "}\nMOTION"), "line 16: } is not allowed here"),
        (SMALL.replace("}\nMOTION", "MOTION"), "1 braces are still open"),
        (bomb(5000), "more than 1000 joints"),
        ("HIERARCHY\n" + "{" * 100_000, "{ without ROOT"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line_that_names_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MocapError, match=message) as caught:
        read_bvh(written(tmp_path, text))
    assert "others.bvh" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.bvh", ".", "a\0b.bvh"])
def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(MocapError, match="cannot read"):
        read_bvh(tmp_path / name)


def test_a_deep_chain_below_the_limit_is_read_without_recursion(tmp_path: Path) -> None:
    text = bomb(990) + "}" * 991 + "\nMOTION\nFrames: 1\nFrame Time: 0.04\n" + "0 " * 991
    assert len(read_bvh(written(tmp_path, text)).skeleton) == 991


@pytest.mark.real
def test_captured_takes_of_others_are_read(real_data: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(real_data / "cmu_bvh.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".bvh")][::20]
        for name in names:
            motion = read_bvh(archive.extract(name, tmp_path))
            assert len(motion) > 10
            assert motion.fps in {Fraction(24), Fraction(30), Fraction(60), Fraction(120)}
