"""The one place where the stages are put in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import mocap
from mocap.app.settings import CaptureSettings
from mocap.estimate import DEFAULT_DETECTOR, Detector, PoseEstimator, create_detector, create_estimator
from mocap.io import rounding
from mocap.io.weights import read_card
from mocap.model.body import BODY
from mocap.model.camera import DEFAULT_FOV_DEGREES, Camera, intrinsics_from_fov
from mocap.model.errors import MocapError
from mocap.model.keypoints import KeypointLayout, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.model.take import Person, Source, Take
from mocap.solve.lift import LIFTERS, WITH_WEIGHTS
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings
from mocap.solve.steps import fewest_frames
from mocap.source import FrameSource, VideoInfo, open_source
from mocap.track import follow
from mocap.track import tracks as people
from mocap.track.camera_motion import Background
from mocap.track.follow import Footage
from mocap.track.tracks import Track

BOX_MIN_CONFIDENCE = 0.3
MOSTLY_UNSEEN = 0.5  # of the clip; more earns a warning

Progress = Callable[[str, int, int], None]  # stage, frames done, frames in all


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of one estimator on one device, loaded: they serve any number of clips, one at a time."""

    detector: Detector
    estimator: PoseEstimator


def load_networks(settings: CaptureSettings) -> Networks:
    """The networks that these settings ask for. Raises MocapError for unknown names and damaged weights."""
    detector = create_detector(device=settings.device)
    return Networks(detector, create_estimator(settings.estimator, device=settings.device))


LoadNetworks = Callable[[CaptureSettings], Networks]


def process(
    path: str | Path | FrameSource,
    settings: CaptureSettings,
    *,
    progress: Progress | None = None,
    networks: LoadNetworks = load_networks,
) -> Take:
    """The take of a clip: of its most prominent person, or of those asked for.

    path: of a video file or a folder of images, or an open source of frames. networks: where they come from; with many
    clips they are kept. Raises MocapError for clips that cannot be read, are damaged, or show nobody.
    """
    take = look(path, settings, progress=progress, networks=networks)
    if progress:
        progress("solve", 0, take.frames)
    solved = solve(take, settings.solve)
    if progress:
        progress("solve", take.frames, take.frames)
    return solved


def solve(take: Take, settings: SolveSettings, *, keeps_contacts: bool = False) -> Take:
    """The take solved anew from its keypoints, rounded as its file will be; keeps_contacts: as in ``reconstruct``."""
    networks = [model for model in take.models if model["name"] not in LIFTERS]
    lifters = [_model_entry(settings.lifter)] if settings.lifter in WITH_WEIGHTS else []
    models = [*networks, *lifters]
    with threadpool_limits(1, user_api="blas"):  # else the last digits depend on the number of cores
        solved = reconstruct(take, settings, keeps_contacts=keeps_contacts)
    return rounding.rounded(replace(solved, models=models, licences=_licences(models)))


def look(
    path: str | Path | FrameSource,
    settings: CaptureSettings,
    *,
    progress: Progress | None = None,
    networks: LoadNetworks = load_networks,
) -> Take:
    """A take with keypoints but no motion yet: the networks' part of the work."""
    clip = _opened(path, settings) if isinstance(path, str | Path) else path
    info = clip.info
    if info.frames < fewest_frames(float(info.fps)):
        raise MocapError(f"{clip.name}: too short: {info.frames} frames at {float(info.fps):g} fps make no motion")
    loaded = networks(settings)  # after the clip was opened: most bad clips end before
    estimator = loaded.estimator
    background = Background(info.size, float(info.fps))
    footage = follow.follow_people(
        clip if settings.solve.camera_motion == "static" else background.watch(clip),
        fps=float(info.fps),
        detector=loaded.detector,
        estimator=estimator,
        progress=(lambda done: progress("estimate", done, info.frames)) if progress else None,
    )
    _extend_back(footage, clip, estimator)
    warnings = [*clip.warnings, *unobserved(estimator.layout)]
    tracks = _people(footage, settings.people, clip.name, float(info.fps))
    _warn_if_mostly_unseen(tracks[0], footage, warnings)
    source = Source(clip.name, clip.sha256(), info.size, info.fps, info.frames, float(info.start_s))
    fov_degrees = settings.solve.fov_degrees or info.fov_degrees or DEFAULT_FOV_DEGREES
    models = [_model_entry(name) for name in (settings.estimator, DEFAULT_DETECTOR)]
    used = ("numpy", "scipy", "openvino")
    return Take(
        source=source,
        fps=info.fps,
        frames=footage.frames,
        camera=Camera(intrinsics_from_fov(fov_degrees, info.size), np.eye(4), info.size),
        people=tuple(_person(i, track, footage.frames, estimator.layout, info) for i, track in enumerate(tracks, 1)),
        models=models,
        licences=_licences(models),
        warnings=warnings,
        cuts=footage.cuts,
        camera_path=_camera_path(background, footage, settings.solve.camera_motion, warnings),
        versions={"mocap": mocap.__version__, **{name: version(name) for name in used}},
    )


