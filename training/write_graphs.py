"""Writes models/*/graph.xml, the networks as OpenVINO runs them, from the torch modules and their safetensors.

    python -m training.write_graphs                      # of every model here that OpenVINO runs
    python -m training.write_graphs blazepose-lite

With these files a capture needs no torch. They hold no weights: see ``mocap.estimate.graphs``. The same versions of
torch and OpenVINO write the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load
from torch import nn

from mocap.estimate.graphs import SMALL_CONSTANTS, record, small_start, traced, with_image_input
from mocap.estimate.modules import CaptureModule, capture_module
from mocap.estimate.networks import build_network
from mocap.estimate.openvino_runtime import import_openvino
from mocap.io.files import atomic_path
from mocap.io.weights import CARD_FILE, REPAIR, find_models_folder, list_cards
from mocap.model.errors import MocapError

GRAPH_FILE = "graph.xml"
WRITER = "training/write_graphs.py"
Tensors = dict[str, NDArray[np.float32]]
WIDEST_NUMBER = 8  # bytes; small constants begin at multiples of it
MOST_SMALL_BYTES = 16_384  # of a graph whose weights are where they should be


def main() -> None:
    """Reads the command line and writes the graphs, and their digests into the cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="models [all that OpenVINO runs]")
    for name in parser.parse_args().names or names():
        print(write_graph(find_models_folder() / name))


def names() -> list[str]:
    """The models that can have a graph: all with weights here, but the lifter, which NumPy runs."""
    return [card.name for card in list_cards() if card.role != "lifter" and not card.download]


def write_graph(folder: Path) -> Path:
    """Writes the graph file of a model, and its digest into the card.

    Parameters
    ----------
    folder
        The model's, with card and weights.

    Returns
    -------
    pathlib.Path
        The graph file.

    Raises
    ------
    MocapError
        For weights that are not those of the card.
    """
    card = (folder / CARD_FILE).read_text(encoding="utf-8")
    content = graph_bytes(folder.name, *_network(folder, tomllib.loads(card)))
    with atomic_path(folder / GRAPH_FILE) as temporary:
        temporary.write_bytes(content)
    with atomic_path(folder / CARD_FILE) as temporary:
        temporary.write_text(with_graph(card, hashlib.sha256(content).hexdigest()), encoding="utf-8", newline="\n")
    return folder / GRAPH_FILE


