"""Trained torch modules: architecture and verified weights together. Imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mocap.estimate.networks import build_network
from mocap.estimate.networks.blazepose import LandmarkNetwork
from mocap.io.weights import REPAIR, load_weights, read_card
from mocap.model.errors import MocapError


def load_module(name: str) -> nn.Module:
    """The network of a model with its published weights, on the CPU, in evaluation mode.

    Raises MocapError for unknown names and for weights that are missing or not those of the card.
    """
    network = read_card(name).network
    module = build_network(network)
    try:
        module.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in load_weights(name).items()})
    except RuntimeError as error:  # names or shapes
        raise MocapError(f"the weights of {name} do not fit its network; {REPAIR}") from error
    return module.eval()


def load_capture_module(name: str) -> CaptureModule:
    """The network of a model as capture runs it; see ``capture_module``. Errors as in ``load_module``."""
    return capture_module(load_module(name))


def capture_module(module: nn.Module) -> CaptureModule:
    """A trained network as capture runs it: frozen, without the outputs that capture does not use."""
    if isinstance(module, LandmarkNetwork):
        module.with_mask = False
    return CaptureModule(module).eval().requires_grad_(False)


class CaptureModule(nn.Module):
    """A network whose ``forward`` gives a plain tuple of the outputs it computes; ``output_names`` says which.

    A network's only tensor is named "output".
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.image_size = int(network.image_size)  # type: ignore[arg-type]
        outputs = self._outputs(torch.zeros(1, 3, self.image_size, self.image_size))
        self.output_names = tuple(outputs)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self._outputs(image).values())

    def _outputs(self, image: Tensor) -> dict[str, Tensor]:
        outputs = self.network(image)
        if isinstance(outputs, Tensor):
            return {"output": outputs}
        return {name: value for name, value in outputs._asdict().items() if value is not None}
