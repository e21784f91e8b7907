"""Importing torchvision beside a build of torch it was not made for. Imports torch.

Where the two builds do not go together (torchvision's usual wheel beside torch for the CPU), its compiled operators do
not load and its import fails. Models and transforms do without them once the operators' schemas are declared;
non-maximum suppression, which detectors need, is done here.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from mocap.model.errors import MocapError

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries: list[torch.library.Library] = []  # what a library declares is gone when it goes


@cache
def import_torchvision() -> ModuleType:
    """The package torchvision, with its own operators or with those declared here.

    Raises
    ------
    MocapError
        If it is not installed.
    """
    try:
        return import_module("torchvision")
    except ImportError as error:
        raise MocapError("this needs torchvision, which is not installed: pip install 'opentake[train]'") from error
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare_operators()
        boxes = import_module("torchvision.ops.boxes")
        boxes.__dict__["_assert_has_ops"] = lambda: None  # it asks for compiled operators; the one it needs is declared
        return import_module("torchvision")


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    library.impl("nms", non_maximum_suppression, "CPU")
    _libraries.append(library)


def non_maximum_suppression(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of boxes (N, 4) xyxy, best score first, that overlap no better one by more than the threshold."""
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[left, :2])
        high = torch.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        union = _areas(boxes[best]) + _areas(boxes[left]) - shared
        left = left[shared <= iou_threshold * union]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64)


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)
