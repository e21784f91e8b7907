"""Trains the lifter on made views of real motions and writes its weights.

    python -m training.motions CMU_BVH CMU_FBX ANIMATIONS -o motions.npz
    python -m training.train_lifter motions.npz -o lifter --minutes 60

Interrupted, the second command goes on from its last checkpoint. Another process makes the batches.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from mocap.keypoints import BLAZEPOSE_33
from mocap.metrics.pose import EVALUATION_POINTS, mpjpe_mm, pa_mpjpe_mm
from mocap.networks.lifter import Lifter
from mocap.networks.lifter_features import K
from training.lifter_views import Batch, Views, split
from training.motions import read_motions

STATURE_M = 1.75  # figures are those of a body of this height
JUDGED = [BLAZEPOSE_33.index(name.replace("big_toe", "foot_index")) for name in EVALUATION_POINTS]


@dataclass(frozen=True)
class Settings:
    """How the lifter is trained; stored in every checkpoint."""

    minutes: float = 60.0
    batch: int = 48
    frames: int = 81
    learning_rate: float = 1.5e-3
    average: float = 0.998  # of the weights, over steps
    seed: int = 1


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Endless batches; the seed and the number of the batch decide what is in it."""

    def __init__(self, views: Views, settings: Settings, first: int) -> None:
        self.views, self.settings, self.first = views, settings, first

    def __iter__(self):  # type: ignore[no-untyped-def]
        worker = torch.utils.data.get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        torch.set_num_threads(1)
        for i in range(self.first + number, 2**31, workers):
            yield as_tensors(self.views.batch(self.settings.batch, np.random.default_rng([self.settings.seed, i])))


def as_tensors(batch: Batch) -> tuple[Tensor, ...]:
    """features, truth, up and contacts as float32 tensors."""
    return tuple(
        torch.from_numpy(np.asarray(part, dtype=np.float32))
        for part in (batch.features, batch.truth, batch.up, batch.contacts)
    )


def loss_of(answer: Tensor, truth: Tensor, up: Tensor, contacts: Tensor) -> Tensor:
    """Mean distance of the landmarks and of their steps in time, the angle of up, and the cross entropy of contacts."""
    places, guessed_up, logits = split_answer(answer)
    weights = torch.full((K,), 0.3)
    weights[JUDGED] = 1.0
    distance = (places - truth).norm(dim=-1)
    steps = (places.diff(dim=1) - truth.diff(dim=1)).norm(dim=-1)
    upright = 1 - nn.functional.cosine_similarity(guessed_up, up, dim=-1)
    touching = nn.functional.binary_cross_entropy_with_logits(logits, contacts)
    mean = lambda values: (weights * values).mean()  # noqa: E731
    return mean(distance) + 2.0 * mean(steps) + 0.3 * upright.mean() + 0.01 * touching


def split_answer(answer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Landmarks (B, T, 33, 3), up (B, T, 3) and logits of contact (B, T, 4) of the network's output."""
    places = answer[..., : 3 * K].unflatten(-1, (K, 3))
    return places, answer[..., 3 * K : 3 * K + 3], answer[..., 3 * K + 3 :]


@torch.no_grad()
def figures(network: nn.Module, batches: list[tuple[Tensor, ...]]) -> dict[str, float]:
    """MPJPE and PA-MPJPE of the judged 14 points in mm, up's mean angle in degrees, contacts' share that is right."""
    errors, aligned, angles, right = [], [], [], []
    for features, truth, up, contacts in batches:
        places, guessed_up, logits = split_answer(network(features))
        for seen, real in zip(places[:, :, JUDGED].double().numpy(), truth[:, :, JUDGED].double().numpy()):
            errors.append(mpjpe_mm(STATURE_M * seen, STATURE_M * real))
            aligned.append(pa_mpjpe_mm(STATURE_M * seen, STATURE_M * real))
        angles.append(torch.acos(nn.functional.cosine_similarity(guessed_up, up, dim=-1).clamp(-1, 1)).mean().item())
        right.append(((logits > 0) == (contacts > 0.5)).float().mean().item())
    return {
        "mpjpe_mm": float(np.mean(errors)),
        "pa_mm": float(np.mean(aligned)),
        "up_degrees": math.degrees(float(np.mean(angles))),
        "contacts": float(np.mean(right)),
    }


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of checkpoint, log and weights")
    parser.add_argument("--minutes", type=float, default=Settings.minutes, help="of training, in all")
    parser.add_argument("--channels", type=int, default=256)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    train(options.motions, options.output, Settings(minutes=options.minutes), options.channels)


def train(motions: Path, output: Path, settings: Settings, channels: int) -> None:
    """Trains until the minutes are over, with a checkpoint, a line of figures and weights every 500 steps."""
    torch.manual_seed(settings.seed)
    training, held_out = split(read_motions(motions))
    tests = {
        name: [as_tensors(Views(held_out, noisy=name == "noisy").batch(32, np.random.default_rng(i))) for i in range(4)]
        for name in ("clean", "noisy")
    }
    network = Lifter(channels)
    averaged = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    checkpoint, step, spent = output / "checkpoint.pt", 0, 0.0
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(stored["network"])
        averaged.load_state_dict(stored["averaged"])
        optimiser.load_state_dict(stored["optimiser"])
        step, spent = stored["step"], stored["spent"]
    loader = DataLoader(
        Batches(Views(training, frames=settings.frames), settings, step), batch_size=None, num_workers=1
    )
    begin, running = time.monotonic() - spent, 0.0
    for batch in loader:
        share = min((time.monotonic() - begin) / (60 * settings.minutes), 1.0)
        warm = min(1.0, (step + 1) / 300)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast where the processor has it; weights stay float32
            answer = network(batch[0])
        loss = loss_of(answer.float(), *batch[1:])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step, running = step + 1, running + loss.item()
        with torch.no_grad():
            keep = min(settings.average, step / (step + 10))
            for kept, new in zip(averaged.parameters(), network.parameters()):
                kept.lerp_(new, 1 - keep)
        if step % 500 == 0 or share >= 1:
            measured = {name: figures(averaged, batches) for name, batches in tests.items()}
            spent = time.monotonic() - begin
            row = {"step": step, "minutes": round(spent / 60, 1), "loss": round(running / 500, 5)}
            row |= {f"{name} {key}": round(value, 3) for name, part in measured.items() for key, value in part.items()}
            _log(output / "log.csv", row)
            state = {"network": network, "averaged": averaged, "optimiser": optimiser}
            stored = {name: part.state_dict() for name, part in state.items()}
            torch.save({**stored, "step": step, "spent": spent}, checkpoint)
            save_file(
                {name: weight.half() for name, weight in averaged.state_dict().items()}, output / "weights.safetensors"
            )
            running = 0.0
        if share >= 1:
            return


def _log(path: Path, row: dict[str, float]) -> None:
    is_new = not path.is_file()
    with path.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
