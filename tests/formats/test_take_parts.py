"""Parts and views in a take: hands, faces and other cameras are optional keys, which older readers pass by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mocap_blender.pure.take import read_take
from takes import GOLDEN, NTSC, golden_take

from mocap.io.take_json import read_json, write_json
from mocap.model.camera import Camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import KeypointLayout, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.model.take import FIRST_BODY, Observation, Take, View

HAND = KeypointLayout("HAND_3", ("wrist", "thumb_tip", "index_tip"), ((0, 1), (0, 2)), ())
LEFT_HAND, OTHER_BODY = (0, "left_hand"), (1, "body")


def hand(frames: int = 6, *, fps: Fraction = NTSC) -> Observation:
    """A hand by formula, not visible in frame 1, with more decimals than a file keeps."""
    confidence = np.full((frames, 3), 0.51234)
    xy = np.arange(frames * 6.0).reshape(frames, 3, 2) + 100.123456
    boxes = np.tile([10.0, 20.0, 30.5, 40.0], (frames, 1))
    for values in (xy, boxes):
        values[1] = np.nan
    confidence[1] = 0
    xyz = np.concatenate([xy / 1000, xy[..., :1] / 500], axis=-1)
    return Observation(Keypoints2D(HAND, xy, confidence, fps), Keypoints3D(HAND, xyz, confidence, fps), boxes)


def take_with_parts() -> Take:
    """The golden take with a left hand, and its body as a second camera sees it."""
    take = golden_take()
    person = take.people[0]
    size = (1920, 1080)
    camera = Camera(np.array([[900.0, 0, 960], [0, 900, 540], [0, 0, 1]]), np.eye(4), size)
    other = View(replace(take.source, name="other.mp4", size=size, start_s=0.25), camera, np.tile(np.eye(3), (6, 1, 1)))
    further = {LEFT_HAND: hand(), OTHER_BODY: Observation(person.keypoints_2d)}
    return replace(take, people=(replace(person, further=further),), further_views=(other,))


def test_the_first_views_body_is_what_a_take_has_always_had() -> None:
    take = golden_take()
    (view,) = take.views
    assert (view.source, view.camera, view.camera_path) == (take.source, take.camera, take.camera_path)
    body = take.people[0].observations[FIRST_BODY]
    assert list(take.people[0].observations) == [FIRST_BODY]
    assert body.keypoints_2d is take.people[0].keypoints_2d
    assert body.boxes is take.people[0].boxes


def test_parts_and_views_are_read_back(tmp_path: Path) -> None:
    write_json(take_with_parts(), tmp_path / "take.json")
    back = read_json(tmp_path / "take.json")
    assert [view.source.name for view in back.views] == ["clip.mp4", "other.mp4"]
    assert back.views[1].source.start_s == 0.25
    assert back.views[1].camera.size == (1920, 1080)
    assert back.views[1].camera_path is not None
    person = back.people[0]
    assert list(person.observations) == [FIRST_BODY, LEFT_HAND, OTHER_BODY]
    found, written = person.observations[LEFT_HAND], hand()
    assert found.keypoints_2d.layout == HAND
    assert found.keypoints_3d is not None
    assert written.keypoints_3d is not None
    assert close(found.keypoints_2d.xy, written.keypoints_2d.xy, 0.005)
    assert close(found.keypoints_3d.xyz, written.keypoints_3d.xyz, 0.00005)
    assert found.boxes is not None
    assert written.boxes is not None
    assert close(found.boxes, written.boxes, 0.005)
    assert person.observations[OTHER_BODY].boxes is None


def close(a: Array, b: Array, atol: float) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=atol + 1e-12, equal_nan=True))


def test_a_take_with_parts_is_written_again_with_the_same_bytes(tmp_path: Path) -> None:
    write_json(take_with_parts(), tmp_path / "take.json")
    write_json(read_json(tmp_path / "take.json"), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "take.json").read_bytes()


def test_without_parts_no_key_is_added(tmp_path: Path) -> None:
    write_json(read_json(GOLDEN / "tiny_take.json"), tmp_path / "take.json")
    assert (tmp_path / "take.json").read_bytes() == (GOLDEN / "tiny_take.json").read_bytes()
    document = json.loads((tmp_path / "take.json").read_text())
    assert "views" not in document
    assert "observations" not in document["people"][0]


def test_parts_and_views_are_optional_keys_alone(tmp_path: Path) -> None:
    """A reader that ignores what it does not know finds the same take; the add-on's is one."""
    write_json(take_with_parts(), tmp_path / "take.json")
    document = json.loads((tmp_path / "take.json").read_text())
    assert document["version"] == "1.0"
    plain = json.loads((GOLDEN / "tiny_take.json").read_text())
    del document["views"], document["people"][0]["observations"], document["layouts"]["HAND_3"]
    assert document == plain
    people = [read_take(path).people[0] for path in (tmp_path / "take.json", GOLDEN / "tiny_take.json")]
    np.testing.assert_array_equal(people[0].local, people[1].local)


Damage = Callable[[dict[str, Any]], object]


def first(document: dict[str, Any]) -> dict[str, Any]:
    return dict.__getitem__(document, "people")[0]["observations"][0]


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a view that is not there": (lambda d: first(d).update(view=2), "the left_hand is in view 2"),
    "an unknown part": (lambda d: first(d).update(part="tail"), r"observations\[0\].part"),
    "the first body again": (lambda d: first(d).update(part="body"), "further observations are of another view"),
    "a part twice": (lambda d: first(d).update(view=1, part="body"), "the same part twice in one view"),
    "too few frames": (lambda d: first(d).update(boxes=[None]), r"observations\[0\].boxes"),
    "an unknown layout": (lambda d: d["layouts"].pop("HAND_3"), "HAND_3' is not among the layouts"),
    "a view without a camera": (lambda d: d["views"][0].pop("camera"), r"views\[0\]: 'camera' is a required"),
    "a focal length of 0": (lambda d: d["views"][0]["camera"]["K"][0].__setitem__(0, 0), r"views\[0\].camera: focal"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_parts_and_views_are_refused_in_one_line(tmp_path: Path, damage: Damage, words: str) -> None:
    write_json(take_with_parts(), tmp_path / "take.json")
    document = json.loads((tmp_path / "take.json").read_text())
    damage(document)
    (tmp_path / "take.json").write_text(json.dumps(document))
    with pytest.raises(MocapError, match=words) as caught:
        read_json(tmp_path / "take.json")
    assert "\n" not in str(caught.value)


def test_parts_must_fit_the_take() -> None:
    person = golden_take().people[0]
    with pytest.raises(ValueError, match="the left_hand in view 0 has 5 frames"):
        replace(person, further={LEFT_HAND: hand(5)})
    slow = replace(person, further={LEFT_HAND: hand(fps=Fraction(25))})
    with pytest.raises(ValueError, match="the left_hand has 25 fps"):
        replace(golden_take(), people=(slow,))
