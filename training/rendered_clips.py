"""What the pose network says of rendered bodies, beside the exact truth: batches and faults for the lifter.

    python -m training.rendered_clips FOLDER -o rendered.npz

reads every NAME.mp4 of ``training.render_bodies`` with its NAME.truth.json, runs the pose network on it and stores what
a lifter is given, cleaned as the program cleans it, and where the landmarks were. Clips that are stored already are
not looked at again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mocap.model.camera import Camera
from mocap.model.errors import MocapError
from mocap.model.rotation import Array
from mocap.model.take import Take
from mocap.solve.clean import left_right
from mocap.solve.clean.keypoints import clean_depth, clean_image
from mocap.solve.lift.features import MIRROR
from mocap.solve.lift.temporal import resampled
from mocap.solve.settings import SolveSettings
from training.detector_noise import NAMES, TRAINING, Noticed, _slow_noise, as_named, exactly, fewer, looked_at
from training.lifter_views import Batch, _touching, batch_of

LENS = 0.15  # spread of the logarithm of focal lengths: the lens is a guess
CHOICE = 8
LEGS = np.array([name.endswith(("knee", "ankle", "heel", "foot_index")) for name in NAMES])


@dataclass(frozen=True, eq=False)
class Clip:
    """T frames at 30 a second. rays, confidence, guess: what a lifter is given (T, 33, ...), NaN = missing.

    seen: landmarks (T, 33, 3) in the camera's frame, statures. up: (3,) in it. contacts: (T, 4) of FEET.
    """

    rays: Array
    confidence: Array
    guess: Array
    seen: Array
    up: Array
    contacts: Array


def main() -> None:
    """Reads the command line and stores all clips in one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    from mocap.app import process  # reads video, which training alone does not

    settings = process.CaptureSettings()
    networks = cache(lambda _: process.load_networks(settings))
    arrays = dict(np.load(options.output)) if options.output.is_file() else {}
    for path in sorted(options.folder.glob("[0-9]*[0-9].mp4")):
        if f"{path.stem}|rays" in arrays:
            continue
        try:
            take = process.estimate_keypoints(path, settings, networks=networks)
        except MocapError as error:
            print(error)
            continue
        clip = clip_of(take, json.loads(path.with_suffix(".truth.json").read_text()))
        arrays.update({f"{path.stem}|{name}": value.astype(np.float32) for name, value in vars(clip).items()})
        print(path.name, flush=True)
    np.savez_compressed(options.output, **arrays)


def clip_of(take: Take, truth: dict[str, Any]) -> Clip:
    """What a lifter is given of the take's person, beside the truth, seen through the true lens."""
    person = take.people[0]
    person = replace(person, swaps=left_right.find_swaps(person.keypoints_2d, person.keypoints_3d, take.cuts))
    settings = SolveSettings()
    image = clean_image(person, settings, take)
    guess = clean_depth(person, settings, take)
    camera = Camera(np.array(truth["camera"]["K"]), np.array(truth["camera"]["T_world_camera"]), take.source.size)
    landmarks = np.array(truth["landmarks"]["xyz"])[: len(image)] / truth["height_m"]
    place = camera.T_world_camera.copy()
    place[:3, 3] /= truth["height_m"]
    seen = replace(camera, T_world_camera=place).to_camera(landmarks)
    rays = camera.rays(image.xy)[..., :2]
    return Clip(rays, image.confidence, guess.xyz, seen, place[1, :3], _touching(landmarks[None])[0])


class RenderedClips:
    """Batches of windows of rendered clips."""

    def __init__(self, clips: list[Clip], frames: int) -> None:
        self.clips, self.frames = clips, frames

    @classmethod
    def read(cls, path: Path, frames: int) -> RenderedClips:
        """The clips of a file of this module's command."""
        with np.load(path) as stored:
            names = [key.removesuffix("|rays") for key in stored.files if key.endswith("|rays")]
            clips = [
                Clip(*(stored[f"{name}|{field}"].astype(float) for field in Clip.__dataclass_fields__))
                for name in names
            ]
        return cls(clips, frames)

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """``size`` windows, each at a speed, a lens, a roll and a side of its own."""
        windows = [self._window(rng) for _ in range(size)]
        told = Noticed(*(np.stack([getattr(w, name) for w in windows]) for name in ("rays", "confidence", "guess")))
        confidence = fewer(np.where(np.isfinite(told.rays[..., 0]), told.confidence, 0.0), rng, TRAINING)
        rays = np.nan_to_num(told.rays) + 0.002 * _slow_noise(told.rays.shape, 0.8, rng) / 3
        rays = rays * np.exp(rng.normal(0, LENS, (size, 1, 1, 1)))
        guess = np.where(rng.random((size, 1, 1, 1)) < TRAINING.withheld, np.nan, told.guess)
        seen, contacts = (np.stack([getattr(w, name) for w in windows]) for name in ("seen", "contacts"))
        return batch_of(seen, np.stack([w.up for w in windows]), contacts, Noticed(rays, confidence, guess))

    def _window(self, rng: np.random.Generator) -> Clip:
        clip = self.clips[rng.integers(len(self.clips))]
        parts = {name: getattr(clip, name) for name in ("rays", "confidence", "guess", "seen", "contacts")}
        cut = Clip(up=clip.up, **_at_another_speed(parts, self.frames, rng))
        cut = _rolled(cut, rng.normal(0, 0.15))
        return _mirrored(cut) if rng.random() < 0.5 else cut


