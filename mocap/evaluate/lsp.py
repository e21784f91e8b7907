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

import cv2
import numpy as np

from mocap import metrics
from mocap.errors import MocapError, unknown_name
from mocap.estimators import Detections, Detector, Frame, PoseEstimator
from mocap.formats.lsp_mat import read_joints
from mocap.keypoints import LSP_14, KeypointLayout
from mocap.labels import OCCLUDED
from mocap.rotation import Array

IMAGES = 2000
SPLITS = {"train": range(0, 1000), "test": range(1000, 2000), "all": range(IMAGES)}
BATCH = 64  # images in flight at once: enough for every core, little memory
PASSES = 3  # looks at each person, each where the one before found the body: what tracking does in a clip
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

    found: images in which anybody was detected; the others count as wrong. pck_by_pass: mean PCK@0.2 after each look.
    visible_pck: of the joints that are not hidden.
    """

    images: int
    found: int
    pck: Array
    visible_pck: Array
    auc: Array
    pcp: Array
    pck_by_pass: tuple[float, ...]


def evaluate_lsp(
    path: Path,
    images: range,
    *,
    detector: Detector,
    estimator: PoseEstimator,
    progress: Progress | None = None,
) -> LspScores:
    """PCK@0.2 (PDJ@0.2), AUC and strict PCP@0.5 of a network on images of the zip (indices from 0).

    In each image the detection nearest to its middle is taken, where the labelled person stands. The torso is the
    longer diagonal of the labels. MocapError for a zip that is damaged or another.
    """
    truth, hidden = read_labels(path)
    truth, hidden = truth[list(images)], hidden[list(images)]
    passes = np.full((PASSES, len(images), len(LSP_14), 2), np.nan)
    with _opened(path) as archive:
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            frames = [read_image(archive, index) for index in batch]
            passes[:, start : start + len(batch)] = look_at_middle(frames, detector, estimator)
            if progress:
                progress(start + len(batch), len(images))
    return _scores(passes, truth, hidden)


def sensitive_detector(threshold: float, *, device: str = "auto") -> Detector:
    """The person detector, counting detections from that score; MocapError unless it lies between 0 and 1.

    A still has one chance only, and somebody is in each image: a lower threshold than a clip's is right.
    """
    if not 0 < threshold < 1:
        raise MocapError(f"--threshold must lie between 0 and 1, not {threshold:g}")
    from mocap.estimators.blazepose import BlazePoseDetector

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


def look_at_middle(frames: list[Frame], detector: Detector, estimator: PoseEstimator) -> Array:
    """Keypoints (passes, N, 14, 2) by LSP_14, pixels, of the middle person of each frame; NaN if there is nobody."""
    poses = np.full((PASSES, len(frames), len(LSP_14), 2), np.nan)
    regions = dict(_middle_regions(frames, detector.detect(frames)))
    where, seen = list(regions), [frames[i] for i in regions]
    looked_at = np.array(list(regions.values())).reshape(-1, 4)
    for each in poses:
        if not seen:
            break
        found = estimator.estimate(seen, looked_at)
        each[where] = to_lsp(found.xy, estimator.layout)
        looked_at = found.next_regions
    return poses


def _middle_regions(frames: list[Frame], found: list[Detections]) -> Iterator[tuple[int, Array]]:
    for i, (frame, people) in enumerate(zip(frames, found)):
        if len(people.scores):
            middle = 0.5 * np.array(frame.shape[1::-1])
            yield i, people.regions[np.argmin(np.linalg.norm(people.regions[:, :2] - middle, axis=-1))]


def _scores(passes: Array, truth: Array, hidden: Array) -> LspScores:
    torsos = metrics.torso_diameters(truth, LSP_14)
    errors = [metrics.errors_in_torsos(points, truth, torsos) for points in passes]
    last = passes[-1]
    return LspScores(
        images=len(truth),
        found=int(np.sum(np.isfinite(passes[0, :, 0, 0]))),
        pck=metrics.pck(errors[-1], metrics.LARGEST_THRESHOLD),
        visible_pck=metrics.pck(np.where(hidden, np.nan, errors[-1]), metrics.LARGEST_THRESHOLD),
        auc=metrics.auc(errors[-1]),
        pcp=metrics.limbs_correct(limb_ends(last), limb_ends(truth)),
        pck_by_pass=tuple(float(metrics.pck(each, metrics.LARGEST_THRESHOLD).mean()) for each in errors),
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
