"""One performance in other wrappings: the takes of them agree within stated millimetres."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import Image
from footage import EXAMPLE, Encoding, example_pictures, rewrapped, write_pictures

from mocap.app import process
from mocap.model.kinematics import joint_positions
from mocap.model.rotation import Array
from mocap.model.take import Take
from mocap.solve.settings import SolveSettings

pytestmark = pytest.mark.slow

FRAMES = 90
NTSC = Fraction(30000, 1001)
VP9 = {"crf": "14", "b": "0", "deadline": "realtime", "cpu-used": "6", "g": "30"}
IRREGULAR_S = [Fraction(n, 30) for n in range(FRAMES) if n % 3 != 2]  # a phone that drops every third picture


def kept(pictures: list[Image]) -> list[Image]:
    return [picture for number, picture in enumerate(pictures) if number % 3 != 2]


def odd(pictures: Iterable[Image]) -> list[Image]:
    """539 × 959: a row and a column are cut off."""
    return [np.ascontiguousarray(picture[1:, :-1]) for picture in pictures]


def smaller(pictures: Iterable[Image]) -> list[Image]:
    """533 × 949, every pixel made anew."""
    return [cv2.resize(picture, (533, 949), interpolation=cv2.INTER_AREA) for picture in pictures]


def with_a_cut(pictures: list[Image]) -> list[Image]:
    """The second half seen by a longer lens and in other colours: another shot of the same performance."""
    near = [np.ascontiguousarray(picture[120:840, 67:472]) for picture in pictures[FRAMES // 2 :]]
    graded = [np.ascontiguousarray(255 - cv2.resize(picture, (540, 960))[..., ::-1] // 2) for picture in near]
    return [*pictures[: FRAMES // 2], *graded]


@dataclass(frozen=True)
class Variant:
    """A wrapping of the same pictures, and how far its take may be off: mean over joints and frames, hips aligned."""

    name: str
    write: Callable[[Path, list[Image]], Path]
    mean_mm: float


def encoded(change: Callable[[list[Image]], list[Image]] = list, **how: object) -> Callable[[Path, list[Image]], Path]:
    return lambda path, pictures: write_pictures(path, change(pictures), Encoding(**how))  # type: ignore[arg-type]


VARIANTS = [
    Variant("rewrapped.mkv", lambda path, pictures: rewrapped(path), 0.001),
    Variant("encoded_again.mp4", encoded(), 8),
    Variant("rotated_by_tag.mp4", encoded(rotation=90), 8),
    Variant("variable_rate.mkv", encoded(kept, times_s=IRREGULAR_S), 15),
    Variant("ntsc.mp4", encoded(fps=NTSC), 8),
    Variant("ten_bit.mp4", encoded(pixel_format="yuv420p10le"), 8),
    Variant("odd_size.mkv", encoded(odd, codec="ffv1", pixel_format="bgr0", options={}), 10),
    Variant("smaller.mkv", encoded(smaller, codec="ffv1", pixel_format="bgr0", options={}), 15),
    Variant("vp9.webm", encoded(codec="libvpx-vp9", options=VP9), 10),
    Variant("two_shots.mp4", encoded(with_a_cut), 25),
]


@pytest.fixture(scope="module")
def take_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Take]:
    """The take of a variant by its name, or of the example itself; each is made once."""
    folder, pictures = tmp_path_factory.mktemp("variants"), example_pictures(FRAMES)
    writers = {variant.name: variant.write for variant in VARIANTS}
    settings = process.CaptureSettings(estimator="blazepose-full", end_s=FRAMES / 30)

    @cache
    def take(name: str) -> Take:
        path = EXAMPLE if name == EXAMPLE.name else writers[name](folder / name, pictures)
        return process.process(path, settings)

    return take


def joints_at(take: Take, times_s: Array) -> Array:
    """Joints (T, J, 3) in metres relative to the hips, between frames by straight lines."""
    motion = take.people[0].motion
    assert motion is not None
    joints = joint_positions(motion)
    joints = joints - joints[:, :1]
    frames = times_s * float(take.fps)
    flat = joints.reshape(len(joints), -1).T
    return np.stack([np.interp(frames, np.arange(len(joints)), row) for row in flat], axis=-1).reshape(
        len(times_s), *joints.shape[1:]
    )


def differences_mm(take: Take, reference: Take) -> Array:
    """How far each joint (T, J) of a take is from the reference's at the same picture, hips on hips."""
    times_s = np.arange(FRAMES) / 30
    slower = Fraction(30) / take.fps if take.fps == NTSC else 1  # the same pictures, shown a thousandth longer
    apart = joints_at(take, times_s * float(slower)) - joints_at(reference, times_s)
    return 1000 * np.linalg.norm(apart, axis=-1)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_take_does_not_depend_on_the_wrapping(take_of: Callable[[str], Take], variant: Variant) -> None:
    take = take_of(variant.name)
    apart = differences_mm(take, take_of(EXAMPLE.name))
    print(f"{variant.name}: mean {apart.mean():.1f} mm, 95 % below {np.percentile(apart, 95):.1f} mm")  # noqa: T201
    assert abs(take.frames - FRAMES) <= 1
    assert take.people[0].gaps == []
    assert apart.mean() < variant.mean_mm


def test_a_hard_cut_is_found_and_the_person_is_one_in_both_shots(take_of: Callable[[str], Take]) -> None:
    take = take_of("two_shots.mp4")
    assert take.cuts == [FRAMES // 2]
    assert len(take.people) == 1


@pytest.mark.parametrize(("name", "fps"), [("ntsc.mp4", NTSC), ("variable_rate.mkv", Fraction(30))])
def test_a_variant_has_its_exact_rate(take_of: Callable[[str], Take], name: str, fps: Fraction) -> None:
    assert take_of(name).fps == fps


def test_the_lens_that_a_phone_wrote_down_is_the_takes_camera(tmp_path: Path) -> None:
    lens = {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "13"}
    clip = rewrapped(tmp_path / "phone.mov", options={"movflags": "use_metadata_tags"}, metadata=lens)
    settings = process.CaptureSettings(estimator="blazepose-lite", end_s=0.5)
    take = process.process(clip, settings)
    assert take.camera.K[0, 0] == pytest.approx(480 * 13 / 17.307, rel=1e-3)  # half the longer side, 17.307 mm of film
    assert process.solve(take, SolveSettings()).camera.K[0, 0] == take.camera.K[0, 0]
    said = process.solve(take, SolveSettings(fov_degrees=60)).camera
    assert said.K[0, 0] == pytest.approx(480 / np.tan(np.radians(30)))
