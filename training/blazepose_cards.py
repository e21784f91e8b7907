"""Where the BlazePose weights come from and what their cards say."""

from __future__ import annotations

from dataclasses import dataclass

from training.networks import NETWORKS

PIPELINE_PAGE = "MediaPipe's published documentation of the pose solution (docs/solutions/pose.md)"


@dataclass(frozen=True)
class Origin:
    """One file of one package. figures: (measure, value) as published, 17 COCO keypoints."""

    registry: str
    package: str
    member: str
    sha256: str
    task: str
    figures: tuple[tuple[str, float], ...] = ()


LANDMARK_TASK = "33 body keypoints in 2D and 3D of one person in a square crop, {size} network"
MEASURES = ("yoga mAP", "yoga PCK@0.2", "dance mAP", "dance PCK@0.2", "HIIT mAP", "HIIT PCK@0.2")


def _landmarks(size: str, sha256: str, *figures: float) -> Origin:
    return Origin(
        registry="npm",
        package="@mediapipe/pose 0.5.1675469404",
        member=f"package/pose_landmark_{size}.tflite",
        sha256=sha256,
        task=LANDMARK_TASK.format(size=size),
        figures=tuple(zip(MEASURES, figures)),
    )


ORIGINS = {
    "blazepose-detector": Origin(
        registry="PyPI",
        package="mediapipe 0.10.21",
        member="mediapipe/modules/pose_detection/pose_detection.tflite",
        sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        task="finds people in a whole image and where a landmark network should look",
    ),
    "blazepose-lite": _landmarks(
        "lite",
        "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
        *(45.0, 90.2, 53.6, 92.5, 53.8, 93.5),
    ),
    "blazepose-full": _landmarks(
        "full",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        *(62.6, 95.5, 67.4, 96.3, 68.0, 95.7),
    ),
    "blazepose-heavy": _landmarks(
        "heavy",
        "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
        *(68.1, 96.4, 73.0, 97.2, 74.0, 97.5),
    ),
}

DETECTOR_ROLE = 'detector = "blazepose-detector"'
LANDMARK_ROLE = 'estimator = "blazepose"\nkeypoints = "BLAZEPOSE_33"\nparts = ["body"]'
DETECTOR_TENSORS = {
    "input": "(B, 3, 224, 224) float32 RGB in 0..1: the image letterboxed into a square, zeros around it",
    "output": "boxes (B, 2254, 12) and logits (B, 2254) of anchors; see estimate.networks.blazepose.DetectorOutputs",
}
LANDMARK_TENSORS = {
    "input": "(B, 3, 256, 256) float32 RGB in 0..1: a square around an upright person, zeros outside the image",
    "output": "landmarks, world landmarks, presence, heatmaps, mask; see estimate.networks.blazepose.LandmarkOutputs",
}
DETECTOR_LIMITS = (
    "trained on one or few people 2 to 4 m away; small, far and crowded people are often missed",
    "needs the head and the hips to be in the image",
)
LANDMARK_LIMITS = (
    "one person a crop; another body in the crop disturbs the result",
    "the depth is much weaker than the image points and leans forward",
    "meant for people 2 to 4 m away; not for surveillance or identification",
)

CARD = """\
name = "{name}"
description = "{task}"
licence = "Apache-2.0"
commercial_use = "yes"
{role}
network = "{network}"
input = "{input}"
output = "{output}"
limits = [
{limits}
]

[weights]
file = "weights.safetensors"
sha256 = "{weights_sha256}"
parameters = {parameters}
storage = "float16"  # as published; computed in float32

[origin]
authors = "The MediaPipe Authors"
registry = "{registry}"
package = "{package}"
file = "{member}"
sha256 = "{sha256}"
training_data = "not published"
converter = "training/convert_blazepose.py"
"""

NOTICE = """\
{name}

The weights in this folder were converted from a network of MediaPipe, taken from the package {package}.
Copyright The MediaPipe Authors. Licensed under the Apache License, Version 2.0: see LICENSE at the root of this
distribution. Changed: stored as safetensors under other tensor names; the values are the published ones.
"""


def card_text(name: str, origin: Origin, weights_sha256: str, parameters: int) -> str:
    """The card of a model as TOML."""
    is_detector = name == "blazepose-detector"
    tensors = DETECTOR_TENSORS if is_detector else LANDMARK_TENSORS
    limits = "\n".join(f'  "{limit}",' for limit in (DETECTOR_LIMITS if is_detector else LANDMARK_LIMITS))
    fields = {key: getattr(origin, key) for key in ("registry", "package", "member", "sha256", "task")}
    runs = {"network": NETWORKS[name], "role": DETECTOR_ROLE if is_detector else LANDMARK_ROLE}
    numbers = {"weights_sha256": weights_sha256, "parameters": parameters, "limits": limits}
    return CARD.format(name=name, **fields, **tensors, **runs, **numbers) + _figures(origin)


def _figures(origin: Origin) -> str:
    if not origin.figures:
        return ""
    lines = [f'"{measure}" = {value}' for measure, value in origin.figures]
    return "\n".join(["", "[published_figures]", f'source = "{PIPELINE_PAGE}; 17 COCO keypoints"', *lines, ""])
