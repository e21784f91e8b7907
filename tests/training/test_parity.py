"""Our networks against the published files, run by LiteRT, on crops of real people.

Run with ``--log-cli-level=INFO`` to see the figures. Pixels are those of the network's own input: 256 a side, the
detector's 224.
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT (dependency group test) is not installed")

from mocap.estimate import create_detector  # noqa: E402
from mocap.estimate.anchors import IMAGE_SIZE  # noqa: E402
from mocap.estimate.blazepose import CROP_SIZE  # noqa: E402
from mocap.estimate.modules import load_module  # noqa: E402
from mocap.estimate.regions import cut_out, whole_frame  # noqa: E402
from mocap.estimate.runtime import create_runtime  # noqa: E402

pytestmark = [pytest.mark.real, pytest.mark.slow]

logger = logging.getLogger(__name__)
LARGEST_DIFFERENCE = 0.05  # pixels
TORCH_EVERY = 4  # crops: eager torch is the slow one here
CLIPS = {
    "videos/outdoor_walk_run.mp4": (110, 150),
    "videos/sit_stand_raise_arms.mp4": (10, 70, 120),
    "videos/two_people.mp4": (5, 50),
    "pose2sim_s00/cam01.mp4": (5, 60),
    "pose2sim_s00/cam03.mp4": (5, 60),
}
LANDMARKERS = ["blazepose-lite", "blazepose-full", "blazepose-heavy"]


@pytest.fixture(scope="module")
def frames(real_data: Path) -> list[np.ndarray]:
    return [frame for clip, indices in CLIPS.items() for frame in read_frames(real_data / clip, indices)]


def read_frames(path: Path, indices: tuple[int, ...]) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    picked = []
    for index in indices:
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        picked.append(np.ascontiguousarray(video.read()[1][..., ::-1]))
    return picked


@pytest.fixture(scope="module")
def crops(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Everybody whom the detector finds."""
    found = zip(frames, create_detector(device="cpu").detect(frames))
    return [cut_out(frame, region, CROP_SIZE) for frame, people in found for region in people.regions]


class Original:
    """The published file. Called with a float image (size, size, 3), gives its outputs by shape."""

    def __init__(self, content: bytes) -> None:
        self.interpreter = litert.Interpreter(model_content=content)
        self.interpreter.allocate_tensors()

    def __call__(self, image: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], image[None])
        self.interpreter.invoke()
        outputs = [self.interpreter.get_tensor(detail["index"]) for detail in self.interpreter.get_output_details()]
        return {output.shape[1:]: output[0] for output in outputs}


class Module:
    """The torch module. Called with a float image (size, size, 3), gives its outputs by name."""

    def __init__(self, name: str) -> None:
        self.network = load_module(name)

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            outputs = self.network(torch.from_numpy(image).permute(2, 0, 1)[None])
        return {key: value[0].numpy() for key, value in outputs._asdict().items()}


def report(name: str, differences: dict[str, list[float]]) -> dict[str, float]:
    """The largest difference of each kind, also written to the log."""
    largest = {key: float(max(values)) for key, values in differences.items()}
    logger.info("%s: %s", name, ", ".join(f"{key} {value:.2g}" for key, value in largest.items()))
    return largest


def unit_range(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


@pytest.mark.parametrize("name", LANDMARKERS)
def test_landmarks_agree_with_the_published_network(
    name: str, originals: dict[str, bytes], crops: list[np.ndarray]
) -> None:
    run_original, run_module = Original(originals[name]), Module(name)
    differences = {"OpenVINO": [], "torch": [], "world mm": [], "presence": []}
    outputs = list(create_runtime(name, device="cpu").infer_many(crops))
    for index, (crop, ours) in enumerate(zip(crops, outputs)):
        original = run_original(unit_range(crop))
        landmarks = original[(195,)].reshape(39, 5)[:, :3]
        differences["OpenVINO"].append(np.abs(ours["landmarks"][:, :3] - landmarks).max())
        if index % TORCH_EVERY == 0:
            module = run_module(unit_range(crop))["landmarks"][:, :3]
            differences["torch"].append(np.abs(module - landmarks).max())
        differences["world mm"].append(np.abs(ours["world"] - original[(117,)].reshape(39, 3)).max() * 1000)
        differences["presence"].append(abs(ours["presence"] - original[(1,)][0]))
    largest = report(name, differences)
    assert len(crops) >= 10
    assert max(largest["OpenVINO"], largest["torch"]) <= LARGEST_DIFFERENCE
    assert largest["world mm"] < 1
    assert largest["presence"] < 1e-3


@pytest.mark.parametrize("name", LANDMARKERS)
def test_heatmaps_and_mask_agree_with_the_published_network(
    name: str, originals: dict[str, bytes], crops: list[np.ndarray]
) -> None:
    image = unit_range(crops[0])
    original, module = Original(originals[name])(image), Module(name)(image)
    heatmaps = original[(64, 64, 39)].transpose(2, 0, 1)
    mask = original[(256, 256, 1)].transpose(2, 0, 1)
    np.testing.assert_allclose(module["heatmaps"], heatmaps, atol=1e-5 * np.abs(heatmaps).max() + 1e-3)
    np.testing.assert_allclose(probability(module["mask"]), probability(mask), atol=1 / 255)


def test_boxes_agree_with_the_published_detector(originals: dict[str, bytes], frames: list[np.ndarray]) -> None:
    name = "blazepose-detector"
    images = [cut_out(frame, whole_frame(frame), IMAGE_SIZE) for frame in frames]
    run_original, run_module = Original(originals[name]), Module(name)
    differences = {"OpenVINO": [], "torch": [], "score": []}
    outputs = list(create_runtime(name, device="cpu").infer_many(images))
    for index, (image, ours) in enumerate(zip(images, outputs)):
        original = run_original(unit_range(image) * 2 - 1)
        boxes, logits = original[(2254, 12)], original[(2254, 1)][:, 0]
        differences["OpenVINO"].append(np.abs(ours["boxes"] - boxes).max())
        if index % TORCH_EVERY == 0:
            differences["torch"].append(np.abs(run_module(unit_range(image))["boxes"] - boxes).max())
        differences["score"].append(np.abs(probability(ours["logits"]) - probability(logits)).max())
    largest = report(name, differences)
    assert max(largest["OpenVINO"], largest["torch"]) <= LARGEST_DIFFERENCE
    assert largest["score"] < 1e-3


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits.astype(float), -100, 100)))
