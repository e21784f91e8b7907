"""Left/right swaps: what is exchanged is found and undone, what is right is left alone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from bodies import keypoints_of, network_guess, picture_of, walking_motion
from scipy.signal import lfilter

from mocap.model import rotation
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.keypoints import BLAZEPOSE_33, COCO_17, Keypoints2D, Keypoints3D
from mocap.model.take import SWAPPED_LIMBS, Person, Source, Swap, Take
from mocap.solve.clean import left_right
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings

Seen = tuple[Keypoints2D, Keypoints3D]

SIZE = (1080, 1920)
PIXELS_PER_M = 460.0  # of a body four metres from that camera
VIEWS = [0, 45, 90, 135, 180, 270]  # degrees from the front; 90 and 270 see it from the side
LIMB_POINTS = {"shoulder": 1.0, "hip": 1.0, "elbow": 1.2, "knee": 1.2}  # noise against the wrists' and feet's 1.6


def walk_seen_from(degrees: float, *, frames: int = 240, fps: int = 30) -> Seen:
    """A walk as a perfect network sees it from four metres away."""
    points = keypoints_of(walking_motion(frames, fps=Fraction(fps)))
    T = world_from_camera(pitch_degrees=5)
    turn = rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(np.array([0.0, np.radians(degrees), 0.0])))
    T[:3, :3] = turn @ T[:3, :3]
    T[:3, 3] = points.xyz.mean(axis=(0, 1)) - 4.0 * T[:3, 2]
    camera = Camera(intrinsics_from_fov(55.0, SIZE), T, SIZE)
    return picture_of(points, camera), network_guess(points, camera)


def with_noise(seen: Seen, seed: int) -> Seen:
    """Errors as a detector's: they linger for a sixth of a second, and are larger far from the trunk and in depth."""
    image, body = seen
    random = np.random.default_rng(seed)
    names = [name.removeprefix("left_").removeprefix("right_") for name in BLAZEPOSE_33.names]
    size = np.array([LIMB_POINTS.get(name, 1.6 if i > 12 else 1.0) for i, name in enumerate(names)])[:, None]
    keep = np.exp(-6.0 / float(image.fps))
    white = random.normal(size=(len(image), 33, 5)) * size
    slow = lfilter([np.sqrt(1 - keep**2)], [1, -keep], white, axis=0)
    noise = 0.012 * slow + 0.003 * random.normal(size=slow.shape) * size
    confidence = np.full(image.confidence.shape, 0.9)
    xyz = body.xyz + noise[..., 2:] * np.array([1.0, 1.0, 4.0])
    return (
        replace(image, xy=image.xy + PIXELS_PER_M * noise[..., :2], confidence=confidence),
        replace(body, xyz=xyz, confidence=confidence),
    )


def random_swaps(frames: int, seed: int, *, longest: int = 30) -> list[Swap]:
    """Swaps of 1 to ``longest`` frames with half a second to three seconds between them."""
    random = np.random.default_rng(seed)
    found, start = [], int(random.integers(10, 40))
    while start < frames:
        end = min(frames, start + int(random.integers(1, longest + 1)))
        found.append(Swap(start, end, str(random.choice(SWAPPED_LIMBS))))
        start = end + int(random.integers(15, 90))
    return found


def exchange(seen: Seen, wrong: list[Swap]) -> Seen:
    """The keypoints with plain columns exchanged, by a rule of its own: by the points' names."""
    arm, leg = ("elbow", "wrist", "pinky", "left_index", "right_index", "thumb"), ("knee", "ankle", "heel", "foot")
    order = np.tile(np.arange(33), (len(seen[0]), 1))
    for i, name in enumerate(BLAZEPOSE_33.names):
        limb = "arms" if any(p in name for p in arm) else "legs" if any(p in name for p in leg) else "trunk"
        side, _, point = name.partition("_")
        other = {"left": f"right_{point}", "right": f"left_{point}"}.get(side, name)
        for swap in wrong:
            if swap.limb in ("body", limb):
                order[swap.start : swap.end, i] = BLAZEPOSE_33.index(other)
    rows = np.arange(len(order))[:, None]
    image, body = seen
    return (
        replace(image, xy=image.xy[rows, order], confidence=image.confidence[rows, order]),
        replace(body, xyz=body.xyz[rows, order], confidence=body.confidence[rows, order]),
    )


def labels(found: list[Swap], frames: int) -> np.ndarray:
    """Which limbs are exchanged in which frame: booleans (T, 3)."""
    exchanged = np.zeros((frames, len(SWAPPED_LIMBS)), bool)
    for swap in found:
        exchanged[swap.start : swap.end, SWAPPED_LIMBS.index(swap.limb)] = True
    return exchanged


