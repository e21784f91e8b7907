"""mocap-motion JSON: what is written is read back, the schema holds, what is damaged is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import takes
from hypothesis import HealthCheck, given, settings
from strategies import motions
from takes import golden_take, random_motion, take_of

from mocap.io import json_text
from mocap.io.rounding import rounded
from mocap.io.take_json import read_json, schema, write_json
from mocap.model import kinematics, rotation
from mocap.model.errors import MocapError
from mocap.model.keypoints import KeypointLayout, Keypoints2D
from mocap.model.take import Take

GOLDEN = takes.GOLDEN / "tiny_take.json"
HUNDREDTH_MM = 1e-5


def altered(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    document = json.loads(GOLDEN.read_text())
    change(document)
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(document))
    return path


def assert_same_people(a: Take, b: Take) -> None:
    for one, other in zip(a.people, b.people, strict=True):
        assert (one.id, one.contacts, one.gaps) == (other.id, other.contacts, other.gaps)
        assert one.swaps == other.swaps
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.keypoints_2d.xy, other.keypoints_2d.xy)
        np.testing.assert_array_equal(one.keypoints_2d.confidence, other.keypoints_2d.confidence)
        assert one.keypoints_2d.layout == other.keypoints_2d.layout
        np.testing.assert_array_equal(one.keypoints_3d.xyz, other.keypoints_3d.xyz)
        np.testing.assert_array_equal(one.motion.root_world, other.motion.root_world)
        np.testing.assert_array_equal(one.motion.local_wxyz, other.motion.local_wxyz)
        np.testing.assert_array_equal(one.motion.skeleton.offsets, other.motion.skeleton.offsets)


def test_the_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    write_json(golden_take(), tmp_path / "take.json")
    assert (tmp_path / "take.json").read_bytes() == GOLDEN.read_bytes()


def test_the_golden_file_satisfies_the_whole_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(json.loads(GOLDEN.read_text()))


@given(motion=motions())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_motion_is_read_back_to_a_hundredth_of_a_millimetre_and_a_thousandth_of_a_degree(
    tmp_path: Path, motion: Any
) -> None:
    write_json(take_of(motion), tmp_path / "take.json")
    back = read_json(tmp_path / "take.json").people[0].motion
    assert back is not None
    moved = np.abs(kinematics.joint_positions(motion) - kinematics.joint_positions(back))
    assert moved.max() < HUNDREDTH_MM
    assert np.degrees(rotation.angle_between(motion.local_wxyz, back.local_wxyz)).max() < 0.001


@given(motion=motions())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_rounded_take_is_read_back_exactly_and_written_to_the_same_bytes(tmp_path: Path, motion: Any) -> None:
    take = rounded(take_of(motion))
    write_json(take, tmp_path / "first.json")
    back = read_json(tmp_path / "first.json")
    assert_same_people(take, back)
    write_json(back, tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_everything_around_the_people_is_read_back(tmp_path: Path) -> None:
    take = replace(golden_take(), cuts=[3])
    write_json(take, tmp_path / "take.json")
    back = read_json(tmp_path / "take.json")
    for name in (
        "source",
        "fps",
        "frames",
        "settings",
        "filters",
        "models",
        "licences",
        "warnings",
        "cuts",
        "versions",
    ):
        assert getattr(back, name) == getattr(take, name)
    np.testing.assert_array_equal(back.camera.K, take.camera.K)
    np.testing.assert_array_equal(back.camera.T_world_camera, take.camera.T_world_camera)


@pytest.mark.parametrize("missing", ["motion", "keypoints_3d"])
def test_a_person_may_lack_a_motion_or_depth(tmp_path: Path, missing: str) -> None:
    take = golden_take()
    write_json(replace(take, people=(replace(take.people[0], **{missing: None}),)), tmp_path / "take.json")
    assert getattr(read_json(tmp_path / "take.json").people[0], missing) is None


def test_a_take_without_frames_and_one_without_people_are_read_back(tmp_path: Path) -> None:
    write_json(take_of(random_motion(0)), tmp_path / "empty.json")
    motion = read_json(tmp_path / "empty.json").people[0].motion
    assert motion is not None
    assert len(motion) == 0
    write_json(replace(golden_take(), people=()), tmp_path / "nobody.json")
    assert read_json(tmp_path / "nobody.json").people == ()


def test_what_is_missing_is_null_and_never_nan() -> None:
    person = json.loads(GOLDEN.read_text(), parse_constant=pytest.fail)["people"][0]
    assert person["boxes"][2] is None
    assert person["keypoints_2d"]["xy"][2][0] is None
    assert person["keypoints_2d"]["confidence"][2][0] == 0


def test_a_frame_of_keypoints_may_be_null_as_a_whole(tmp_path: Path) -> None:
    path = altered(tmp_path, lambda document: document["people"][0]["keypoints_2d"]["xy"].__setitem__(2, None))
    assert_same_people(read_json(path), rounded(golden_take()))


def test_faint_confidence_is_not_rounded_to_missing(tmp_path: Path) -> None:
    take = golden_take()
    faint = replace(take.people[0].keypoints_2d, confidence=take.people[0].keypoints_2d.confidence * 1e-5)
    write_json(replace(take, people=(replace(take.people[0], keypoints_2d=faint),)), tmp_path / "take.json")
    confidence = read_json(tmp_path / "take.json").people[0].keypoints_2d.confidence
    np.testing.assert_array_equal(confidence > 0, faint.confidence > 0)


def test_a_layout_of_ones_own_is_read_back(tmp_path: Path) -> None:
    take = golden_take()
    layout = KeypointLayout("HAND_3", ("left_wrist", "right_wrist", "thumb"), ((0, 2),), ((0, 1),))
    points = Keypoints2D(layout, np.ones((6, 3, 2)), np.ones((6, 3)), take.fps)
    write_json(replace(take, people=(replace(take.people[0], keypoints_2d=points),)), tmp_path / "take.json")
    assert read_json(tmp_path / "take.json").people[0].keypoints_2d.layout == layout


def test_unknown_keys_and_a_newer_minor_version_are_read(tmp_path: Path) -> None:
    def extend(document: dict[str, Any]) -> None:
        document.update(version="1.7", mood="good")
        document["people"][0]["hands"] = [[None]]
        document["people"][0]["motion"]["skeleton"]["colour"] = "red"

    assert_same_people(read_json(altered(tmp_path, extend)), rounded(golden_take()))


def test_a_take_that_does_not_tell_of_swaps_has_none(tmp_path: Path) -> None:
    path = altered(tmp_path, lambda document: document["people"][0].pop("swaps"))
    assert read_json(path).people[0].swaps == []


def test_a_newer_major_version_asks_for_an_update(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match=r"written by a newer mocap \(mocap-motion 2\.0.*update mocap"):
        read_json(altered(tmp_path, lambda document: document.update(version="2.0", people="gone")))


def test_settings_that_are_not_json_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    for value in (Path("x"), float("nan"), {1, 2}):
        with pytest.raises(MocapError, match="cannot write"):
            write_json(replace(golden_take(), settings={"value": value}), tmp_path / "take.json")
    assert not list(tmp_path.iterdir())


def person_of(document: dict[str, Any]) -> dict[str, Any]:
    person: dict[str, Any] = document["people"][0]
    return person


DAMAGE: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("no format", lambda d: d.pop("format"), "it is no take"),
    ("no version", lambda d: d.pop("version"), "version: expected text"),
    ("version a number", lambda d: d.update(version=1.0), "version"),
    ("no people", lambda d: d.pop("people"), "'people' is a required property"),
    ("people a number", lambda d: d.update(people=3), "people: 3 is not of type 'array'"),
    ("fps a float", lambda d: d.update(fps=29.97), "fps: 29.97 is not of type 'array'"),
    ("fps over zero", lambda d: d.update(fps=[30, 0]), r"fps\[1\]: 0 is less than"),
    ("more frames", lambda d: d.update(frames=7), "expected lists of 7, got one of 6"),
    ("huge frames", lambda d: d.update(frames=10**8), "expected lists of 100000000, got one of 6"),
    ("endless frames", lambda d: d.update(frames=10**400), "frames: does not satisfy maximum"),
    ("frames a float", lambda d: d.update(frames=6.0), "frames: 6.0 is not of type 'integer'"),
    ("endless start", lambda d: d["source"].update(start_s=10**400), "source.start_s"),
    ("no source", lambda d: d.pop("source"), "'source' is a required property"),
    ("source path", lambda d: d["source"].update(name="/home/me/clip.mp4"), "source.name"),
    ("camera flat", lambda d: d["camera"].update(K=[1, 2, 3]), "camera.K"),
    ("no focal length", lambda d: d["camera"]["K"][0].__setitem__(0, 0), "camera: focal lengths"),
    ("short box", lambda d: person_of(d)["boxes"].__setitem__(5, [1, 2]), r"boxes: expected lists of 4, got one of 2"),
    ("text box", lambda d: person_of(d)["boxes"].__setitem__(5, ["1", 2, 3, 4]), "expected numbers, got str"),
    ("truth box", lambda d: person_of(d)["boxes"].__setitem__(5, [True, 2, 3, 4]), "expected numbers, got bool"),
    ("object box", lambda d: person_of(d)["boxes"].__setitem__(5, {}), "expected lists of 4, got dict"),
    ("huge box", lambda d: person_of(d)["boxes"].__setitem__(5, [10**400, 2, 3, 4]), "boxes: has a number beyond"),
    ("half a box", lambda d: person_of(d)["boxes"].__setitem__(5, [None, 2, 3, 4]), "as a whole or not at all"),
    ("no layout", lambda d: person_of(d)["keypoints_2d"].update(layout="NEW"), "'NEW' is not among the layouts"),
    ("other layout", lambda d: d["layouts"]["BLAZEPOSE_33"]["names"].reverse(), "not those of BLAZEPOSE_33"),
    ("seen at zero", lambda d: person_of(d)["keypoints_2d"]["confidence"][5].__setitem__(0, 0), "confidence 0"),
    ("over one", lambda d: person_of(d)["keypoints_2d"]["confidence"][5].__setitem__(0, 2), "must lie in 0..1"),
    ("null confidence", lambda d: person_of(d)["keypoints_2d"]["confidence"][5].__setitem__(0, None), "got NoneType"),
    ("null root", lambda d: person_of(d)["motion"]["root_world"].__setitem__(5, None), "root_world"),
    ("no rotation", lambda d: person_of(d)["motion"]["local_wxyz"][5].__setitem__(0, [0, 0, 0, 0]), "unit quaternion"),
    ("one joint less", lambda d: person_of(d)["motion"]["local_wxyz"][5].pop(), "expected lists of 22, got one of 21"),
    (
        "same name",
        lambda d: person_of(d)["motion"]["skeleton"]["names"].__setitem__(1, "Hips"),
        "names: does not satisfy uniqueItems",
    ),
    ("space in name", lambda d: person_of(d)["motion"]["skeleton"]["names"].__setitem__(1, "a b"), "does not match"),
    ("two roots", lambda d: person_of(d)["motion"]["skeleton"]["parents"].__setitem__(1, -1), "only root"),
    ("end inside", lambda d: person_of(d)["motion"]["skeleton"]["ends"].update(Hips=[0, 1, 0]), "only leaves"),
    ("unknown contact", lambda d: person_of(d)["contacts"].update(Nose=[]), "Nose"),
    ("late contact", lambda d: person_of(d)["contacts"].update(LeftToes=[[2, 9]]), "contacts of LeftToes"),
    ("unknown limb", lambda d: person_of(d).update(swaps=[[0, 1, "tail"]]), "swaps"),
    ("swap twice", lambda d: person_of(d).update(swaps=[[0, 2, "legs"], [1, 3, "legs"]]), "swaps of legs"),
    ("gap backwards", lambda d: person_of(d).update(gaps=[[4, 2, "why"]]), "gaps: "),
    ("two with one id", lambda d: d["people"].append(person_of(d)), "different ids"),
    ("cut outside", lambda d: d.update(cuts=[60]), "cuts"),
]


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE])
def test_a_damaged_take_is_refused_in_one_line_that_names_the_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(MocapError, match=message) as caught:
        read_json(altered(tmp_path, change))
    assert "altered.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1 column 1"),
        (b"[]", "it is no take"),
        (b'{"format": "mocap-motion", "version": "1.0"', "cut short"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"format": "mocap-motion", "fps": NaN}', "NaN is not JSON"),
        (b'{"format": "mocap-motion", "fps": -Infinity}', "-Infinity is not JSON"),
        (b'{"format": "mocap-motion", "fps": ' + b"9" * 5000 + b"}", "check the file"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"settings":' * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(MocapError, match=message) as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = GOLDEN.read_bytes().rstrip()
    path = tmp_path / "cut.json"
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(MocapError, match=r"cut\.json"):
            read_json(path)


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(json_text.MAX_BYTES + 1)
    with pytest.raises(MocapError, match="larger than 1000 MB"):
        read_json(path)


@pytest.mark.parametrize("name", ["missing.json", ".", "a\0b.json"])
def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(MocapError, match="cannot read"):
        read_json(tmp_path / name)


def test_the_exact_rate_is_kept() -> None:
    assert read_json(GOLDEN).fps == Fraction(30000, 1001)


def test_the_example_of_the_documentation_is_a_whole_take(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "dev" / "format.md").read_text()
    example = page.split("```json\n")[1].split("```")[0]
    (tmp_path / "example.json").write_text(example)
    write_json(read_json(tmp_path / "example.json"), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == example
