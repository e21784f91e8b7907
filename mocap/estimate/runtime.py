"""Running a network on a stream of images, on the CPU through OpenVINO or on an accelerator through torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mocap.estimate.devices import resolve_device

Image = NDArray[np.uint8]  # (size, size, 3), RGB
Outputs = dict[str, NDArray[np.float32]]  # by the name of the module's output, without the batch axis


class Network(Protocol):
    """A trained network on one device. image_size: pixels, both sides."""

    image_size: int

    def infer_many(self, images: Iterable[Image]) -> Iterator[Outputs]:
        """Outputs of each image, in order.

        Images are taken only as fast as they are worked on, so making them overlaps with inference; outputs come as
        soon as they and all before them are ready. The same images give the same bits, whatever the number of cores.
        """
        ...


def create_runtime(name: str, *, device: str = "auto") -> Network:
    """The network of a model, ready to run. ``device``: auto, cpu, cuda or mps.

    Raises MocapError for unknown models and devices, and for damaged weights.
    """
    resolved = resolve_device(device)
    if resolved == "cpu":
        from mocap.estimate.openvino_runtime import OpenVinoNetwork

        return OpenVinoNetwork(name)
    from mocap.estimate.torch_runtime import TorchNetwork

    return TorchNetwork(name, device=resolved)