def repaired_share(seen: Seen, seeds: range) -> float:
    """The share of exchanged frames that are put right, over several random exchanges of the same keypoints."""
    right = wrong = 0
    for seed in seeds:
        injected = random_swaps(len(seen[0]), seed)
        truth = labels(injected, len(seen[0]))
        found = labels(left_right.find_swaps(*exchange(seen, injected)), len(seen[0]))
        touched = truth.any(axis=1)
        right += np.sum((found == truth).all(axis=1) & touched)
        wrong += np.sum(touched)
    return float(right / wrong)


@pytest.mark.parametrize("degrees", VIEWS)
def test_at_least_nine_tenths_of_the_exchanged_frames_are_put_right(degrees: float) -> None:
    assert repaired_share(with_noise(walk_seen_from(degrees), seed=1), range(5)) >= 0.9


@pytest.mark.parametrize("fps", [24, 60])
@pytest.mark.parametrize("degrees", VIEWS)
def test_no_swap_is_invented_where_legs_and_arms_cross(degrees: float, fps: int) -> None:
    for seed in range(3):
        assert left_right.find_swaps(*with_noise(walk_seen_from(degrees, frames=8 * fps, fps=fps), seed)) == []


@pytest.mark.parametrize("limb", SWAPPED_LIMBS)
@pytest.mark.parametrize("span", [(0, 12), (40, 41), (70, 90), (228, 240)])
def test_a_swap_is_found_to_the_frame_also_at_the_ends_of_the_clip(limb: str, span: tuple[int, int]) -> None:
    injected = [Swap(*span, limb)]
    assert left_right.find_swaps(*exchange(walk_seen_from(30), injected)) == injected


@pytest.mark.parametrize("limb", SWAPPED_LIMBS)
def test_labels_that_last_are_taken_for_the_true_ones(limb: str) -> None:
    """Whatever a network's depth says of whole scenes: it errs there more often than its labels do."""
    assert left_right.find_swaps(*exchange(walk_seen_from(30), [Swap(0, 240, limb)])) == []
    assert left_right.find_swaps(*exchange(walk_seen_from(30), [Swap(0, 200, limb)])) == [Swap(200, 240, limb)]


def test_arms_and_legs_may_be_exchanged_at_once() -> None:
    injected = [Swap(50, 70, "arms"), Swap(60, 80, "legs")]
    assert left_right.find_swaps(*exchange(walk_seen_from(30), injected)) == injected


@pytest.mark.parametrize("limb", SWAPPED_LIMBS)
def test_repair_undoes_an_exchange_of_places_and_confidence(limb: str) -> None:
    image, body = with_noise(walk_seen_from(30), seed=0)
    confidence = np.random.default_rng(0).uniform(0.1, 1, image.confidence.shape)
    seen = replace(image, confidence=confidence), replace(body, confidence=confidence)
    injected = [Swap(50, 70, limb)]
    wrong = exchange(seen, injected)
    image, body = left_right.repair_2d(wrong[0], injected), left_right.repair_3d(wrong[1], injected)
    np.testing.assert_array_equal(image.xy, seen[0].xy)
    np.testing.assert_array_equal(body.xyz, seen[1].xyz)
    np.testing.assert_array_equal(image.confidence, confidence)
    np.testing.assert_array_equal(body.confidence, confidence)


def test_a_body_taken_back_to_front_gets_its_depth_back() -> None:
    image, body = walk_seen_from(30)
    wrong = exchange((image, body), [Swap(50, 70, "body")])
    reversed_depth = wrong[1].xyz.copy()
    reversed_depth[50:70, :, 2] *= -1
    image, depth = wrong[0], replace(wrong[1], xyz=reversed_depth)
    found = left_right.find_swaps(image, depth)
    assert found == [Swap(50, 70, "body")]
    np.testing.assert_array_equal(left_right.repair_3d(depth, found).xyz, body.xyz)


def test_nothing_is_compared_across_a_cut_or_a_long_absence() -> None:
    first, second = walk_seen_from(0, frames=60), walk_seen_from(180, frames=60)
    image = replace(first[0], **joined(first[0], second[0], "xy"))
    body = replace(first[1], **joined(first[1], second[1], "xyz"))
    assert left_right.find_swaps(image, body, cuts=[60]) == []
    image, body = unseen(image, range(55, 65)), unseen(body, range(55, 65))
    assert left_right.find_swaps(image, body) == []


def joined(a: Keypoints2D | Keypoints3D, b: Keypoints2D | Keypoints3D, points: str) -> dict[str, np.ndarray]:
    return {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in (points, "confidence")}


def unseen(keypoints: Keypoints2D | Keypoints3D, frames: range) -> Keypoints2D | Keypoints3D:
    name = "xy" if isinstance(keypoints, Keypoints2D) else "xyz"
    points, confidence = getattr(keypoints, name).copy(), keypoints.confidence.copy()
    points[list(frames)], confidence[list(frames)] = np.nan, 0
    return replace(keypoints, **{name: points}, confidence=confidence)


