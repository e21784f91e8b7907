"""In which order the published BlazePose files run their convolutions, in the names of ``networks.blazepose``."""

from __future__ import annotations

from collections.abc import Iterator

from mocap.estimate.networks.blazepose import LandmarkNetwork, PersonDetector
from mocap.estimate.networks.blocks import Backbone

INVERTED = ("expand", "depthwise", "project")
SEPARABLE = ("depthwise", "pointwise")
MASK = ("reduce", "half_size.0", "half_size.1", "full_size.0", "full_size.1")


def detector_layers(network: PersonDetector) -> list[str]:
    """Names of the detector's convolutions, in the file's order."""
    taps = {2: ["lateral8"], 3: ["lateral16"]}
    names = [*_backbone(network.backbone, taps), "down_path16", *_sequence("refine16", 2)]
    names += ["down_path8", *_sequence("refine8", 2)]
    heads = [f"{head}.{part}" for head in ("head8", "head16", "head32") for part in ("logit", "box")]
    return names + [f"{head}_{layer}" for head in heads for layer in SEPARABLE]


def landmark_layers(network: LandmarkNetwork) -> list[str]:
    """Names of a landmark network's convolutions, in the file's order."""
    taps = {i: [f"decoder.lateral{2**i * 2}"] for i in (1, 2, 3)} | {0: ["mask.lateral2"]}
    mask = [name for part in MASK for name in _separable(f"mask.{part}")] + ["mask.logits"]
    trunk = [name for i, stage in enumerate(network.head.trunk) for name in _sequence(f"head.trunk.{i}", len(stage))]
    if network.encoder is None:
        middle = [*mask, "heatmaps", *_separable("lateral")]
    else:
        taps[2].append("encoder.laterals.0")
        taps[3].append("encoder.laterals.1")
        middle = _encoder([len(stage) for stage in network.encoder.stages], mask)
    start = [*_backbone(network.backbone, taps), *_separable("decoder.lateral32")]
    return start + middle + trunk + ["head.landmarks", "head.world", "head.presence"]


def _backbone(backbone: Backbone, taps: dict[int, list[str]]) -> Iterator[str]:
    """The backbone; what taps a level runs right after the next level's first expansion."""
    yield from ("backbone.stem", "backbone.stem_depthwise", "backbone.stem_project")
    for i, level in enumerate(backbone.levels):
        expand, *rest = (f"backbone.levels.{i}.{j}.{layer}" for j in range(len(level)) for layer in INVERTED)
        yield expand
        for tap in taps.get(i, ()):
            yield from _separable(tap)
        yield from rest
    yield from ("backbone.top_expand", "backbone.top_depthwise")


def _encoder(depths: list[int], mask: list[str]) -> list[str]:
    """The heavy network's way back: the mask's layers come after its first halving, the heatmaps' before its end."""
    first, *others = (name for i, depth in enumerate(depths) for name in _sequence(f"encoder.stages.{i}", depth))
    return [first, others[0], *mask, *others[1:], "heatmaps", *_separable("encoder.laterals.2")]


def _sequence(name: str, count: int) -> list[str]:
    return [layer for i in range(count) for layer in _separable(f"{name}.{i}")]


def _separable(name: str) -> list[str]:
    return [f"{name}.{layer}" for layer in SEPARABLE]
