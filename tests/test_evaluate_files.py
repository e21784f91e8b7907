"""The files that hold figures to compare: rigs by their names, markers, exact points, the network's own keypoints."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bodies import FPS, keypoints_of, walking_motion
from takes import take_of

from mocap.evaluate import metrics, rigs
from mocap.evaluate.tracks import TRC_MARKERS, TRC_SOLES, capture_of, read_capture, read_reference
from mocap.io.bvh import write_bvh
from mocap.io.take_json import write_json
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.skeleton import humanoid

MIXAMO = {
    "UpperArm": "Arm",
    "LowerArm": "ForeArm",
    "UpperLeg": "UpLeg",
    "LowerLeg": "Leg",
    "Toes": "ToeBase",
}


def renamed(motion: Motion, names: dict[str, str], prefix: str = "") -> Motion:
    """The motion on a skeleton whose names, less their side, are others."""

    def new(name: str) -> str:
        side = next((side for side in ("Left", "Right") if name.startswith(side)), "")
        part = name.removeprefix(side)
        return prefix + side + names.get(part, part)

    skeleton = motion.skeleton
    ends = {new(name): end for name, end in skeleton.ends.items()}
    return replace(motion, skeleton=replace(skeleton, names=tuple(map(new, skeleton.names)), ends=ends))


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "mixamorig7:"])
def test_mixamo_s_names_mean_the_same_points(prefix):
    points, rig = rigs.points_of(renamed(walking_motion(5), MIXAMO, prefix))
    assert rig.name == "Mixamo/CMU"
    np.testing.assert_allclose(points, metrics.evaluation_points(walking_motion(5)))


def test_the_shoulder_is_the_upper_arm_s_joint_in_every_convention():
    cgspeed = {"Shoulder": "Collar", "UpperArm": "Shoulder", "LowerArm": "Elbow", "Hand": "Wrist",
               "UpperLeg": "Hip", "LowerLeg": "Knee", "Foot": "Ankle", "Toes": "Toe"}  # fmt: skip
    points, rig = rigs.points_of(renamed(walking_motion(5), cgspeed))
    assert rig.name == "CMU by cgspeed"
    np.testing.assert_allclose(points, metrics.evaluation_points(walking_motion(5)))


def test_the_tip_of_the_toes_is_found_at_the_end_of_a_longer_chain():
    motion = renamed(walking_motion(5), {**MIXAMO, "Toes": "ToeTip", "Foot": "ToeBase", "LowerLeg": "Foot"})
    with pytest.raises(MocapError):  # its shins are missing, but the chain of its toes is what it is
        rigs.points_of(motion)
    toe_base = motion.skeleton.index("LeftToeBase")
    assert motion.skeleton.names[rigs._end_of_chain(motion.skeleton, toe_base)] == "LeftToeTip"


def test_a_skeleton_of_no_known_rig_is_refused_with_what_is_missing():
    with pytest.raises(MocapError, match="for Unity/VRM it lacks LeftHand, RightHand"):
        rigs.rig_of(replace(humanoid(), names=tuple(name.replace("Hand", "Paw") for name in humanoid().names), ends={}))


def written_trc(folder: Path, motion: Motion, *, without: str = "", first_s: float = 0.0) -> Path:
    """The markers of a body, in millimetres."""
    points = dict(zip(metrics.EVALUATION_POINTS, np.moveaxis(metrics.evaluation_points(motion), 1, 0)))
    heels = keypoints_of(motion)
    columns = {marker: points[name] for name, marker in TRC_MARKERS.items()}
    for side in ("left", "right"):
        columns[TRC_SOLES[f"{side.capitalize()}Heel"]] = heels.xyz[:, heels.layout.index(f"{side}_heel")]
    columns.pop(without, None)
    table = 1000 * np.concatenate(list(columns.values()), axis=1)
    times = first_s + np.arange(len(motion)) / float(motion.fps)
    rows = ["\t".join(map(str, [i + 1, t, *row])) for i, (t, row) in enumerate(zip(times, table))]
    rate = float(motion.fps)
    header = [
        "PathFileType\t4\t(X/Y/Z)\tmarkers.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"{rate}\t{rate}\t{len(motion)}\t{len(columns)}\tmm",
        "Frame#\tTime\t" + "\t\t\t".join(columns),
        "",
    ]
    path = folder / "markers.trc"
    path.write_text("\n".join([*header, *rows, ""]))
    return path


def test_markers_become_the_fourteen_points_at_the_times_of_the_file(tmp_path):
    reference = read_reference(written_trc(tmp_path, walking_motion(40), first_s=0.5))
    np.testing.assert_allclose(reference.points, metrics.evaluation_points(walking_motion(40)), atol=1e-9)
    assert reference.times_s[0] == 0.5
    assert set(reference.contacts) == set(TRC_SOLES)


def test_contacts_of_markers_are_found_where_the_feet_rest(tmp_path):
    walk = walking_motion(60)
    standing = replace(
        walk, root_world=0 * walk.root_world + 0.9, local_wxyz=np.repeat(walk.local_wxyz[:1], 60, axis=0)
    )
    assert all(down.all() for down in read_reference(written_trc(tmp_path, standing)).contacts.values())
    rushing = replace(standing, root_world=standing.root_world + np.arange(60)[:, None] * np.array([0.2, 0, 0]))
    assert not any(down.any() for down in read_reference(written_trc(tmp_path, rushing)).contacts.values())


def test_missing_markers_are_listed(tmp_path):
    with pytest.raises(MocapError, match="lacks LElbow; needed are all of: LShoulder"):
        read_reference(written_trc(tmp_path, walking_motion(5), without="LElbow"))


def test_the_example_s_truth_is_a_reference_with_its_own_contacts():
    truth = read_reference(Path(__file__).resolve().parents[1] / "examples" / "walk.truth.json")
    assert truth.has_floor
    document = json.loads((Path(__file__).resolve().parents[1] / "examples" / "walk.truth.json").read_text())
    spans = document["contacts"]["left_toe"]
    assert truth.contacts["LeftToes"].sum() == sum(last - first + 1 for first, last in spans)


def test_the_network_s_own_keypoints_can_be_measured():
    motion = walking_motion(20)
    take = take_of(motion)
    person = replace(take.people[0], keypoints_3d=keypoints_of(motion))
    figure = capture_of(take, person, keypoints=True)
    limbs = [i for i, name in enumerate(metrics.EVALUATION_POINTS) if "toe" not in name]
    np.testing.assert_allclose(figure.points[:, limbs], metrics.evaluation_points(motion)[:, limbs], atol=1e-9)
    assert not figure.contacts


def test_a_take_of_a_part_of_a_clip_keeps_the_clip_s_time(tmp_path):
    take = take_of(walking_motion(20))
    take = replace(take, source=replace(take.source, start_s=2.0))
    write_json(take, tmp_path / "take.json")
    assert read_capture(tmp_path / "take.json").times_s[[0, 3]] == pytest.approx([2.0, 2.0 + 3 / float(FPS)])


def test_a_person_without_motion_or_depth_is_refused():
    take = take_of(walking_motion(5))
    bare = replace(take.people[0], motion=None, keypoints_3d=None)
    with pytest.raises(MocapError, match="no motion yet"):
        capture_of(take, bare)
    with pytest.raises(MocapError, match="no 3D keypoints"):
        capture_of(take, bare, keypoints=True)


def test_lengths_that_cannot_be_metres_ask_for_the_unit(tmp_path):
    write_bvh(walking_motion(5), tmp_path / "walk.bvh", units="cm")
    with pytest.raises(MocapError, match="which cannot be metres; say with --reference-unit"):
        read_reference(tmp_path / "walk.bvh")
    metres = read_reference(tmp_path / "walk.bvh", metres_a_unit=0.01)
    np.testing.assert_allclose(metres.points, metrics.evaluation_points(walking_motion(5)), atol=1e-4)


@pytest.mark.real
@pytest.mark.parametrize(
    ("take", "rig", "metres_a_unit"),
    [
        ("iclone_direct/007_01.bvh", "iClone", 0.01),
        ("from_expmap/train_jumping_3.bvh", "Mixamo/CMU", 0.05644),
        ("animated_drawings_cmu/14_14_short.bvh", "CMU by cgspeed", 0.05644),
    ],
)
def test_recorded_motions_on_other_rigs_are_references(real_data, tmp_path, take, rig, metres_a_unit):
    with zipfile.ZipFile(real_data / "cmu_bvh.zip") as archive:
        path = Path(archive.extract(take, tmp_path))
    reference = read_reference(path, metres_a_unit=metres_a_unit)
    assert rig in reference.origin
    wide = np.linalg.norm(reference.points[:, 0] - reference.points[:, 1], axis=-1)
    assert 0.2 < np.median(wide) < 0.5