def _warn_if_mostly_unseen(track: Track, footage: Footage, warnings: list[str]) -> None:
    unseen = 1 - len(track.poses) / footage.frames
    if unseen > MOSTLY_UNSEEN:
        warnings.append(f"the person is seen in {100 * (1 - unseen):.0f} % of the clip only")


def unobserved(layout: KeypointLayout) -> list[str]:
    """Warnings for a take: parts of the body that a network does not detect, and keypoints that the solve ignores."""
    missing = {part.without_tips for part in BODY.limbs if not set(part.tips) & set(layout.names)}
    unused = BODY.not_solved(layout.names)
    warnings = [f"the network ({layout.name}) detects {text}" for text in sorted(missing)]
    if unused:
        warnings.append(f"the network ({layout.name}) gives {', '.join(unused)}, which the solve does not use")
    return warnings


def _opened(path: str | Path, settings: CaptureSettings) -> FrameSource:
    fps = None if settings.fps is None else Fraction(settings.fps).limit_denominator(1001)
    part = {"start_s": settings.start_s, "end_s": settings.end_s}
    return open_source(path, fps=fps, allow_damaged=settings.allow_damaged, **part)


def _extend_back(footage: Footage, clip: FrameSource, estimator: PoseEstimator) -> None:
    """Follow everybody back from where the detector first found them."""
    fps = float(clip.info.fps)
    for track in footage.tracks:
        shot = max((cut for cut in footage.cuts if cut <= track.first_frame), default=0)
        others = [other for other in footage.tracks if other is not track]
        follow.extend_back(track, others, earliest=shot, read=clip.part, fps=fps, estimator=estimator)


def _camera_path(background: Background, footage: Footage, motion: str, warnings: list[str]) -> Array | None:
    """How the camera turned (T, 3, 3), if it did; a line in ``warnings`` if that was asked for and cannot be told."""

    def boxes(frame: int) -> Array:
        seen = [track.poses[frame] for track in footage.tracks if frame in track.poses]
        return np.array([keypoint_box(one.xy, one.confidence, background.size) for one in seen]).reshape(-1, 4)

    path = None if footage.cuts or motion == "static" else background.path(boxes)
    if path is None and motion == "moving":
        warnings.append("the background does not show how the camera turned; it is taken to stand still")
    if path is None or not (motion == "moving" or background.has_moved(path)):
        return None
    return rounding.rounded_path(path)


def _people(footage: Footage, which: str, clip: str, fps: float) -> list[Track]:
    tracks = people.join_tracks(footage.tracks, fps=fps, cuts=footage.cuts, frames=footage.frames)
    chosen = people.choose_people(tracks, which, cuts=footage.cuts, frames=footage.frames)
    if not chosen:
        raise MocapError(f"nobody was found in {clip}; the whole body should be in view and well lit")
    return chosen


def _person(number: int, track: Track, frames: int, layout: KeypointLayout, info: VideoInfo) -> Person:
    """The track as arrays over the whole clip, rounded as its file will be; NaN where the person was not seen."""
    xy = np.full((frames, len(layout), 2), np.nan)
    xyz = np.full((frames, len(layout), 3), np.nan)
    confidence = np.zeros((frames, len(layout)))
    boxes = np.full((frames, 4), np.nan)
    for frame, sighting in track.poses.items():
        xy[frame], confidence[frame] = sighting.xy, sighting.confidence
        boxes[frame] = keypoint_box(sighting.xy, sighting.confidence, info.size)
        if sighting.xyz is not None:
            xyz[frame] = sighting.xyz
    depth = None if np.all(np.isnan(xyz)) else Keypoints3D(layout, xyz, confidence, info.fps)
    image = Keypoints2D(layout, xy, confidence, info.fps)
    return rounding.rounded_person(Person(id=number, boxes=boxes, keypoints_2d=image, keypoints_3d=depth))


def keypoint_box(xy: Array, confidence: Array, size: tuple[int, int]) -> Array:
    """The box (4,) xyxy in pixels around the trusted keypoints (K, 2), clipped to an image of (width, height)."""
    trusted = xy[confidence >= min(BOX_MIN_CONFIDENCE, float(confidence.max()))]
    low, high = trusted.min(axis=0), trusted.max(axis=0)
    return np.concatenate([np.clip(low, 0, size), np.clip(high, 0, size)])


def _model_entry(name: str) -> dict[str, str]:
    card = read_card(name)
    return {"name": name, "sha256": card.sha256, "licence": card.licence}


def _licences(models: list[dict[str, str]]) -> list[dict[str, str]]:
    code = {"part": "mocap", "kind": "code", "licence": "Apache-2.0", "commercial_use": "yes"}
    weights = [
        {
            "part": m["name"],
            "kind": "weights",
            "licence": m["licence"],
            "commercial_use": read_card(m["name"]).commercial_use,
        }
        for m in models
    ]
    return [code, *weights]
