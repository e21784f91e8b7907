"""A pose network on Leeds Sports Pose: single images, one labelled person each (Johnson & Everingham, 2010).

The zip is read as distributed: images/im0001.jpg … im2000.jpg and joints.mat (3, 14, 2000), whose third row is 1 where
a joint is hidden. Images 1–1000 are the official training half, 1001–2000 the test half.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mocap.estimate import Detections, Detector, Frame, PoseEstimator
from mocap.estimate.regions import whole_frame
from mocap.evaluate import metrics
from mocap.io.lsp_mat import read_joints
from mocap.model.errors import MocapError, unknown_name
from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.labels import OCCLUDED
from mocap.model.rotation import Array

IMAGES = 2000
SPLITS = {"train": range(0, 1000), "test": range(1000, 2000), "all": range(IMAGES)}
BATCH = 64  # images in flight at once: enough for every core, little memory
PASSES = 3  # looks at each person, each where the one before found the body: what tracking does in a clip
SURE = 0.5  # a network must be surer than that of somebody whom the detector did not see
CLOSE = 0.1  # of a body's mean distance from its middle: looks that far apart half agree
NECK, HEAD_TOP = 0.24, 1.75  # on the line from the shoulders' middle to the ears', in units of it

# The ten limbs of PCP by keypoint names; the trunk runs from the shoulders' middle to the hips'.
LIMBS = {
    "trunk": (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
    "head": (("neck",), ("head_top",)),
    **{
        f"{side} {limb}": ((f"{side}_{a}",), (f"{side}_{b}",))
        for limb, a, b in (
            ("upper arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
        )
        for side in ("right", "left")
    },
}

Progress = Callable[[int, int], None]  # images done, images in all


@dataclass(frozen=True, eq=False)
class LspScores:
    """Percent over N images by the order of LSP_14 (14,) and of LIMBS (10,).

    found: images in which anybody was seen; the others count as wrong. pck_by_pass: mean PCK@0.2 after each look.
    visible_pck: of the joints that are not hidden. detected_pck: mean PCK@0.2 had only the detector said where to look.
    """

    images: int
    found: int
    pck: Array
    visible_pck: Array
    auc: Array
    pcp: Array
    pck_by_pass: tuple[float, ...]
    detected_pck: float


class Looks(NamedTuple):
    """Keypoints xy (4, passes, N, 14, 2) by LSP_14, pixels, NaN where there is nobody, and how sure the network is of
    them (4, passes, N): of the person that was detected, of what is seen in the whole picture, and of both in a mirror.
    """

    xy: Array
    sure: Array

    def agreed(self) -> Array:
        """The keypoints (passes, N, 14, 2) of the look that most agree with, each with as much weight as it is sure.

        The mean of all would lie between two bodies where they differ, and the surest is often sure of the wrong end.
        """
        sure = np.where(np.isfinite(self.xy[..., 0, 0]), self.sure, 0.0)
        is_detected = (sure[::2] > 0).any(axis=0)
        sure[1::2] *= is_detected | (sure[1::2] > SURE)
        sizes = _mean_distance(self.xy, self.xy.mean(axis=-2, keepdims=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            closeness = np.exp(-_mean_distance(self.xy[:, None], self.xy) / (CLOSE * sizes[:, None]))
        votes = (np.nan_to_num(closeness) * sure).sum(axis=1)
        best = np.where(sure > 0, votes, -1.0).argmax(axis=0)
        return np.take_along_axis(self.xy, best[None, ..., None, None], axis=0)[0]


def _mean_distance(a: Array, b: Array) -> Array:
    return np.asarray(np.linalg.norm(a - b, axis=-1).mean(axis=-1))


def evaluate_lsp(
    path: Path,
    images: range,
    *,
    detector: Detector,
    estimator: PoseEstimator,
    progress: Progress | None = None,
) -> LspScores:
    """PCK@0.2 (PDJ@0.2), AUC and strict PCP@0.5 of a network on images of the zip (indices from 0).

    See ``look_at_middle`` for whom it looks at: the labelled person stands in the middle. The torso is the longer
    diagonal of the labels. MocapError for a zip that is damaged or another.
    """
    truth, hidden = read_labels(path)
    truth, hidden = truth[list(images)], hidden[list(images)]
    parts = []
    with _opened(path) as archive:
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            frames = [read_image(archive, index) for index in batch]
            parts.append(look_at_middle(frames, detector, estimator))
            if progress:
                progress(start + len(batch), len(images))
    looks = Looks(*(np.concatenate(arrays, axis=2) for arrays in zip(*parts)))
    return _scores(looks, truth, hidden)


def sensitive_detector(threshold: float, *, device: str = "auto") -> Detector:
    """The person detector, counting detections from that score; MocapError unless it lies between 0 and 1.

    A still has one chance only, and somebody is in each image: a lower threshold than a clip's is right.
    """
    if not 0 < threshold < 1:
        raise MocapError(f"--threshold must lie between 0 and 1, not {threshold:g}")
    from mocap.estimate.blazepose import BlazePoseDetector

    return BlazePoseDetector(device=device, threshold=threshold)


def read_labels(path: Path) -> tuple[Array, Array]:
    """Labels (2000, 14, 2) in pixels, a pixel's centre at half integers, and whether each is hidden (2000, 14)."""
    with _opened(path) as archive:
        try:
            packed = io.BytesIO(archive.read("joints.mat"))
        except (KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise MocapError(f"cannot read {path}: joints.mat is missing or damaged; is it lsp_dataset.zip?") from error
    xy, visibility = read_joints(packed, path)
    if len(xy) != IMAGES:
        raise MocapError(f"{path}: joints.mat has {len(xy)} images, not {IMAGES}; is it lsp_dataset.zip?")
    return xy, visibility == OCCLUDED


def read_image(archive: zipfile.ZipFile, index: int) -> Frame:
    """The RGB image of an index from 0; MocapError if it is missing or damaged."""
    name = f"images/im{index + 1:04d}.jpg"
    try:
        encoded = np.frombuffer(archive.read(name), np.uint8)
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise MocapError(f"{archive.filename}: {name} is missing or damaged; fetch the zip again") from error
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
    if image is None:
        raise MocapError(f"{archive.filename}: {name} is no picture; fetch the zip again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def to_lsp(xy: Array, layout: KeypointLayout) -> Array:
    """Pixels (N, 14, 2) in the order of LSP_14 of a network's keypoints (N, K, 2).

    A layout without neck and head top gets them on the line from the shoulders' middle to the ears' middle.
    """
    points = {name: xy[:, k] for k, name in enumerate(layout.names)}
    if "neck" not in points:
        shoulders = 0.5 * (points["left_shoulder"] + points["right_shoulder"])
        up = 0.5 * (points["left_ear"] + points["right_ear"]) - shoulders
        points |= {"neck": shoulders + NECK * up, "head_top": shoulders + HEAD_TOP * up}
    return np.stack([points[name] for name in LSP_14.names], axis=1)


def images_of(split: str, every: int) -> range:
    """Indices from 0 of every ``every``-th image of a split; MocapError lists the splits."""
    if split not in SPLITS:
        raise unknown_name("split", split, list(SPLITS))
    if every < 1:
        raise MocapError(f"--every must be at least 1, not {every}")
    return SPLITS[split][::every]


def look_at_middle(frames: list[Frame], detector: Detector, estimator: PoseEstimator) -> Looks:
    """What a network sees of the middle person of each frame.

    It looks four times, since what goes wrong once would spoil a still: from the detection nearest to the middle and
    from the whole picture, and again in a mirror (the "flip test" of Newell et al., "Stacked Hourglass", 2016).
    """
    mirrored = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    widths = np.array([frame.shape[1] for frame in frames])[:, None]
    looks = []
    for seen in (frames, mirrored):
        detected = dict(_middle_regions(seen, detector.detect(seen)))
        whole = {i: whole_frame(frame) for i, frame in enumerate(seen)}
        looks += [_look_from(start, seen, estimator) for start in (detected, whole)]
    for xy, _ in looks[2:]:
        xy[...] = xy[..., LSP_14.mirrored(), :]
        xy[..., 0] = widths - xy[..., 0]
    return Looks(*(np.stack(arrays) for arrays in zip(*looks)))


def _look_from(regions: dict[int, Array], frames: list[Frame], estimator: PoseEstimator) -> tuple[Array, Array]:
    """Keypoints (passes, N, 14, 2) from the regions of some of the N frames, and how sure they are (passes, N)."""
    xy = np.full((PASSES, len(frames), len(LSP_14), 2), np.nan)
    sure = np.zeros((PASSES, len(frames)))
    where, seen = list(regions), [frames[i] for i in regions]
    limbs = [k for k, name in enumerate(estimator.layout.names) if name in LSP_14.names]
    looked_at = np.array(list(regions.values())).reshape(-1, 4)
    for points, sureness in zip(xy, sure):
        if not seen:
            break
        found = estimator.estimate(seen, looked_at)
        points[where] = to_lsp(found.xy, estimator.layout)
        sureness[where] = found.scores * found.confidence[:, limbs].mean(axis=1)
        looked_at = looked_at if found.next_regions is None else found.next_regions
    return xy, sure


def _middle_regions(frames: list[Frame], found: list[Detections]) -> Iterator[tuple[int, Array]]:
    for i, (frame, people) in enumerate(zip(frames, found)):
        if len(people.scores):
            middle = 0.5 * np.array(frame.shape[1::-1])
            yield i, people.regions[np.argmin(np.linalg.norm(people.regions[:, :2] - middle, axis=-1))]


def _scores(looks: Looks, truth: Array, hidden: Array) -> LspScores:
    torsos = metrics.torso_diameters(truth, LSP_14)
    passes = looks.agreed()
    *errors, detected = (metrics.errors_in_torsos(points, truth, torsos) for points in (*passes, looks.xy[0, -1]))
    last = passes[-1]
    return LspScores(
        images=len(truth),
        found=int(np.sum(np.isfinite(passes[0, :, 0, 0]))),
        pck=metrics.pck(errors[-1], metrics.LARGEST_THRESHOLD),
        visible_pck=metrics.pck(np.where(hidden, np.nan, errors[-1]), metrics.LARGEST_THRESHOLD),
        auc=metrics.auc(errors[-1]),
        pcp=metrics.limbs_correct(limb_ends(last), limb_ends(truth)),
        pck_by_pass=tuple(float(metrics.pck(each, metrics.LARGEST_THRESHOLD).mean()) for each in errors),
        detected_pck=float(metrics.pck(detected, metrics.LARGEST_THRESHOLD).mean()),
    )


def limb_ends(points: Array) -> Array:
    """Ends (N, 10, 2, 2) of the limbs of points (N, 14, 2)."""
    middles = [
        [np.mean([points[:, LSP_14.index(name)] for name in end], axis=0) for end in ends] for ends in LIMBS.values()
    ]
    return np.moveaxis(np.array(middles), 2, 0)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "it is no zip"
        raise MocapError(f"cannot read {path}: {reason}; name lsp_dataset.zip") from error
