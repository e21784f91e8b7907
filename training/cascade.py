"""Trains the cascade of the DeepPose paper: a first stage, and stages that look again around each joint.

    python -m training.cascade --lsp lsp_dataset.zip --lspet lspet_dataset.zip -o runs

The first stage is the preset cascade-1, or, with --small, which a processor can train, the report's variant as the
preset deeppose makes it. A later one sees, around where the stage before put a joint, a crop of SIGMA torso diameters,
and tells how far off the joint is. It begins with the weights of the stage before, and learns from the labels with
displacements drawn from the normal distribution of the earlier stage's errors on the training pictures, one draw a
joint and round. Each stage has its own folder, and is taken up again after the last whole round; a first stage that is
done is taken as it is.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mocap.io.files import atomic_path
from mocap.model.keypoints import LSP_14
from training.batches import as_input
from training.corpus import Corpus, Sources, build_corpus
from training.crops import Crops
from training.networks import create_network
from training.optimisers import mixed_precision
from training.outcome import describe
from training.scores import scores_of
from training.settings import Settings, preset
from training.train import Machine, run

SIGMA = 2.0  # side of a joint's crop in torso diameters, as the paper has it for LSP
SIDE = 220  # pixels of the pictures that later stages look into
LEAST_TORSO = 0.05  # of the person's crop: a stage that errs must not look at nothing
JOINTS = len(LSP_14)
SHOULDER, HIP = LSP_14.index("left_shoulder"), LSP_14.index("right_hip")


@dataclass(frozen=True)
class StageSettings:
    """How a later stage is trained. rounds: draws a joint (the paper's 40). batch: pictures, of 14 crops each.

    minutes: the end of it, with the learning rate falling to it; 0: after the rounds.
    """

    network: str = "deeppose-stage"
    rounds: int = 40
    minutes: float = 0.0
    batch: int = 16
    learning_rate: float = 5e-4
    seed: int = 1


def torsos(joints: Tensor) -> Tensor:
    """Torso diameters (B,) of joints (B, 14, 2), at least LEAST_TORSO."""
    return (joints[:, SHOULDER] - joints[:, HIP]).norm(dim=-1).clamp(min=LEAST_TORSO)


def joint_crops(images: Tensor, centres: Tensor, sides: Tensor, size: int) -> Tensor:
    """Crops (B · K, 3, size, size) around centres (B, K, 2) with sides (B,), in units of images (B, 3, S, S)."""
    count = centres.shape[1]
    steps = (torch.arange(size, device=images.device, dtype=images.dtype) + 0.5) / size - 0.5
    square = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)  # (size, size, 2)
    places = centres[:, :, None, None] + sides[:, None, None, None, None] * square
    repeated = images[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1)
    return F.grid_sample(repeated, 2 * places.flatten(0, 1) - 1, align_corners=False)


def own_outputs(values: Tensor) -> Tensor:
    """Of outputs (B, 14 joints, 28) of the joints' crops, each joint's own two numbers (B, 14, 2)."""
    by_joint = values.unflatten(-1, (JOINTS, 2))
    index = torch.arange(JOINTS, device=values.device)
    return by_joint[:, index, index]


class Cascade(nn.Module):
    """Stages one after another: joints (B, 14, 2) in units of the crop, of images (B, 3, S, S) in 0..1."""

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> Tensor:
        size = int(self.stages[0].image_size)  # type: ignore[arg-type]
        whole = images if images.shape[-1] == size else F.interpolate(images, (size, size), mode="area")
        joints = self.stages[0](whole).unflatten(-1, (JOINTS, 2))
        for stage in self.stages[1:]:
            joints = looked_again(stage, images, joints)
        return joints


def looked_again(stage: nn.Module, images: Tensor, joints: Tensor) -> Tensor:
    """Joints (B, 14, 2) moved by what a later stage sees around each."""
    sides = torsos(joints) * SIGMA
    crops = joint_crops(images, joints, sides, int(stage.image_size))  # type: ignore[arg-type]
    seen = own_outputs(stage(crops).unflatten(0, (len(images), JOINTS)))
    return joints + (seen - 0.5) * sides[:, None, None]


@torch.no_grad()
def predictions(network: nn.Module, crops: Crops, device: torch.device, batch: int = 32) -> Tensor:
    """Joints (N, 14, 2) on the CPU."""
    network.eval()
    parts = []
    for start in range(0, len(crops), batch):
        images = torch.from_numpy(crops.images[start : start + batch]).permute(0, 3, 1, 2)
        parts.append(network(as_input(images, device)).float().cpu())
    return torch.cat(parts)


def fitted_errors(found: Tensor, crops: Crops) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (14, 2) of a stage's displacements from the labels, in torso diameters.

    By quantiles, as of a normal distribution: wrong labels and collapsed torsos would else count for most.
    """
    truth = torch.from_numpy(crops.joints).float()
    off = (truth - found) / torsos(found)[:, None, None]
    low, middle, high = off.nanquantile(torch.tensor([0.1587, 0.5, 0.8413]), dim=0).nan_to_num()
    return middle, (high - low) / 2


class StageTrainer:
    """A later stage's training, round by round. start: whose weights it begins with, instead of chance."""

    def __init__(
        self,
        before: Cascade,
        crops: Crops,
        settings: StageSettings,
        device: torch.device,
        start: nn.Module | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.stage = create_network(settings.network).to(device)
        if start is not None:
            self.stage.load_state_dict(start.state_dict())
        self.crops, self.settings, self.device = crops, settings, device
        self.truth = torch.from_numpy(crops.joints).float()
        found = predictions(before, crops, device)
        self.sides = torsos(torch.where(self.truth.isfinite(), self.truth, found))
        self.mean, self.spread = fitted_errors(found, crops)
        self.optimiser = torch.optim.AdamW(self.stage.parameters(), lr=settings.learning_rate, fused=True)
        self.losses: list[float] = []
        self.seconds = 0.0

    def share(self, more_seconds: float = 0.0) -> float:
        """How much of the training is over, so many seconds after the last whole round."""
        minutes = self.settings.minutes
        return (self.seconds + more_seconds) / (60 * minutes) if minutes else len(self.losses) / self.settings.rounds

    def run_round(self) -> None:
        """One displacement a joint of every picture, or of those that the minutes allow."""
        round_, began = len(self.losses), time.monotonic()
        generator = torch.Generator().manual_seed(self.settings.seed * 100_003 + round_)
        torch.manual_seed(self.settings.seed + 7919 * (round_ + 1))  # of dropout
        self.stage.train()
        losses: list[float] = []
        for lot in torch.randperm(len(self.crops), generator=generator).split(self.settings.batch):
            if (share := self.share(time.monotonic() - began)) >= 1:
                break
            losses.append(self._step(lot, generator, 0.5 * (1 + math.cos(math.pi * share))))
        self.losses.append(float(np.mean(losses)))
        self.seconds += time.monotonic() - began

    def _step(self, lot: Tensor, generator: torch.Generator, rate: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * rate
        truth, sides = self.truth[lot], self.sides[lot] * SIGMA
        drawn = self.mean + self.spread * torch.randn(truth.shape, generator=generator)
        labelled = truth.isfinite().all(-1)
        centres = truth.nan_to_num(0.5) - drawn * self.sides[lot][:, None, None]
        goal = (truth.nan_to_num(0.5) - centres) / sides[:, None, None] + 0.5
        images = as_input(torch.from_numpy(self.crops.images[lot.numpy()]).permute(0, 3, 1, 2), self.device)
        with mixed_precision(self.device):
            size = int(self.stage.image_size)  # type: ignore[arg-type]
            crops = joint_crops(images, centres.to(self.device), sides.to(self.device), size)
            seen = own_outputs(self.stage(crops).unflatten(0, (len(lot), JOINTS))).float()
        errors = (seen - goal.to(self.device)).square().sum(-1)
        loss = (errors * labelled.to(self.device)).sum() / max(1, int(labelled.sum()))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def save(self, path: Path) -> None:
        """Writes what is needed to go on."""
        stored = {
            "settings": json.dumps(asdict(self.settings)),
            "stage": self.stage.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "losses": self.losses,
            "seconds": self.seconds,
        }
        with atomic_path(path) as temporary:
            torch.save(stored, temporary)

    def resume(self, path: Path) -> None:
        """Goes on from a checkpoint, if there is one of the same settings."""
        if path.is_file():
            stored = torch.load(path, weights_only=True, map_location="cpu")
            if stored["settings"] == json.dumps(asdict(self.settings)):
                self.stage.load_state_dict(stored["stage"])
                self.optimiser.load_state_dict(stored["optimiser"])
                self.losses, self.seconds = stored["losses"], stored["seconds"]


def train_stage(trainer: StageTrainer, folder: Path, tell: Callable[[str], None] = print) -> nn.Module:
    """The stage after all rounds, with a checkpoint after each."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer.resume(folder / "checkpoint.pt")
    while trainer.share() < 1:
        trainer.run_round()
        trainer.save(folder / "checkpoint.pt")
        tell(f"{folder.name} round {len(trainer.losses)} loss {trainer.losses[-1]:.5f}")
    state = {name: value.cpu().contiguous() for name, value in trainer.stage.state_dict().items()}
    with atomic_path(folder / "weights.safetensors") as temporary:
        save_file(state, temporary)
    return trainer.stage


def write_scores(cascade: Cascade, corpus: Corpus, folder: Path, settings: Settings, facts: dict[str, object]) -> None:
    """scores.json of a cascade up to some stage."""
    device = next(cascade.parameters()).device
    begin = time.perf_counter()
    test = predictions(cascade, corpus.test, device).numpy().astype(np.float64)
    ms = 1000 * (time.perf_counter() - begin) / max(1, len(corpus.test))
    training = corpus.train.take(list(range(min(1000, len(corpus.train)))))
    values = {
        "name": folder.name,
        "settings": asdict(replace(settings, task="cascade")),
        "training_crops": len(corpus.train),
        "device": describe(device),
        "parameters": sum(p.numel() for p in cascade.parameters()),
        "ms_per_image": round(ms, 2),
        "train": scores_of(predictions(cascade, training, device).numpy().astype(np.float64), training).as_json(),
        "test": scores_of(test, corpus.test).as_json(),
        **facts,
    }
    with atomic_path(folder / "scores.json") as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def train_cascade(
    name: str, first_name: str, settings: Settings, sources: Sources, output: Path, machine: Machine, rounds: int
) -> None:
    """All stages, each for the machine's minutes or the settings' epochs and these rounds."""
    if not (output / first_name / "scores.json").is_file():  # the last that a run writes
        run(first_name, settings, build_corpus(settings, sources), output / first_name, machine)
    first = create_network(settings.network)
    first.load_state_dict(load_file(output / first_name / "weights.safetensors"))
    cascade = Cascade([first]).to(machine.torch_device())
    corpus = build_corpus(replace(settings, side=SIDE), sources)
    for number in (2, 3):
        folder = output / f"{name}-{number}"
        stage_settings = StageSettings(settings.network, rounds=rounds, minutes=machine.minutes, seed=number)
        trainer = StageTrainer(cascade, corpus.train, stage_settings, machine.torch_device(), cascade.stages[-1])
        cascade = Cascade([*cascade.stages, train_stage(trainer, folder)])
        facts = {"epochs": len(trainer.losses), "is_done": len(trainer.losses) >= rounds, "seconds": trainer.seconds}
        write_scores(cascade, corpus, folder, settings, facts)


def main() -> None:
    """Reads the command line and trains all stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lsp", type=Path, required=True)
    parser.add_argument("--lspet", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of runs")
    parser.add_argument("--small", action="store_true", help="stages that a processor can train")
    parser.add_argument("--epochs", type=int, help="of the first stage")
    parser.add_argument("--rounds", type=int, default=StageSettings.rounds, help="of the later stages")
    parser.add_argument("--minutes", type=float, default=0.0, help="end each stage then")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    name = "cascade-small" if options.small else "cascade"
    first_name = "deeppose" if options.small else "cascade-1"
    settings = preset(first_name)
    settings = replace(
        settings,
        epochs=options.epochs or settings.epochs,
        data=settings.data if options.lspet else ("lsp",),
    )
    machine = Machine(options.device, options.workers, options.minutes)
    train_cascade(
        name, first_name, settings, Sources(options.lsp, options.lspet), options.output, machine, options.rounds
    )


if __name__ == "__main__":
    main()
