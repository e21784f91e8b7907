"""The graphs in models/ can be made again, byte for byte, and hold no weights."""

from __future__ import annotations

import re
import shutil
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mocap.io.weights import find_models_folder, load_weights, read_card
from mocap.model.errors import MocapError
from training.write_graphs import GRAPH_FILE, MOST_SMALL_BYTES, names, with_graph, without_graph, write_graph

# tensors that capture does not need: masks, the depth of BlazePose under another head, counts of training batches
NOT_RUN = r"^mask\.|^trunk\.head\.world\.|\.num_batches_tracked$"


def made_with(name: str) -> str:
    """What the card says that the graph was made with."""
    text = (read_card(name).folder / "card.toml").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.startswith("writer = "))


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_script_makes_the_shipped_graph_and_card_again(name: str, tmp_path: Path) -> None:
    for package in ("torch", "openvino"):
        version = metadata.version(package).partition("+")[0]
        if f"{package} {version}" not in made_with(name):
            pytest.skip(f"the graphs were made with another {package} than {version}, which may write other bytes")
    shipped = find_models_folder() / name
    shutil.copytree(shipped, tmp_path / name)
    (tmp_path / name / GRAPH_FILE).unlink()
    write_graph(tmp_path / name)
    for file in (GRAPH_FILE, "card.toml"):
        assert (tmp_path / name / file).read_bytes() == (shipped / file).read_bytes(), file


@pytest.mark.parametrize("name", names())
def test_a_graph_holds_no_weights_but_points_at_all_that_are_used(name: str) -> None:
    net = ElementTree.parse(find_models_folder() / name / GRAPH_FILE).getroot()
    tensors = load_weights(name)
    starts, start = {}, 0
    for key in sorted(tensors):
        starts[start] = key
        start += tensors[key].nbytes
    constants = net.findall("layers/layer[@type='Const']/data")
    inside = [constant for constant in constants if int(constant.attrib["offset"]) < start]
    for constant in inside:
        key = starts[int(constant.attrib["offset"])]
        assert int(constant.attrib["size"]) == tensors[key].nbytes
        assert constant.attrib["element_type"] == "f32"
    used = {tensors[starts[int(constant.attrib["offset"])]].tobytes() for constant in inside}
    # adding a bias of zeros is left out of a graph
    needed = {key for key in tensors if not re.search(NOT_RUN, key) and tensors[key].any()}
    assert {key for key in needed if tensors[key].tobytes() not in used} == set()
    small = net.find("rt_info/opentake_constants")
    assert small is not None
    assert len(small.attrib["value"]) < 2 * MOST_SMALL_BYTES


def test_a_card_takes_another_graph_in_place_of_the_old_one() -> None:
    card = (read_card("blazepose-lite").folder / "card.toml").read_text(encoding="utf-8")
    assert with_graph(with_graph(card, "1" * 64), "2" * 64) == with_graph(without_graph(card), "2" * 64)
    assert with_graph(card, "2" * 64).count("[graph]") == 1
    assert "[graph]" not in without_graph(card)


def test_weights_that_are_not_the_cards_get_no_graph(tmp_path: Path) -> None:
    shutil.copytree(find_models_folder() / "blazepose-lite", tmp_path / "model")
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(MocapError, match="not those of the card"):
        write_graph(tmp_path / "model")
