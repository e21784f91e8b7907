"""Trains BlazePose's head for LSP's joints on stored features, its trunk as published: a road that a processor can go.

    python -m training.blazepose_head store blazepose-heavy --lsp LSP --lspet LSPET -o features
    python -m training.blazepose_head train blazepose-heavy features -o runs/blazepose-lsp

The first command goes through the pictures once, cut out as tracking cuts people out, and can be interrupted and
taken up again; the second takes what is there. The official test half is not touched.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mocap import metrics
from mocap.estimators.modules import load_module
from mocap.estimators.regions import cut_out, region_axes
from mocap.files import atomic_path
from mocap.keypoints import LSP_14
from mocap.networks import create_network
from mocap.networks.blazepose_lsp import BlazePoseLsp
from mocap.rotation import Array
from training.augment import mirror_order
from training.corpus import extension
from training.datasets.lsp import read_lsp
from training.datasets.samples import Example
from training.datasets.splits import split_lsp

NETWORKS = {f"blazepose-{size}": f"blazepose-lsp-{size}" for size in ("heavy", "full", "lite")}
REACH = 1.08  # of the farthest joint from the hips: where BlazePose puts its circle, in the mean
SPREAD_SIDE, SPREAD_TURN, SPREAD_PLACE = 0.06, 0.09, 0.05  # of regions in tracking: log, radians, of the reach
SHARD = 200  # crops a file
VALIDATION = 100
SEED = 7


@dataclass(frozen=True)
class HeadSettings:
    """How the head is trained."""

    epochs: int = 20
    batch: int = 64
    learning_rate: float = 1e-4
    weight_decay: float = 0.05
    seed: int = 1


class Stored(NamedTuple):
    """Features of N crops. guess, joints: (N, 14, 2) in units of the crop, NaN where not labelled. values: (N, F).
    held: (N,) whether they judge the epochs."""

    guess: Tensor
    values: Tensor
    joints: Tensor
    held: Tensor


def body_regions(joints: Array, generator: np.random.Generator) -> Array:
    """Regions (N, 4) around bodies (N, 14, 2), as tracking finds them, up to chance; NaN without hips and shoulders."""
    hips, shoulders = (_middle(joints, part) for part in ("hip", "shoulder"))
    reach = REACH * np.nanmax(np.linalg.norm(joints - hips[:, None], axis=-1), axis=1)
    noise = generator.standard_normal((len(joints), 4))
    up = shoulders - hips
    centre = hips + SPREAD_PLACE * reach[:, None] * noise[:, :2]
    side = 2.5 * reach * np.exp(SPREAD_SIDE * noise[:, 2])
    turn = np.arctan2(up[:, 0], -up[:, 1]) + SPREAD_TURN * noise[:, 3]
    return np.column_stack([centre, side, turn])


def _middle(joints: Array, part: str) -> Array:
    return 0.5 * (joints[:, LSP_14.index(f"left_{part}")] + joints[:, LSP_14.index(f"right_{part}")])


def to_crop(points: Array, region: Array) -> Array:
    """Points (K, 2) of a picture in units of a region (4,)."""
    return np.asarray((points - region[:2]) @ region_axes(region) / region[2] + 0.5)


def crops_of(examples: Sequence[Example], *, size: int, mirrored: bool) -> Iterator[tuple[Array, Array]]:
    """Crops (size, size, 3) uint8 and joints (14, 2) of examples that show hips and shoulders."""
    joints = np.array([example.joints for example in examples])
    with np.errstate(invalid="ignore"):
        regions = body_regions(joints, np.random.default_rng([SEED, mirrored]))
    for example, region, points in zip(examples, regions, joints):
        if np.isfinite(region).all():
            image, places = cut_out(example.picture.read(), region, size), to_crop(points, region)
            if mirrored:
                image, places = np.ascontiguousarray(image[:, ::-1]), (places * [-1, 1] + [1, 0])[mirror_order()]
            yield image, places


def store(model: str, lsp: Path, lspet: Path | None, folder: Path) -> None:
    """Writes the features of training crops: LSP's first, then the mirrored ones, then the extension's."""
    split = split_lsp(read_lsp(lsp), "official", validation=VALIDATION)
    more = extension(lspet) if lspet else []
    more = [more[i] for i in np.random.default_rng(SEED).permutation(len(more))]
    parts = [(split.validation, False), (split.train, False), (split.train, True), (more, False), (more, True)]
    run = feature_function(published(model))
    folder.mkdir(parents=True, exist_ok=True)
    for part, (examples, mirrored) in enumerate(parts):
        for start in range(0, len(examples), SHARD):
            path = folder / f"{part}_{start:05d}.npz"
            if not path.is_file():
                write_shard(path, crops_of(examples[start : start + SHARD], size=256, mirrored=mirrored), run)
                print(path.name, flush=True)


def write_shard(path: Path, crops: Iterator[tuple[Array, Array]], run: Callable[[Array], tuple[Array, Array]]) -> None:
    """Stores the features and joints of crops; shards that begin with "0_" judge the epochs."""
    rows = [(*run(image), joints) for image, joints in crops]
    guess, values, joints = (np.array(column) for column in zip(*rows))
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, guess=guess.astype(np.float32), values=values.astype(np.float16), joints=joints)


def published(model: str) -> BlazePoseLsp:
    """The network with the published trunk and an untrained head."""
    network = create_network(NETWORKS[model])
    assert isinstance(network, BlazePoseLsp)
    trunk = load_module(model).state_dict()
    network.trunk.load_state_dict({name: value for name, value in trunk.items() if not name.startswith("mask.")})
    return network.eval()


class _FeaturesOnly(nn.Module):
    def __init__(self, network: BlazePoseLsp) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.network.features(image)
        return seen.guess, seen.values


def feature_function(network: BlazePoseLsp) -> Callable[[Array], tuple[Array, Array]]:
    """Guess (14, 2) and values (F,) of a crop (256, 256, 3) uint8: by CUDA, else by OpenVINO where it is installed."""
    module = _FeaturesOnly(network)
    if torch.cuda.is_available():
        module = module.cuda()
    else:
        try:
            return _compiled(module)
        except ImportError:
            pass  # torch alone is four times slower
    device = next(module.parameters()).device

    def run(crop: Array) -> tuple[Array, Array]:
        image = torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            guess, values = module(image)
        return guess[0].cpu().numpy(), values[0].cpu().numpy()

    return run


def _compiled(module: nn.Module) -> Callable[[Array], tuple[Array, Array]]:
    from mocap.estimators.openvino_runtime import compile_options, import_openvino

    ov = import_openvino()
    example = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        converted = ov.convert_model(torch.jit.trace(module, example, check_trace=False), example_input=example)
    converted.reshape([1, 3, 256, 256])
    compiled = ov.Core().compile_model(converted, "CPU", compile_options())

    def run(crop: Array) -> tuple[Array, Array]:
        outputs = compiled(crop.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        return outputs[0][0].copy(), outputs[1][0].copy()

    return run


def read_stored(folder: Path) -> Stored:
    """All shards of a folder."""
    paths = sorted(folder.glob("*.npz"))
    shards = [dict(np.load(path)) for path in paths]
    held = np.concatenate([np.full(len(s["guess"]), p.name.startswith("0_")) for p, s in zip(paths, shards)])
    guess, values, joints = (
        torch.from_numpy(np.concatenate([shard[name] for shard in shards])) for name in ("guess", "values", "joints")
    )
    return Stored(guess, values, joints.float(), torch.from_numpy(held))


def pck(points: Tensor, joints: Tensor) -> float:
    """Mean PCK@0.2, percent."""
    truth = joints.numpy().astype(np.float64)
    torsos = metrics.torso_diameters(truth, LSP_14)
    errors = metrics.errors_in_torsos(points.numpy().astype(np.float64), truth, torsos)
    return float(np.nanmean(metrics.pck(errors, metrics.LARGEST_THRESHOLD)))


def train_head(network: BlazePoseLsp, stored: Stored, settings: HeadSettings) -> list[dict[str, float]]:
    """Trains the head, leaves the best epoch's weights in the network, and gives a line an epoch."""
    torch.manual_seed(settings.seed)
    learning, held = torch.where(~stored.held)[0], torch.where(stored.held)[0]
    optimiser = torch.optim.AdamW(
        network.joints.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = settings.epochs * -(-len(learning) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps, pct_start=0.1)
    rows = [{"epoch": 0.0, "loss": float("nan"), "held_pck": pck(stored.guess[held], stored.joints[held])}]
    best, kept = rows[0]["held_pck"], _copy(network.joints)
    for epoch in range(1, settings.epochs + 1):
        network.joints.train()
        total = 0.0
        for lot in learning[torch.randperm(len(learning))].split(settings.batch):
            loss = head_loss(network, stored, lot)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(lot)
        network.joints.eval()
        with torch.no_grad():
            points = network.placed(stored.guess[held], stored.values[held].float())
        rows.append({"epoch": epoch, "loss": total / len(learning), "held_pck": pck(points, stored.joints[held])})
        print("  ".join(f"{name} {value:.5g}" for name, value in rows[-1].items()), flush=True)
        if rows[-1]["held_pck"] > best:
            best, kept = rows[-1]["held_pck"], _copy(network.joints)
    network.joints.load_state_dict(kept)
    return rows


def head_loss(network: BlazePoseLsp, stored: Stored, lot: Tensor) -> Tensor:
    """Mean distance of joints, in units of the crop."""
    joints = stored.joints[lot]
    labelled = joints.isfinite().all(-1)
    points = network.placed(stored.guess[lot], stored.values[lot].float())
    return (points - joints.nan_to_num()).norm(dim=-1)[labelled].mean()


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def main() -> None:
    """Reads the command line, stores or trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    storing, training = verbs.add_parser("store"), verbs.add_parser("train")
    for verb in (storing, training):
        verb.add_argument("model", choices=sorted(NETWORKS))
        verb.add_argument("-o", "--output", type=Path, required=True)
    storing.add_argument("--lsp", type=Path, required=True)
    storing.add_argument("--lspet", type=Path)
    training.add_argument("features", type=Path)
    training.add_argument("--epochs", type=int, default=HeadSettings.epochs)
    options = parser.parse_args()
    if options.verb == "store":
        store(options.model, options.lsp, options.lspet, options.output)
        return
    network, stored = published(options.model), read_stored(options.features)
    print(f"{len(stored.held)} crops, {int(stored.held.sum())} of them to judge", flush=True)
    rows = train_head(network, stored, HeadSettings(epochs=options.epochs))
    options.output.mkdir(parents=True, exist_ok=True)
    with atomic_path(options.output / "weights.safetensors") as temporary:
        save_file(_copy(network), temporary)
    with atomic_path(options.output / "record.csv") as temporary, temporary.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
