"""The weights in models/ are the published ones, and can be made again, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite", reason="reading the published files needs the tflite package (dependency group test)")

from mocap.io.weights import find_models_folder
from training.blazepose_cards import ORIGINS
from training.convert_blazepose import convert, write_model
from training.write_graphs import without_graph

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(ORIGINS))
def test_conversion_makes_the_files_in_models_again(originals: dict[str, bytes], name: str, tmp_path: Path) -> None:
    write_model(tmp_path / name, name, ORIGINS[name], originals[name])
    for file in ("weights.safetensors", "NOTICE"):
        assert (tmp_path / name / file).read_bytes() == (find_models_folder() / name / file).read_bytes(), file
    card = (find_models_folder() / name / "card.toml").read_text(encoding="utf-8")
    assert (tmp_path / name / "card.toml").read_text(encoding="utf-8") == without_graph(card)


def test_nothing_is_rounded(originals: dict[str, bytes]) -> None:
    tensors = convert("blazepose-lite", originals["blazepose-lite"])
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype("float16")}


def test_another_file_is_refused(originals: dict[str, bytes], tmp_path: Path) -> None:
    swapped = originals["blazepose-full"]
    with pytest.raises(ValueError, match="not the known file"):
        write_model(tmp_path, "blazepose-lite", ORIGINS["blazepose-lite"], swapped)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_fit_the_network_is_refused(originals: dict[str, bytes], tmp_path: Path) -> None:
    origin = replace(ORIGINS["blazepose-lite"], sha256=ORIGINS["blazepose-full"].sha256)
    with pytest.raises(ValueError, match=r"zip\(\)"):
        write_model(tmp_path, "blazepose-lite", origin, originals["blazepose-full"])
