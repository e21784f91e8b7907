"""Fine-tunes BlazePose for LSP's joints from its decoded maps on: a road that a processor can go.

    python -m training.blazepose_finetune store blazepose-heavy --lsp LSP --lspet LSPET -o maps
    python -m training.blazepose_finetune train blazepose-heavy maps -o runs/blazepose-lsp --minutes 60

The backbone and its decoder stay as published; what comes after them learns: the way back to 1/32, the regression
trunk and the head of joints. The first command goes through the pictures once, cut out as tracking cuts people out, and
can be interrupted and taken up again; the second takes what is there and goes on from its checkpoint. What the
published network says of landmarks and presence is stored too and asked of the tuned one, also beside people, so that
it can still be tracked with. The official test half is not touched.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mocap import metrics
from mocap.estimators.modules import load_module
from mocap.estimators.regions import cut_out, region_axes
from mocap.estimators.runtime import Image
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
SHARD = 100  # crops a file
VALIDATION = 100
ASTRAY = 400  # crops beside people
SEED = 7
POOL = 12  # shards that are mixed

Runner = Callable[[Image], Sequence[Array]]  # maps, landmarks and presence of a crop (256, 256, 3) uint8


@dataclass(frozen=True)
class TuneSettings:
    """How the network is tuned. learning_rate: of the head of joints; trunk_rate: of what was published.

    keeping: weight of saying what the published network said. average: of the weights, over steps.
    """

    minutes: float = 60.0
    batch: int = 32
    learning_rate: float = 2e-4
    trunk_rate: float = 2e-5
    weight_decay: float = 0.02
    keeping: float = 0.2
    average: float = 0.999
    seed: int = 1


class Crops(NamedTuple):
    """B crops. maps: what ``BlazePoseLsp.maps`` gives. landmarks (B, 39, 5), presence (B,): as published. joints
    (B, 14, 2) in units of the crop, NaN where not labelled."""

    maps: list[Tensor]
    landmarks: Tensor
    presence: Tensor
    joints: Tensor


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
                image, places = np.ascontiguousarray(image[:, ::-1]), (places * [-1, 1] + [1, 0])[mirror_order()]
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
    from mocap.estimators.openvino_runtime import compile_options, import_openvino

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


class Tuning:
    """A network on its way, with the average of its weights over steps, which is what is kept."""

    def __init__(self, network: BlazePoseLsp, settings: TuneSettings) -> None:
        torch.manual_seed(settings.seed)
        self.network, self.settings = network.to(memory_format=torch.channels_last), settings  # type: ignore[call-overload]
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self.learning = {name: p.requires_grad_() for name, p in network.named_parameters() if learns(name)}
        self.averaged = {name: p.detach().clone() for name, p in self.learning.items()}
        head = [p for name, p in self.learning.items() if name.startswith("joints.")]
        trunk = [p for name, p in self.learning.items() if not name.startswith("joints.")]
        self.optimiser = torch.optim.AdamW(
            [{"params": head, "rate": settings.learning_rate}, {"params": trunk, "rate": settings.trunk_rate}],
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.step, self.spent = 0, 0.0

    def learn(self, crops: Crops, share: float) -> float:
        """One step at that share of the training; its loss."""
        rate = min(1.0, (self.step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        self.network.train()
        loss = self.loss(crops)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learning.values(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(self.settings.average, self.step / (self.step + 10))
        with torch.no_grad():
            for name, kept in self.averaged.items():
                kept.lerp_(self.learning[name], 1 - keep)
        return loss.item()

    def loss(self, crops: Crops) -> Tensor:
        """Mean distance of joints in units of the crop, and how far landmarks and presence are from the published."""
        seen = self.network.features(crops.maps)
        labelled = crops.joints.isfinite().all(-1)
        joints = self.network.placed(seen.guess, seen.values)
        distance = (joints - crops.joints.nan_to_num()).norm(dim=-1)[labelled].sum() / labelled.sum().clamp(min=1)
        here = (crops.presence > 0.5)[:, None, None]
        scale = torch.tensor([1 / 256, 1 / 256, 1 / 256, 0.01, 0.01])
        moved = ((seen.landmarks - crops.landmarks).abs() * scale * here).mean()
        presence = F.binary_cross_entropy(seen.presence.clamp(1e-5, 1 - 1e-5), crops.presence)
        return distance + self.settings.keeping * (moved + 0.1 * presence)

    @torch.no_grad()
    def judged(self, held: list[Crops]) -> float:
        """Mean PCK@0.2 of the averaged weights, percent."""
        own = {name: p.detach().clone() for name, p in self.learning.items()}
        self.network.load_state_dict(self.averaged, strict=False)
        self.network.eval()
        points = []
        for crops in held:
            seen = self.network.features(crops.maps)
            points.append(self.network.placed(seen.guess, seen.values))
        self.network.load_state_dict(own, strict=False)
        return pck(torch.cat(points), torch.cat([crops.joints for crops in held]))

    def tuned(self) -> dict[str, Tensor]:
        """All weights of the network, the averaged ones where it learns."""
        weights = self.network.state_dict() | self.averaged
        return {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in weights.items()}

    def state(self) -> dict[str, object]:
        """What another day goes on from."""
        learning = {name: p.detach() for name, p in self.learning.items()}
        parts = {"learning": learning, "averaged": self.averaged, "optimiser": self.optimiser.state_dict()}
        return {**parts, "step": self.step, "spent": self.spent}

    def restore(self, state: dict[str, object]) -> None:
        """Takes up ``state``."""
        self.network.load_state_dict(state["learning"], strict=False)  # type: ignore[arg-type]
        self.averaged = state["averaged"]  # type: ignore[assignment]
        self.optimiser.load_state_dict(state["optimiser"])  # type: ignore[arg-type]
        self.step, self.spent = state["step"], state["spent"]  # type: ignore[assignment]


def learns(name: str) -> bool:
    """Whether a weight of that name is tuned."""
    return name.startswith(("joints.", "trunk.encoder.", "trunk.lateral.", "trunk.head.")) and ".world." not in name


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


def endless(paths: Sequence[Path], settings: TuneSettings, step: int) -> Iterator[Crops]:
    """Batches without end: some shards at a time, mixed."""
    generator = torch.Generator().manual_seed(settings.seed + step)
    while True:
        order = torch.randperm(len(paths), generator=generator).tolist()
        for at in range(0, len(order), POOL):
            crops = read_crops([paths[i] for i in order[at : at + POOL]])
            yield from batches_of(crops, settings.batch, torch.randperm(len(crops.joints), generator=generator))


def pck(points: Tensor, joints: Tensor) -> float:
    """Mean PCK@0.2, percent."""
    truth = joints.numpy().astype(np.float64)
    torsos = metrics.torso_diameters(truth, LSP_14)
    errors = metrics.errors_in_torsos(points.numpy().astype(np.float64), truth, torsos)
    return float(np.nanmean(metrics.pck(errors, metrics.LARGEST_THRESHOLD)))


def tune(network: BlazePoseLsp, folder: Path, output: Path, settings: TuneSettings, every: int = 200) -> None:
    """Trains until the minutes are over; weights, a line of the record and a checkpoint every ``every`` steps."""
    paths = sorted(folder.glob("*.npz"))
    held = [path for path in paths if path.name.startswith("0_")]
    judges = list(batches_of(whole := read_crops(held), settings.batch, torch.arange(len(whole.joints))))
    tuning = Tuning(network, settings)
    output.mkdir(parents=True, exist_ok=True)
    checkpoint = output / "checkpoint.pt"
    if checkpoint.is_file():
        tuning.restore(torch.load(checkpoint, weights_only=True))
    else:
        _log(output / "record.csv", {"step": 0, "minutes": 0.0, "loss": math.nan, "held_pck": tuning.judged(judges)})
    begin, total, last = time.monotonic() - tuning.spent, 0.0, tuning.step
    for crops in endless([path for path in paths if path not in held], settings, tuning.step):
        share = min((time.monotonic() - begin) / (60 * settings.minutes), 1.0)
        total += tuning.learn(crops, share)
        if tuning.step % every == 0 or share >= 1:
            tuning.spent = time.monotonic() - begin
            row = {"step": tuning.step, "minutes": tuning.spent / 60, "loss": total / (tuning.step - last)}
            _log(output / "record.csv", {**row, "held_pck": tuning.judged(judges)})
            with atomic_path(output / "weights.safetensors") as temporary:
                save_file(tuning.tuned(), temporary)
            with atomic_path(checkpoint) as temporary:
                torch.save(tuning.state(), temporary)
            total, last = 0.0, tuning.step
        if share >= 1:
            return


def _log(path: Path, row: dict[str, float]) -> None:
    is_new = not path.is_file()
    with path.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow({name: round(value, 5) for name, value in row.items()})
    print("  ".join(f"{name} {value:.5g}" for name, value in row.items()), flush=True)


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
    training.add_argument("maps", type=Path)
    training.add_argument("--minutes", type=float, default=TuneSettings.minutes, help="of training, in all")
    options = parser.parse_args()
    if options.verb == "store":
        store(options.model, options.lsp, options.lspet, options.output)
    else:
        tune(published(options.model), options.maps, options.output, TuneSettings(minutes=options.minutes))


if __name__ == "__main__":
    main()
