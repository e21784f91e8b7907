"""Network architectures by model name. Listing them imports no torch; ``create_network`` does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mocap.model.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn

NETWORKS = {
    "blazepose-detector": "mocap.estimate.networks.blazepose:person_detector",
    "blazepose-lite": "mocap.estimate.networks.blazepose:landmarks_lite",
    "blazepose-full": "mocap.estimate.networks.blazepose:landmarks_full",
    "blazepose-heavy": "mocap.estimate.networks.blazepose:landmarks_heavy",
    "deeppose": "mocap.estimate.networks.deeppose:DeepPose",
    "alexnet": "mocap.estimate.networks.alexnet:AlexNet",
    "resnet34": "mocap.estimate.networks.resnet34:ResNet34",
    "deeppose-stage": "mocap.estimate.networks.deeppose_cascade:DeepPoseStage",
    "spatialnet": "mocap.estimate.networks.spatialnet:SpatialNet",
    "blazepose-lsp-heavy": "mocap.estimate.networks.blazepose_lsp:heavy",
    "blazepose-lsp-full": "mocap.estimate.networks.blazepose_lsp:full",
    "blazepose-lsp-lite": "mocap.estimate.networks.blazepose_lsp:lite",
    "heatmap": "mocap.estimate.networks.heatmap:heatmap_network",
    "heatmap-small": "mocap.estimate.networks.heatmap:small_heatmap_network",
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