def test_a_swap_is_found_beside_and_around_short_absences() -> None:
    injected = [Swap(50, 70, "legs")]
    image, body = exchange(walk_seen_from(30), injected)
    for gap in (range(46, 50), range(58, 61)):
        image, body = unseen(image, gap), unseen(body, gap)
    assert left_right.find_swaps(image, body) == [Swap(50, 58, "legs"), Swap(61, 70, "legs")]


def test_image_points_of_another_layout_are_enough() -> None:
    injected = [Swap(50, 60, "arms"), Swap(90, 110, "legs"), Swap(150, 170, "body")]
    image, _ = exchange(with_noise(walk_seen_from(30), seed=0), injected)
    columns = [BLAZEPOSE_33.index(name) for name in COCO_17.names]
    coco = Keypoints2D(COCO_17, image.xy[:, columns], image.confidence[:, columns], image.fps)
    assert left_right.find_swaps(coco) == injected


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_a_clip_of_a_few_frames_has_no_swaps(frames: int) -> None:
    image, body = walk_seen_from(30, frames=10)
    image = replace(image, xy=image.xy[:frames], confidence=image.confidence[:frames])
    body = replace(body, xyz=body.xyz[:frames], confidence=body.confidence[:frames])
    assert left_right.find_swaps(image, body) == []


def test_a_body_of_which_only_some_points_are_seen_is_no_error() -> None:
    image, body = walk_seen_from(30, frames=60)
    image, body = unseen(image, range(0)), unseen(body, range(20, 40))
    image.xy[10:50, 5:], image.confidence[10:50, 5:] = np.nan, 0
    with np.errstate(all="raise"):
        assert left_right.find_swaps(image, body) == []


@pytest.mark.real
@pytest.mark.parametrize("clip", ["videos/sit_stand_raise_arms.mp4", "pose2sim_s00/cam03.mp4"])
def test_swaps_in_a_real_clip_are_put_right_and_none_invented(real_data: Path, clip: str) -> None:
    from mocap.app import process

    (person,) = process.estimate_keypoints(real_data / clip, process.CaptureSettings()).people
    assert person.keypoints_3d is not None
    seen = person.keypoints_2d, person.keypoints_3d
    assert left_right.find_swaps(*seen) == []
    assert repaired_share(seen, range(10)) >= 0.9


@pytest.mark.real
def test_the_networks_own_swaps_of_a_woman_who_walks_past_are_undone(real_data: Path) -> None:
    from mocap.app import process

    clip = real_data / "videos" / "outdoor_walk_run.mp4"
    people = process.estimate_keypoints(clip, process.CaptureSettings(start_s=3.9, end_s=6.2, people="all")).people
    woman = max(people, key=lambda person: float(np.nanmedian(person.boxes[:, 3])))  # the man stands on a roof
    repaired = left_right.repair_2d(woman.keypoints_2d, left_right.find_swaps(woman.keypoints_2d, woman.keypoints_3d))
    left, right = (BLAZEPOSE_33.index(f"{side}_ankle") for side in ("left", "right"))
    frames = np.array([*range(119, 125), *range(131, 136), *range(156, 162)]) - 117
    is_left_ahead = repaired.xy[frames, left, 0] < repaired.xy[frames, right, 0]  # she walks to the left
    assert is_left_ahead.tolist() == [True] * 6 + [False] * 5 + [True] * 6  # as the pictures show


@pytest.mark.slow
def test_the_solved_motion_is_that_of_the_keypoints_without_swaps_and_the_take_tells_of_them() -> None:
    seen = with_noise(walk_seen_from(30, frames=120), seed=0)
    injected = [Swap(40, 52, "legs"), Swap(70, 90, "body")]
    clean, wrong = (
        reconstruct(take_of_keypoints(*keypoints), SolveSettings()) for keypoints in (seen, exchange(seen, injected))
    )
    assert (clean.people[0].swaps, wrong.people[0].swaps) == ([], injected)
    assert wrong.people[0].motion is not None
    assert clean.people[0].motion is not None
    np.testing.assert_array_equal(wrong.people[0].motion.local_wxyz, clean.people[0].motion.local_wxyz)
    np.testing.assert_array_equal(wrong.people[0].keypoints_2d.xy, exchange(seen, injected)[0].xy)


def take_of_keypoints(image: Keypoints2D, body: Keypoints3D) -> Take:
    """A take that holds what a network saw and nothing solved."""
    boxes = np.concatenate([image.xy.min(axis=1), image.xy.max(axis=1)], axis=1)
    source = Source(name="clip.mp4", sha256="0" * 64, size=SIZE, fps=image.fps, frames=len(image))
    camera = Camera(intrinsics_from_fov(55.0, SIZE), np.eye(4), SIZE)
    person = Person(id=1, boxes=boxes, keypoints_2d=image, keypoints_3d=body)
    return Take(source=source, fps=image.fps, frames=len(image), camera=camera, people=(person,))
