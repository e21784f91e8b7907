"""Networks as OpenVINO graphs: read from a model's folder, or traced from a torch module.

A graph file is OpenVINO's own XML format (IR, "intermediate representation"): the layers of a network and how they are
connected. Its constants are positions in a block of numbers. Here that block is not a second file: it is put together
from the model's safetensors, with the few numbers that are no weights (axes, sizes) written in the graph file itself.
``training/write_graphs.py`` makes these files.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mocap.io.weights import REPAIR, graph_file, load_weights
from mocap.model.errors import MocapError

if TYPE_CHECKING:
    from mocap.estimate.modules import CaptureModule

SMALL_CONSTANTS = "opentake_constants"  # the element of the graph file that holds what is no weight, as hexadecimal
ALIGNMENT = 64  # bytes; the small constants begin at a multiple of it


def read_graph(ov: Any, core: Any, name: str) -> Any:
    """The OpenVINO model of a network from its graph file and weights; no torch is needed.

    Parameters
    ----------
    ov
        The openvino package.
    core
        An ``openvino.Core``.
    name
        A model whose card names a graph file.

    Returns
    -------
    openvino.Model
        Takes (1, size, size, 3) uint8 RGB, as ``traced`` does.

    Raises
    ------
    MocapError
        When graph or weights are missing, damaged, or not those of the card.
    """
    path = graph_file(name)
    content = path.read_bytes()
    try:
        small = ElementTree.fromstring(content).find(f"rt_info/{SMALL_CONSTANTS}")
        block = constant_block(load_weights(name), bytes.fromhex(small.attrib["value"] if small is not None else ""))
        return core.read_model(content, ov.Tensor(block))
    except RuntimeError as error:  # OpenVINO's own text names lines of its source
        raise MocapError(f"the graph of {name} and its weights do not fit together: {path}; {REPAIR}") from error
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise MocapError(f"the graph of {name} cannot be read ({error}): {path}; {REPAIR}") from error


def constant_block(tensors: dict[str, NDArray[np.float32]], small: bytes) -> NDArray[np.uint8]:
    """The block of numbers that a graph's constants point into.

    Parameters
    ----------
    tensors
        Weights by name, float32.
    small
        The constants that are no weights, one after another.

    Returns
    -------
    numpy.ndarray
        (bytes,) uint8: the tensors in the order of their names, zeros up to ``small_start``, the small constants.
    """
    weights = b"".join(tensors[name].tobytes() for name in sorted(tensors))
    return np.frombuffer(weights.ljust(small_start(tensors), b"\0") + small, dtype=np.uint8)


def small_start(tensors: dict[str, NDArray[np.float32]]) -> int:
    """Where in the block the small constants begin, in bytes."""
    return -(-sum(tensor.nbytes for tensor in tensors.values()) // ALIGNMENT) * ALIGNMENT


def traced(ov: Any, module: CaptureModule) -> Any:
    """The OpenVINO model of a torch module: takes (1, size, size, 3) uint8 RGB and scales it to 0..1 itself.

    Parameters
    ----------
    ov
        The openvino package.
    module
        The network as capture runs it.

    Returns
    -------
    openvino.Model
        With the module's names for its outputs.
    """
    recorded, example = record(module)
    return with_image_input(ov, ov.convert_model(recorded, example_input=example), module)


def record(module: CaptureModule) -> tuple[Any, Any]:
    """The module as TorchScript, and the (1, 3, size, size) image of zeros that it was recorded with."""
    import torch

    example = torch.zeros(1, 3, module.image_size, module.image_size)
    with warnings.catch_warnings():  # tracing is deprecated, but converts in a third of the time of torch.export
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit._trace.TracerWarning)  # sizes become constants, and the size is fixed
        return torch.jit.trace(module, example, check_trace=False), example


def with_image_input(ov: Any, model: Any, module: CaptureModule) -> Any:
    """A converted model with a fixed size, the module's output names, and uint8 images as its input.

    Parameters
    ----------
    ov
        The openvino package.
    model
        As OpenVINO converted it: takes (1, 3, size, size) float32.
    module
        What it was converted from.

    Returns
    -------
    openvino.Model
        Takes (1, size, size, 3) uint8 RGB.
    """
    model.reshape([1, 3, module.image_size, module.image_size])
    for output, output_name in zip(model.outputs, module.output_names):
        output.get_tensor().set_names({output_name})
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    steps.input().model().set_layout(ov.Layout("NCHW"))
    return steps.build()
