"""Crops of people as the maps that BlazePose's backbone makes of them, stored in shards and read back in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mocap.estimate.modules import load_module
from mocap.estimate.regions import cut_out, region_axes
from mocap.estimate.runtime import Image
from mocap.io.files import atomic_path
from mocap.model.keypoints import LSP_14
from mocap.model.rotation import Array
from training.corpus import extension
from training.datasets.lsp import read_lsp
from training.datasets.samples import Example
from training.datasets.splits import split_lsp
from training.networks import create_network
from training.networks.blazepose_lsp import BlazePoseLsp

NETWORKS = {f"blazepose-{size}": f"blazepose-lsp-{size}" for size in ("heavy", "full", "lite")}
REACH = 1.08  # of the farthest joint from the hips: where BlazePose puts its circle, in the mean
SPREAD_SIDE, SPREAD_TURN, SPREAD_PLACE = 0.06, 0.09, 0.05  # of regions in tracking: log, radians, of the reach
FIRST_LOOKS, FIRST_SPREAD = 0.3, 2.5  # share of regions as detectors place them, and how many times the spread
SHARD = 100  # crops a file
VALIDATION = 100
ASTRAY = 400  # crops beside people
SEED = 7

Runner = Callable[[Image], Sequence[Array]]  # maps, landmarks and presence of a crop (256, 256, 3) uint8


class Crops(NamedTuple):
    """B crops. maps: what ``BlazePoseLsp.maps`` gives. landmarks (B, 39, 5), presence (B,): as published. joints
    (B, 14, 2) in units of the crop, NaN where not labelled."""

    maps: list[Tensor]
    landmarks: Tensor
    presence: Tensor
    joints: Tensor


def body_regions(joints: Array, generator: np.random.Generator) -> Array:
    """Regions (N, 4) around bodies (N, 14, 2), as tracking finds them, and some as detectors do, up to chance.

    NaN without hips and shoulders.
    """
    hips, shoulders = (_middle(joints, part) for part in ("hip", "shoulder"))
    reach = REACH * np.nanmax(np.linalg.norm(joints - hips[:, None], axis=-1), axis=1)
    noise = generator.standard_normal((len(joints), 4))
    noise[generator.uniform(size=len(joints)) < FIRST_LOOKS] *= FIRST_SPREAD
    up = shoulders - hips
    centre = hips + SPREAD_PLACE * reach[:, None] * noise[:, :2]
    side = 2.5 * reach * np.exp(SPREAD_SIDE * noise[:, 2])
    turn = np.arctan2(up[:, 0], -up[:, 1]) + SPREAD_TURN * noise[:, 3]
    return np.column_stack([centre, side, turn])


def _middle(joints: Array, part: str) -> Array:
    return 0.5 * (joints[:, LSP_14.index(f"left_{part}")] + joints[:, LSP_14.index(f"right_{part}")])


def beside(regions: Array, generator: np.random.Generator) -> Array:
    """The regions (N, 4) moved off the person, by half a side to a whole one."""
    angle, far = generator.uniform(0, 2 * np.pi, len(regions)), generator.uniform(0.5, 1.0, len(regions))
    way = (far * regions[:, 2])[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.column_stack([regions[:, :2] + way, regions[:, 2:]])


def to_crop(points: Array, region: Array) -> Array:
    """Points (K, 2) of a picture in units of a region (4,)."""
    return np.asarray((points - region[:2]) @ region_axes(region) / region[2] + 0.5)


def crops_of(
    examples: Sequence[Example], *, size: int, mirrored: bool, astray: bool = False
) -> Iterator[tuple[Image, Array]]:
    """Crops (size, size, 3) uint8 and joints (14, 2) of examples that show hips and shoulders; NaN joints astray."""
    joints = np.array([example.joints for example in examples])
    generator = np.random.default_rng([SEED, mirrored, int(astray)])
    with np.errstate(invalid="ignore"):
        regions = body_regions(joints, generator)
        if astray:
            regions, joints = beside(regions, generator), np.full_like(joints, np.nan)
    for example, region, points in zip(examples, regions, joints):
        if np.isfinite(region).all():
            image, places = cut_out(example.picture.read(), region, size), to_crop(points, region)
            if mirrored:
                image, places = np.ascontiguousarray(image[:, ::-1]), (places * [-1, 1] + [1, 0])[LSP_14.mirrored()]
            yield image, places


def store(model: str, lsp: Path, lspet: Path | None, folder: Path) -> None:
    """Writes the maps of training crops: LSP's first, then in a mirror, then beside people, then the extension's."""
    split = split_lsp(read_lsp(lsp), "official", validation=VALIDATION)
    more = extension(lspet) if lspet else []
    more = [more[i] for i in np.random.default_rng(SEED).permutation(len(more))]
    parts = [
        (split.validation, False, False), (split.train, False, False), (split.train, True, False),
        (split.train[:ASTRAY], False, True), (more, False, False), (more, True, False),
    ]  # fmt: skip
    run = map_function(published(model))
    folder.mkdir(parents=True, exist_ok=True)
    for part, (examples, mirrored, astray) in enumerate(parts):
        for start in range(0, len(examples), SHARD):
            path = folder / f"{part}_{start:05d}.npz"
            if not path.is_file():
                chosen = examples[start : start + SHARD]
                write_shard(path, crops_of(chosen, size=256, mirrored=mirrored, astray=astray), run)
                print(path.name, flush=True)


def write_shard(path: Path, crops: Iterator[tuple[Image, Array]], run: Runner) -> None:
    """Stores the maps and joints of crops; shards that begin with "0_" judge the training."""
    rows = [(*run(image), joints.astype(np.float32)) for image, joints in crops]
    *maps, landmarks, presence, joints = (np.array(column) for column in zip(*rows))
    stored = {f"map{i}": values.astype(np.float16) for i, values in enumerate(maps)}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **stored, landmarks=landmarks, presence=presence, joints=joints)


def published(model: str) -> BlazePoseLsp:
    """The network with the published trunk and an untrained head."""
    network = create_network(NETWORKS[model])
    assert isinstance(network, BlazePoseLsp)
    trunk = load_module(model).state_dict()
    network.trunk.load_state_dict({name: value for name, value in trunk.items() if not name.startswith("mask.")})
    return network.eval()


class _Published(nn.Module):
    """The maps, then what the network says of landmarks and presence."""

    def __init__(self, network: BlazePoseLsp) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        maps = self.network.maps(image)
        seen = self.network.features(maps)
        return (*maps, seen.landmarks, seen.presence)


def map_function(network: BlazePoseLsp) -> Runner:
    """What ``_Published`` gives of a crop (256, 256, 3) uint8: by CUDA, else by OpenVINO where it is installed."""
    module = _Published(network)
    if torch.cuda.is_available():
        module = module.cuda()
    else:
        try:
            return _compiled(module)
        except ImportError:
            pass  # torch alone is four times slower
    device = next(module.parameters()).device

    def run(crop: Image) -> list[Array]:
        image = torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            return [values[0].cpu().numpy() for values in module(image)]

    return run


def _compiled(module: nn.Module) -> Runner:
    from mocap.estimate.openvino_runtime import compile_options, import_openvino

    ov = import_openvino()
    example = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        converted = ov.convert_model(torch.jit.trace(module, example, check_trace=False), example_input=example)
    converted.reshape([1, 3, 256, 256])
    compiled = ov.Core().compile_model(converted, "CPU", compile_options())

    def run(crop: Image) -> list[Array]:
        outputs = compiled(crop.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        return [outputs[i][0].copy() for i in range(len(outputs))]

    return run


def read_crops(paths: Sequence[Path]) -> Crops:
    """All crops of some shards."""
    shards = [dict(np.load(path)) for path in paths]
    names = sorted(name for name in shards[0] if name.startswith("map"))
    whole = {name: torch.from_numpy(np.concatenate([shard[name] for shard in shards])) for name in shards[0]}
    return Crops([whole[name] for name in names], whole["landmarks"], whole["presence"], whole["joints"])


def batches_of(crops: Crops, size: int, order: Tensor) -> Iterator[Crops]:
    """Batches in float32, in that order."""
    for lot in order.split(size):
        maps = [values[lot].float().contiguous(memory_format=torch.channels_last) for values in crops.maps]
        yield Crops(maps, crops.landmarks[lot], crops.presence[lot], crops.joints[lot])