def _network(folder: Path, card: dict[str, Any]) -> tuple[nn.Module, Tensors]:
    """The trained module of a model and its weights."""
    content = (folder / card["weights"]["file"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != card["weights"]["sha256"]:
        raise MocapError(f"the weights in {folder} are not those of the card; {REPAIR}")
    tensors = {name: tensor.astype(np.float32) for name, tensor in load(content).items()}
    module = build_network(card["network"])
    module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    return module.eval(), tensors


def graph_bytes(name: str, module: nn.Module, tensors: Tensors) -> bytes:
    """The graph file of a trained network.

    Parameters
    ----------
    name
        How the graph calls itself.
    module
        The network in evaluation mode.
    tensors
        Its weights by name, float32.

    Returns
    -------
    bytes
        XML whose constants point into ``mocap.estimate.graphs.constant_block`` of the weights.
    """
    ov, run = import_openvino(), capture_module(module)
    net, numbers = _serialized(ov, traced(ov, run))
    small = _point_into_weights(net, numbers, tensors)
    if len(small) > MOST_SMALL_BYTES:
        net, numbers = _serialized(ov, _unfolded(ov, run))
        small = _point_into_weights(net, numbers, tensors)
    _strip(net)
    net.attrib["name"] = name
    information = ElementTree.SubElement(net, "rt_info")
    ElementTree.SubElement(information, SMALL_CONSTANTS, value=small.hex())
    ElementTree.indent(net, " ")
    return ElementTree.tostring(net, encoding="utf-8", xml_declaration=True) + b"\n"


def _unfolded(ov: Any, module: CaptureModule) -> Any:
    """The OpenVINO model of a module, converted without multiplying normalisations into the weights before them.

    ``openvino.convert_model`` always does; then the constants are no longer those of the safetensors. The processor's
    compiler does it later, so that nothing is lost.
    """
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    from openvino.passes import ConstantFolding, Manager

    recorded, example = record(module)
    decoder = TorchScriptPythonDecoder(recorded, example_input=example)  # must outlive the conversion
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = with_image_input(ov, frontend.convert(frontend.load(decoder)), module)
    passes = Manager()
    passes.register_pass(ConstantFolding())  # sizes that tracing left to be computed
    passes.run_passes(model)
    return model


def with_graph(card: str, sha256: str) -> str:
    """The text of a card with the graph's file and digest, in place of those that stood there."""
    made = ", ".join(f"{package} {version}" for package, version in versions().items())
    section = (
        f'[graph]\nfile = "{GRAPH_FILE}"\nsha256 = "{sha256}"\nwriter = "training/write_graphs.py with {made}"\n\n'
    )
    return without_graph(card).replace("[origin]\n", f"{section}[origin]\n", 1)


def without_graph(card: str) -> str:
    """The text of a card without what it says of a graph."""
    return re.sub(r"^\[graph\]\n(?:[^\[\n].*\n)*\n?", "", card, flags=re.MULTILINE)


def versions() -> dict[str, str]:
    """The packages that decide a graph's bytes, with their versions; builds of one version write the same."""
    return {package: metadata.version(package).partition("+")[0] for package in ("torch", "openvino")}


def _serialized(ov: Any, model: Any) -> tuple[Element, bytes]:
    """The graph and its block of numbers, as OpenVINO writes them."""
    with tempfile.TemporaryDirectory() as scratch:
        graph, numbers = Path(scratch, "graph.xml"), Path(scratch, "graph.bin")
        ov.serialize(model, graph, numbers)
        return ElementTree.parse(graph).getroot(), numbers.read_bytes()


def _point_into_weights(net: Element, numbers: bytes, tensors: Tensors) -> bytes:
    """Changes where the constants point: to the weights of the same bytes, else to the small constants returned."""
    starts = np.cumsum([0, *(tensors[name].nbytes for name in sorted(tensors))])
    places = {tensors[name].tobytes(): int(start) for name, start in zip(sorted(tensors), starts)}
    small_places: dict[bytes, int] = {}
    small = b""
    for data in net.iterfind("layers/layer[@type='Const']/data"):
        offset, size = int(data.attrib["offset"]), int(data.attrib["size"])
        content = numbers[offset : offset + size]
        start = places.get(content) if data.attrib["element_type"] == "f32" else None
        if start is None and content not in small_places:
            small = small.ljust(-(-len(small) // WIDEST_NUMBER) * WIDEST_NUMBER, b"\0")
            small_places[content] = small_start(tensors) + len(small)
            small += content
        data.attrib["offset"] = str(small_places[content] if start is None else start)
    return small


def _strip(net: Element) -> None:
    """Removes what only says how the graph was made, and what differs from one run to the next.

    The marks of preprocessing stay: without them OpenVINO folds the division by 255 into the first convolution, and
    the last digits of landmarks change.
    """
    outputs = {edge.attrib["from-layer"] for edge in net.iterfind("edges/edge") if _is_result(net, edge)}
    for layer in net.iterfind("layers/layer"):
        if layer.attrib["type"] != "Parameter" and not _is_weight(layer):
            layer.attrib["name"] = f"{layer.attrib['type']}_{layer.attrib['id']}"
        for port in layer.iterfind("output/port"):
            if layer.attrib["id"] not in outputs and layer.attrib["type"] != "Parameter":
                port.attrib.pop("names", None)
    for parent in list(net.iter()):
        for information in parent.findall("rt_info"):
            if information.find("attribute[@name='preprocessing']") is None:
                parent.remove(information)


def _is_result(net: Element, edge: Element) -> bool:
    target = net.find(f"layers/layer[@id='{edge.attrib['to-layer']}']")
    return target is not None and target.attrib["type"] == "Result"


def _is_weight(layer: Element) -> bool:
    return layer.attrib["name"].startswith("self.network.")


if __name__ == "__main__":
    main()
