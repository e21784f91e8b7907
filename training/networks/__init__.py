"""The networks of the founding report and those that it is compared with, by name. Only building one imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mocap.estimate.networks import build_network
from mocap.model.errors import unknown_name

if TYPE_CHECKING:
    from torch import nn

NETWORKS = {
    "alexnet": "training.networks.alexnet:AlexNet",
    "blazepose-detector": "mocap.estimate.networks.blazepose:person_detector",
    "blazepose-full": "mocap.estimate.networks.blazepose:landmarks_full",
    "blazepose-heavy": "mocap.estimate.networks.blazepose:landmarks_heavy",
    "blazepose-lite": "mocap.estimate.networks.blazepose:landmarks_lite",
    "blazepose-lsp-full": "training.networks.blazepose_lsp:full",
    "blazepose-lsp-heavy": "training.networks.blazepose_lsp:heavy",
    "blazepose-lsp-lite": "training.networks.blazepose_lsp:lite",
    "deeppose": "training.networks.deeppose:DeepPose",
    "deeppose-stage": "training.networks.deeppose_cascade:DeepPoseStage",
    "heatmap": "training.networks.heatmap:heatmap_network",
    "heatmap-small": "training.networks.heatmap:small_heatmap_network",
    "resnet34": "training.networks.resnet34:ResNet34",
    "spatialnet": "training.networks.spatialnet:SpatialNet",
}


def create_network(name: str, **options: int) -> nn.Module:
    """The untrained torch module of a name.

    Parameters
    ----------
    name
        One of ``NETWORKS``.
    options
        Of its architecture, such as ``outputs``.

    Returns
    -------
    torch.nn.Module
        With random weights, on the CPU.

    Raises
    ------
    MocapError
        For an unknown name; it lists the known ones.
    """
    if name not in NETWORKS:
        raise unknown_name("network", name, sorted(NETWORKS))
    return build_network(NETWORKS[name], **options)
