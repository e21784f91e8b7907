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
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mocap.evaluate import metrics
from mocap.io.files import atomic_path
from mocap.model.keypoints import LSP_14
from training import record
from training.blazepose_maps import NETWORKS, Crops, batches_of, published, read_crops, store
from training.networks.blazepose_lsp import BlazePoseLsp
from training.optimisers import average_into, rate_at

POOL = 12  # shards that are mixed


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
        rate = rate_at(share, (self.step + 1) / 100)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["rate"]
        self.network.train()
        loss = self.loss(crops)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learning.values(), 1.0)
        self.optimiser.step()
        self.step += 1
        average_into(self.averaged.values(), self.learning.values(), self.step, self.settings.average)
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
        record.append_row(
            output / "record.csv", {"step": 0, "minutes": 0.0, "loss": math.nan, "held_pck": tuning.judged(judges)}
        )
    begin, total, last = time.monotonic() - tuning.spent, 0.0, tuning.step
    for crops in endless([path for path in paths if path not in held], settings, tuning.step):
        share = min((time.monotonic() - begin) / (60 * settings.minutes), 1.0)
        total += tuning.learn(crops, share)
        if tuning.step % every == 0 or share >= 1:
            tuning.spent = time.monotonic() - begin
            row = {"step": tuning.step, "minutes": tuning.spent / 60, "loss": total / (tuning.step - last)}
            record.append_row(output / "record.csv", {**row, "held_pck": tuning.judged(judges)})
            with atomic_path(output / "weights.safetensors") as temporary:
                save_file(tuning.tuned(), temporary)
            with atomic_path(checkpoint) as temporary:
                torch.save(tuning.state(), temporary)
            total, last = 0.0, tuning.step
        if share >= 1:
            return


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
