"""What a training begins with, other than chance: another run's weights, a published model's, or ImageNet's."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mocap.estimate.modules import load_module
from mocap.io.weights import find_models_folder
from mocap.model.errors import MocapError
from training.tasks import State, Task

IMAGENET = "imagenet"
IMAGENET_FILES = {"resnet34": "resnet34-b627a593.pth"}  # torchvision's; its AlexNet has other layers than the report's


def begin_with(task: Task, start: str, runs: Path) -> int:
    """Takes over every tensor of ``start`` that has a fitting name and shape, and says how many.

    start: "" (nothing), "imagenet", a run in the folder ``runs``, or a model. MocapError if nothing of it fits.
    """
    if not start:
        return 0
    own = task.weights()
    fitting = {
        name: value.to(own[name].dtype)
        for name, value in _state_of(start, runs, own).items()
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise MocapError(f"no tensor of '{start}' fits this network; begin with another or with none")
    task.put({**own, **fitting})
    return len(fitting)


def _state_of(start: str, runs: Path, own: State) -> State:
    if start == IMAGENET:
        return _imagenet(own)
    if (stored := runs / start / "weights.safetensors").is_file():
        try:
            return load_file(stored)
        except SafetensorError as error:
            raise MocapError(f"{stored} is no safetensors file ({error}); nothing else is loaded") from error
    if (find_models_folder() / start).is_dir():
        return load_module(start).state_dict()
    raise MocapError(f"there is no run {runs / start} and no model '{start}' to begin with; train it first")


def _imagenet(own: State) -> State:
    """torchvision's ResNet34, where it was downloaded before, by the names of ours."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / IMAGENET_FILES["resnet34"]
    if not path.is_file():
        raise MocapError(f"torchvision's {path.name} is not on this machine ({path.parent}); begin with another start")
    theirs = torch.load(path, weights_only=True, map_location="cpu")
    return {name: value for name in own if (value := theirs.get(resnet_name(name))) is not None}


def resnet_name(name: str) -> str:
    """torchvision's name of a tensor of our ResNet34; ours of the dense layers fit none of theirs."""
    parts = name.removeprefix("layers.").split(".")
    if parts[0].startswith("stage"):
        stage, block = parts[0].removeprefix("stage").split("_block")
        inner = ["downsample.0", *parts[2:]] if parts[1] == "shortcut" else parts[1:]
        return ".".join([f"layer{stage}", str(int(block) - 1), *inner])
    return ".".join([{"conv1_bn": "bn1"}.get(parts[0], parts[0]), *parts[1:]])


def half(state: State) -> dict[str, Tensor]:
    """Tensors in half precision, as models are stored; whole numbers as they are."""
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
