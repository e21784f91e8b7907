"""The shipped graphs: as the torch modules to a fraction of a pixel, and read without torch."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from footage import example_pictures

from mocap.estimate import openvino_runtime
from mocap.estimate.graphs import ALIGNMENT, constant_block, read_graph, small_start
from mocap.estimate.regions import cut_out
from mocap.estimate.runtime import create_runtime
from mocap.io.weights import find_models_folder, read_card
from mocap.model.errors import MocapError

LANDMARKERS = ["blazepose-lite", "blazepose-full", "blazepose-heavy"]
MOST_PX = 0.05


def crops(size: int) -> list[np.ndarray]:
    """Squares of frames of the example clip, upright, turned and at the frame's border, and one of noise."""
    frames = example_pictures(3)
    height, width = frames[0].shape[:2]
    regions = [(width / 2, height / 2, height, 0.0), (width / 2, height / 2, height, 1.0), (0.0, 0.0, width, 0.0)]
    noise = np.random.default_rng(3).integers(0, 255, (size, size, 3), dtype=np.uint8)
    return [*(cut_out(frame, np.array(region), size) for frame, region in zip(frames, regions)), noise]


def both_ways(name: str) -> list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Outputs of the graph and of the torch module for each crop."""
    pytest.importorskip("torch")
    from mocap.estimate.torch_runtime import TorchNetwork

    assert read_card(name).graph_file  # else the graph would be traced from the module that it is compared with
    network = create_runtime(name, device="cpu")
    images = crops(network.image_size)
    return list(zip(network.infer_many(images), TorchNetwork(name, device="cpu").infer_many(images), strict=True))


@pytest.mark.parametrize("name", LANDMARKERS)
def test_a_landmark_graph_equals_the_torch_module(name: str) -> None:
    for graph, module in both_ways(name):
        assert graph.keys() == module.keys()
        assert np.abs(graph["landmarks"][:, :2] - module["landmarks"][:, :2]).max() < MOST_PX
        np.testing.assert_allclose(graph["world"], module["world"], atol=2e-4)  # metres
        np.testing.assert_allclose(graph["presence"], module["presence"], atol=1e-4)
        np.testing.assert_allclose(graph["heatmaps"], module["heatmaps"], atol=5e-3)


def test_the_detector_s_graph_equals_the_torch_module() -> None:
    for graph, module in both_ways("blazepose-detector"):
        assert graph.keys() == module.keys()
        assert np.abs(graph["boxes"] - module["boxes"]).max() < MOST_PX
        np.testing.assert_allclose(graph["logits"], module["logits"], atol=5e-3)


@pytest.mark.parametrize("name", ["deeppose", "resnet34"])
def test_a_regressor_s_graph_equals_the_torch_module(name: str) -> None:
    size = create_runtime(name, device="cpu").image_size
    for graph, module in both_ways(name):
        assert np.abs(graph["output"] - module["output"]).max() * size < MOST_PX


def test_the_heatmaps_graph_equals_the_torch_module() -> None:
    for graph, module in both_ways("heatmap-small"):
        np.testing.assert_allclose(graph["output"], module["output"], atol=5e-3)  # logits


def test_the_graph_of_blazepose_with_a_head_for_lsp_equals_the_torch_module() -> None:
    for graph, module in both_ways("blazepose-lsp"):
        assert graph.keys() == module.keys()
        assert np.abs(graph["joints"][:, :2] - module["joints"][:, :2]).max() * 256 < MOST_PX
        np.testing.assert_allclose(graph["joints"][:, 2], module["joints"][:, 2], atol=1e-4)
        assert np.abs(graph["landmarks"][:, :2] - module["landmarks"][:, :2]).max() < MOST_PX


def test_the_block_of_constants_is_the_weights_by_name_then_the_small_ones() -> None:
    tensors = {"b": np.array([3.0], dtype=np.float32), "a": np.array([[1.0], [2.0]], dtype=np.float32)}
    block = constant_block(tensors, b"xyz")
    assert small_start(tensors) == ALIGNMENT
    assert block[:12].view(np.float32).tolist() == [1.0, 2.0, 3.0]
    assert not block[12:ALIGNMENT].any()
    assert block[ALIGNMENT:].tobytes() == b"xyz"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one model that a test may change."""
    shutil.copytree(find_models_folder() / "blazepose-lite", tmp_path / "blazepose-lite")
    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path))
    return tmp_path / "blazepose-lite"


def replace_graph(folder: Path, content: bytes) -> None:
    """Another graph, with its digest in the card."""
    path, card = folder / "graph.xml", folder / "card.toml"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(content)
    card.write_text(card.read_text().replace(before, hashlib.sha256(content).hexdigest()))


def test_another_graph_is_compiled_anew(models: Path) -> None:
    keys = [openvino_runtime._cache_key("version", "cpu", {}, "blazepose-lite")]
    replace_graph(models, (models / "graph.xml").read_bytes() + b"<!-- another -->\n")
    keys.append(openvino_runtime._cache_key("version", "cpu", {}, "blazepose-lite"))
    assert len(set(keys)) == 2


@pytest.mark.parametrize("content", [b"<net", b"<net/>", b"no graph"])
def test_a_graph_that_openvino_cannot_read_is_an_error_in_one_line(models: Path, content: bytes) -> None:
    replace_graph(models, content)
    words = r"the graph of blazepose-lite (cannot be read|and its weights do not fit together)"
    with pytest.raises(MocapError, match=words) as raised:
        read_graph(openvino_runtime.import_openvino(), openvino_runtime._core(), "blazepose-lite")
    assert "\n" not in str(raised.value)
