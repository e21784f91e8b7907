"""What the pose network says of rendered bodies, beside the exact truth: batches for the lifter.

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

from mocap import reconstruct, swaps
from mocap.camera import Camera
from mocap.errors import MocapError
from mocap.networks.lifter_features import MIRROR
from mocap.rotation import Array
from mocap.take import Take
from training.detector_noise import Noticed, _slow_noise, fewer
from training.lifter_views import Batch, _touching, batch_of

SIZES_M = 0.15  # spread of the logarithm of focal lengths: the lens is a guess


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
    from mocap import pipeline  # reads video, which training alone does not

    settings = pipeline.CaptureSettings()
    networks = cache(lambda _: pipeline.load_networks(settings))
    arrays = dict(np.load(options.output)) if options.output.is_file() else {}
    for path in sorted(options.folder.glob("[0-9]*[0-9].mp4")):
        if f"{path.stem}|rays" in arrays:
            continue
        try:
            take = pipeline.look(path, settings, networks=networks)
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
    person = replace(person, swaps=swaps.find_swaps(person.keypoints_2d, person.keypoints_3d, take.cuts))
    settings = reconstruct.SolveSettings()
    image = reconstruct.clean_image(person, settings, take)
    guess = reconstruct._clean_depth(person, settings, take.cuts)
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
        confidence = fewer(np.where(np.isfinite(told.rays[..., 0]), told.confidence, 0.0), rng)
        rays = np.nan_to_num(told.rays) + 0.002 * _slow_noise(told.rays.shape, 0.8, rng) / 3
        rays = rays * np.exp(rng.normal(0, SIZES_M, (size, 1, 1, 1)))
        guess = np.where(rng.random((size, 1, 1, 1)) < 0.2, np.nan, told.guess)
        seen, contacts = (np.stack([getattr(w, name) for w in windows]) for name in ("seen", "contacts"))
        return batch_of(seen, np.stack([w.up for w in windows]), contacts, Noticed(rays, confidence, guess))

    def _window(self, rng: np.random.Generator) -> Clip:
        clip = self.clips[rng.integers(len(self.clips))]
        speed = np.exp(rng.uniform(-0.35, 0.35))
        begin = rng.uniform(
            min(0, len(clip.rays) - 1 - speed * self.frames), max(0, len(clip.rays) - 1 - speed * self.frames)
        )
        ticks = np.clip(begin + speed * np.arange(self.frames), 0, len(clip.rays) - 1)
        low = np.minimum(ticks.astype(int), len(clip.rays) - 2)
        parts = {}
        for name in ("rays", "confidence", "guess", "seen", "contacts"):
            values = getattr(clip, name)
            share = (ticks - low).reshape(-1, *[1] * (values.ndim - 1))
            parts[name] = (1 - share) * values[low] + share * values[low + 1]
        cut = Clip(up=clip.up, **parts)
        cut = _rolled(cut, rng.normal(0, 0.15))
        return _mirrored(cut) if rng.random() < 0.5 else cut


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
