"""Evaluation of a pose network on Leeds Sports Pose: images with one labelled person each (Johnson & Everingham, 2010).

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
BATCH = 64  # images estimated at once: enough for every core, little memory
PASSES = 3  # estimates of each person, each in the region that fits the one before, as tracking does in a clip
SURE = 0.5  # least confidence of an estimate in the whole image, where the detector found no person
CLOSE = 0.1  # of the mean distance of keypoints from their mean: scale of the distance between two estimates
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
    """Scores in percent over N images.

    Parameters
    ----------
    images : N.
    found : number of images in which a person was found; the others count as wrong.
    pck, auc : (14,) PCK@0.2 and its area under the curve, in the order of LSP_14.
    visible_pck : (14,) PCK@0.2 of the joints that are not hidden.
    pcp : (10,) in the order of LIMBS.
    pck_by_pass : mean PCK@0.2 after each pass.
    detected_pck : mean PCK@0.2 with estimates from detections only, without the whole image and mirror images.
    """

    images: int
    found: int
    pck: Array
    visible_pck: Array
    auc: Array
    pcp: Array
    pck_by_pass: tuple[float, ...]
    detected_pck: float


class Estimates(NamedTuple):
    """Four estimates of one person in each of N images: from the detection, from the whole image, and both in a mirror.

    Parameters
    ----------
    xy : (4, passes, N, 14, 2) keypoints of LSP_14, pixels, NaN where no person was found.
    confidence : (4, passes, N).
    """

    xy: Array
    confidence: Array

    def consensus(self) -> Array:
        """The estimate with the most support by the others: keypoints (passes, N, 14, 2), pixels.

        Notes
        -----
        The support of an estimate is the sum of all confidences, weighted by the nearness of their keypoints. Where two
        estimates differ, their mean would lie between two bodies, and the most confident one often has head and feet
        exchanged.
        """
        confidence = np.where(np.isfinite(self.xy[..., 0, 0]), self.confidence, 0.0)
        is_detected = (confidence[::2] > 0).any(axis=0)
        confidence[1::2] *= is_detected | (confidence[1::2] > SURE)
        sizes = _mean_distance(self.xy, self.xy.mean(axis=-2, keepdims=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            nearness = np.exp(-_mean_distance(self.xy[:, None], self.xy) / (CLOSE * sizes[:, None]))
        support = (np.nan_to_num(nearness) * confidence).sum(axis=1)
        best = np.where(confidence > 0, support, -1.0).argmax(axis=0)
        return np.asarray(np.take_along_axis(self.xy, best[None, ..., None, None], axis=0)[0])


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
    """Evaluate a pose network: PCK@0.2 (PDJ@0.2), AUC and strict PCP@0.5.

    Parameters
    ----------
    path : of lsp_dataset.zip.
    images : indices from 0.
    detector, estimator : the networks; ``estimate_middle_person`` chooses the person.
    progress : called with the number of images done, and of all.

    Raises
    ------
    MocapError
        For a zip that is damaged or a different one.

    Notes
    -----
    The torso is the longer diagonal of the labels.
    """
    truth, hidden = read_labels(path)
    truth, hidden = truth[list(images)], hidden[list(images)]
    parts = []
    with _opened(path) as archive:
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            frames = [read_image(archive, index) for index in batch]
            parts.append(estimate_middle_person(frames, detector, estimator))
            if progress:
                progress(start + len(batch), len(images))
    estimates = Estimates(*(np.concatenate(arrays, axis=2) for arrays in zip(*parts)))
    return _scores(estimates, truth, hidden)


def sensitive_detector(threshold: float, *, device: str = "auto") -> Detector:
    """The person detector with another threshold than for clips.

    Parameters
    ----------
    threshold : least score of a detection. Every image shows a person, and a still image has no other frame to find
        them in, so a lower threshold than that of clips is right.
    device : as for all networks.

    Raises
    ------
    MocapError
        Unless the threshold lies between 0 and 1.
    """
    if not 0 < threshold < 1:
        raise MocapError(f"--threshold must lie between 0 and 1, not {threshold:g}")
    from mocap.estimate.blazepose import BlazePoseDetector

    return BlazePoseDetector(device=device, threshold=threshold)


def read_labels(path: Path) -> tuple[Array, Array]:
    """Read the labels: positions (2000, 14, 2), pixels, a pixel's centre at half integers, and flags (2000, 14) of
    hidden joints. Raises MocapError for a zip that is damaged or a different one."""
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
    """Read the RGB image of an index from 0. Raises MocapError if it is missing or damaged."""
    name = f"images/im{index + 1:04d}.jpg"
    try:
        encoded = np.frombuffer(archive.read(name), np.uint8)
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise MocapError(f"{archive.filename}: {name} is missing or damaged; fetch the zip again") from error
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
    if image is None:
        raise MocapError(f"{archive.filename}: {name} is not an image; fetch the zip again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def to_lsp(xy: Array, layout: KeypointLayout) -> Array:
    """Convert a network's keypoints to the layout of the labels.

    Parameters
    ----------
    xy : (N, K, 2) pixels.
    layout : of the network.

    Returns
    -------
    Array (N, 14, 2) in the order of LSP_14. Neck and head top, where the network does not have them, are put on the
    line from the middle of the shoulders to the middle of the ears.
    """
    points = {name: xy[:, k] for k, name in enumerate(layout.names)}
    if "neck" not in points:
        shoulders = 0.5 * (points["left_shoulder"] + points["right_shoulder"])
        up = 0.5 * (points["left_ear"] + points["right_ear"]) - shoulders
        points |= {"neck": shoulders + NECK * up, "head_top": shoulders + HEAD_TOP * up}
    return np.stack([points[name] for name in LSP_14.names], axis=1)


def images_of(split: str, every: int) -> range:
    """Indices from 0 of every ``every``-th image of a split. Raises MocapError for an unknown split."""
    if split not in SPLITS:
        raise unknown_name("split", split, list(SPLITS))
    if every < 1:
        raise MocapError(f"--every must be at least 1, not {every}")
    return SPLITS[split][::every]


def estimate_middle_person(frames: list[Frame], detector: Detector, estimator: PoseEstimator) -> Estimates:
    """Estimate the pose of the person in the middle of each image, four times.

    Parameters
    ----------
    frames : N RGB images.
    detector, estimator : the networks.

    Notes
    -----
    A single error would spoil a still image, so the estimates start from the detection nearest to the middle and from
    the whole image, and from both again in a mirror (the "flip test" of Newell et al., "Stacked Hourglass", 2016).
    """
    mirrored = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    widths = np.array([frame.shape[1] for frame in frames])[:, None]
    estimates = []
    for images in (frames, mirrored):
        detected = dict(_middle_regions(images, detector.detect(images)))
        whole = {i: whole_frame(frame) for i, frame in enumerate(images)}
        estimates += [_estimate_from(start, images, estimator) for start in (detected, whole)]
    for xy, _ in estimates[2:]:
        xy[...] = xy[..., LSP_14.mirrored(), :]
        xy[..., 0] = widths - xy[..., 0]
    return Estimates(*(np.stack(arrays) for arrays in zip(*estimates)))


def _estimate_from(start: dict[int, Array], frames: list[Frame], estimator: PoseEstimator) -> tuple[Array, Array]:
    """Keypoints (passes, N, 14, 2) and confidence (passes, N), from first regions in some of the N frames."""
    xy = np.full((PASSES, len(frames), len(LSP_14), 2), np.nan)
    confidence = np.zeros((PASSES, len(frames)))
    indices, images = list(start), [frames[i] for i in start]
    limbs = [k for k, name in enumerate(estimator.layout.names) if name in LSP_14.names]
    regions = np.array(list(start.values())).reshape(-1, 4)
    for points, certainty in zip(xy, confidence):
        if not images:
            break
        found = estimator.estimate(images, regions)
        points[indices] = to_lsp(found.xy, estimator.layout)
        certainty[indices] = found.scores * found.confidence[:, limbs].mean(axis=1)
        regions = regions if found.next_regions is None else found.next_regions
    return xy, confidence


def _middle_regions(frames: list[Frame], found: list[Detections]) -> Iterator[tuple[int, Array]]:
    for i, (frame, people) in enumerate(zip(frames, found)):
        if len(people.scores):
            middle = 0.5 * np.array(frame.shape[1::-1])
            yield i, people.regions[np.argmin(np.linalg.norm(people.regions[:, :2] - middle, axis=-1))]


def _scores(estimates: Estimates, truth: Array, hidden: Array) -> LspScores:
    torsos = metrics.torso_diameters(truth, LSP_14)
    passes = estimates.consensus()
    *errors, detected = (metrics.errors_in_torsos(points, truth, torsos) for points in (*passes, estimates.xy[0, -1]))
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
        reason = getattr(error, "strerror", None) or "it is not a zip"
        raise MocapError(f"cannot read {path}: {reason}; name lsp_dataset.zip") from error
