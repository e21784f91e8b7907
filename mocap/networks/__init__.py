"""Network architectures by model name. Listing them imports no torch; ``create_network`` does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mocap.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn

NETWORKS = {
    "blazepose-detector": "mocap.networks.blazepose:person_detector",
    "blazepose-lite": "mocap.networks.blazepose:landmarks_lite",
    "blazepose-full": "mocap.networks.blazepose:landmarks_full",
    "blazepose-heavy": "mocap.networks.blazepose:landmarks_heavy",
    "lifter": "mocap.networks.lifter:Lifter",
    "deeppose": "mocap.networks.deeppose:DeepPose",
    "alexnet": "mocap.networks.alexnet:AlexNet",
    "resnet34": "mocap.networks.resnet34:ResNet34",
    "deeppose-stage": "mocap.networks.deeppose_cascade:DeepPoseStage",
    "spatialnet": "mocap.networks.spatialnet:SpatialNet",
    "blazepose-lsp-heavy": "mocap.networks.blazepose_lsp:heavy",
    "blazepose-lsp-full": "mocap.networks.blazepose_lsp:full",
    "blazepose-lsp-lite": "mocap.networks.blazepose_lsp:lite",
    "heatmap": "mocap.networks.heatmap:heatmap_network",
    "heatmap-small": "mocap.networks.heatmap:small_heatmap_network",
}


def create_network(name: str, **options: int) -> nn.Module:
    """The untrained torch module of a model name; options: of its architecture. MocapError for unknown names."""
    if name not in NETWORKS:
        raise unknown_name("network", name, sorted(NETWORKS))
    module, _, factory = NETWORKS[name].partition(":")
    return getattr(import_module(module), factory)(**options)  # type: ignore[no-any-return]


def source_files() -> list[Path]:
    """The files that define every architecture, sorted: what is derived from them is stale when they change."""
    return sorted(Path(__file__).parent.glob("*.py"))