@dataclass(frozen=True, eq=False)
class Fault:
    """What the pose network got wrong in a clip of T frames.

    pose (33, 3): where landmarks were in the mean, as ``looked_at`` has them. image (T, 33, 2): its points beside exact
    ones, in statures. confidence (T, 33), 0 = missing. leaning (3, 3): what its guess made of such places about the
    hips; guess (T, 33, 3): how far off it was besides.
    """

    pose: Array
    image: Array
    confidence: Array
    leaning: Array
    guess: Array


class Faults:
    """Says what a pose network might of other bodies: with faults that it had on rendered clips.

    Faults of a clip belong together: image points, confidence and depth, all limbs, and how they wander. Drawn one
    landmark at a time, as ``detector_noise.noticed`` does, they cancel out over a limb, which real ones do not. Of
    CHOICE clips that are drawn, that counts whose body was most alike, seen from the same side. Two are mixed.
    """

    def __init__(self, clips: list[Clip], frames: int) -> None:
        self.faults, self.frames = [fault_of(side) for clip in clips for side in (clip, _mirrored(clip))], frames

    def __call__(self, seen: Array, rng: np.random.Generator) -> Noticed:
        """What is said of landmarks (B, T, 33, 3) in the camera's frame, statures."""
        body = looked_at(seen)
        drawn = [self._window(pose, rng) for pose in body.mean(axis=1)]
        image, confidence, leaning, off = (
            np.stack([getattr(fault, name) for fault in drawn]) for name in ("image", "confidence", "leaning", "guess")
        )
        rays = exactly(as_named(seen)).rays + image / np.median(seen[..., 2], axis=(1, 2))[:, None, None, None]
        rays = rays * np.exp(rng.normal(0, LENS, (len(seen), 1, 1, 1)))
        guess = body @ leaning[:, None].swapaxes(-1, -2) + off
        guess = np.where(rng.random((len(seen), 1, 1, 1)) < TRAINING.withheld, np.nan, guess)
        return Noticed(
            np.nan_to_num(rays), fewer(np.where(np.isfinite(rays[..., 0]), confidence, 0.0), rng, TRAINING), guess
        )

    def _window(self, pose: Array, rng: np.random.Generator) -> Fault:
        """One clip's faults with a share of another's, or two such for the legs and for the rest of the body."""
        upper = self._mixed(pose, rng)
        if rng.random() < 0.5:
            return upper
        lower = self._mixed(pose, rng)
        return replace(
            upper,
            image=np.where(LEGS[:, None], lower.image, upper.image),
            confidence=np.where(LEGS, lower.confidence, upper.confidence),
            guess=np.where(LEGS[:, None], lower.guess, upper.guess),
        )

    def _mixed(self, pose: Array, rng: np.random.Generator) -> Fault:
        """No two alike, since a network soon knows the faults of a few hundred clips by heart."""
        main, other = self._cut(pose, rng), self._cut(pose, rng)
        angle, size = rng.uniform(-np.pi / 3, np.pi / 3), np.exp(rng.normal(0, 0.2))
        own, others = size * np.cos(angle), size * np.sin(angle)
        image = own * main.image + others * np.nan_to_num(other.image)
        return replace(main, image=image, guess=own * main.guess + others * np.nan_to_num(other.guess))

    def _cut(self, pose: Array, rng: np.random.Generator) -> Fault:
        drawn = rng.integers(len(self.faults), size=CHOICE)
        fault = self.faults[min(drawn, key=lambda i: float(np.square(self.faults[i].pose - pose).sum()))]
        parts = {name: getattr(fault, name) for name in ("image", "confidence", "guess")}
        return replace(fault, **_at_another_speed(parts, self.frames, rng))


def fault_of(clip: Clip) -> Fault:
    """What the network's words of a clip have wrong."""
    seen, there = clip.seen[None], np.isfinite(clip.guess).all(-1)
    image = (clip.rays - exactly(as_named(seen)).rays[0]) * np.median(clip.seen[..., 2])
    body = looked_at(seen)[0]
    leaning = np.linalg.lstsq(body[there], clip.guess[there], rcond=None)[0].T
    return Fault(body.mean(axis=0), image, clip.confidence, leaning, clip.guess - body @ leaning.T)


def _at_another_speed(parts: dict[str, Array], frames: int, rng: np.random.Generator) -> dict[str, Array]:
    """So many frames of values (T, …), which belong together, from a random one on."""
    last = len(next(iter(parts.values()))) - 1
    speed = np.exp(rng.uniform(-0.35, 0.35))
    begin = rng.uniform(min(0, last - speed * frames), max(0, last - speed * frames))
    ticks = np.clip(begin + speed * np.arange(frames), 0, last)
    return {name: resampled(values, np.arange(last + 1.0), ticks) for name, values in parts.items()}


def _rolled(clip: Clip, angle: float) -> Clip:
    """The clip through a camera that is turned about its axis."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return Clip(
        clip.rays @ turn[:2, :2].T,
        clip.confidence,
        clip.guess @ turn.T,
        clip.seen @ turn.T,
        turn @ clip.up,
        clip.contacts,
    )


def _mirrored(clip: Clip) -> Clip:
    flip = np.array([-1.0, 1.0, 1.0])
    return Clip(
        clip.rays[:, MIRROR] * flip[:2], clip.confidence[:, MIRROR], clip.guess[:, MIRROR] * flip,
        clip.seen[:, MIRROR] * flip, clip.up * flip, clip.contacts[:, [2, 3, 0, 1]],
    )  # fmt: skip


if __name__ == "__main__":
    main()
