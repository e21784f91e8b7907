"""Trains the lifter on made views of real motions and writes its weights.

    python -m training.motions CMU_BVH CMU_FBX ANIMATIONS -o motions.npz
    python -m training.train_lifter motions.npz -o lifter --minutes 60

Interrupted, the second command goes on from its last checkpoint. Another process makes the batches.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from mocap.evaluate.metrics.pose import EVALUATION_POINTS, mpjpe_mm, pa_mpjpe_mm
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.solve.lift.features import K
from training import record
from training.captured_bodies import Body
from training.detector_noise import TRAINING, Notice, exactly, noticed
from training.lifter_network import Lifter
from training.lifter_views import Batch, Views, far, split
from training.motions import read_motions
from training.optimisers import Muon, average_into, mixed_precision, rate_at
from training.other_lifters import Recurrent, Transformer
from training.rendered_clips import Faults, RenderedClips

STATURE_M = 1.75  # figures are those of a body of this height
NETWORKS = {"convolutions": Lifter, "transformer": Transformer, "recurrent": Recurrent}
JUDGED = [BLAZEPOSE_33.index(name.replace("big_toe", "foot_index")) for name in EVALUATION_POINTS]


@dataclass(frozen=True)
class Settings:
    """How the lifter is trained.

    cameras: that see each motion. rendered, faulty, exact: shares of batches from rendered clips, of made ones with the
    faults that the pose network has on these, and of made ones without faults.
    """

    minutes: float = 60.0
    steps: int = 0  # of the whole training, instead of minutes; for machines that others use too
    every: int = 200  # steps between checkpoints
    batch: int = 48
    cameras: int = 2
    frames: int = 81
    rendered: float = 0.0
    faulty: float = 0.0
    exact: float = 0.1
    learning_rate: float = 1e-3  # of AdamW: the first and the last layer, norms and biases
    matrix_rate: float = 0.02  # of Muon: the convolutions between
    average: float = 0.998  # of the weights, over steps
    seed: int = 1


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Endless batches of sources by shares; the seed and the number of the batch decide what is in it."""

    def __init__(self, sources: list[tuple[Views | RenderedClips, float]], settings: Settings, first: int) -> None:
        self.sources, self.settings, self.first = sources, settings, first

    def __iter__(self):  # type: ignore[no-untyped-def]
        worker = torch.utils.data.get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        torch.set_num_threads(1)
        for i in range(self.first + number, 2**31, workers):
            rng = np.random.default_rng([self.settings.seed, i])
            chosen = rng.choice(len(self.sources), p=[share for _, share in self.sources])
            yield as_tensors(self.sources[chosen][0].batch(self.settings.batch, rng))


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
    off = places - truth
    upright = 1 - nn.functional.cosine_similarity(guessed_up, up, dim=-1)
    touching = nn.functional.binary_cross_entropy_with_logits(logits, contacts)
    mean = lambda values: (weights * values).mean()  # noqa: E731
    return mean(_length(off)) + 2.0 * mean(_length(off.diff(dim=1))) + 0.3 * upright.mean() + 0.01 * touching


def _length(vectors: Tensor) -> Tensor:
    """Of vectors (…, 3); five times as fast as torch's norm, which goes through the last axis by itself."""
    x, y, z = vectors.unbind(-1)
    return (x * x + y * y + z * z + 1e-12).sqrt()


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
    parser.add_argument("--rendered", type=Path, help="clips of training.rendered_clips, for training")
    parser.add_argument("--share", type=float, default=0.06, help="of batches that come from rendered clips")
    parser.add_argument("--faulty", type=float, default=0.62, help="of batches made with the network's faults on these")
    parser.add_argument("--start", type=Path, help="weights to begin with, instead of chance")
    parser.add_argument("--network", choices=NETWORKS, default="convolutions")
    parser.add_argument("--learning-rate", type=float, default=Settings.learning_rate)
    parser.add_argument("--matrix-rate", type=float, default=Settings.matrix_rate, help="Muon's learning rate")
    parser.add_argument("--minutes", type=float, default=Settings.minutes, help="of training, in all")
    parser.add_argument("--steps", type=int, default=Settings.steps, help="of training, in all, instead of minutes")
    parser.add_argument("--batch", type=int, default=Settings.batch, help="windows a step")
    parser.add_argument(
        "--average", type=float, default=Settings.average, help="of weights: how much of it stays a step"
    )
    parser.add_argument("--every", type=int, default=Settings.every, help="steps between checkpoints")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        minutes=options.minutes,
        steps=options.steps,
        learning_rate=options.learning_rate,
        matrix_rate=options.matrix_rate,
        batch=options.batch,
        average=options.average,
        every=options.every,
        rendered=options.share if options.rendered else 0.0,
        faulty=options.faulty if options.rendered else 0.0,
    )
    torch.manual_seed(settings.seed)
    network = NETWORKS[options.network]()
    if options.start:
        network.load_state_dict({name: weight.float() for name, weight in load_file(options.start).items()})
    Training(network, settings, options.output).run(options.motions, options.rendered)


def test_batches(kinds: dict[str, list[Body]]) -> dict[str, list[tuple[Tensor, ...]]]:
    """Make windows of takes that no training sees, as they were captured.

    Parameters
    ----------
    kinds : dict of str to list of Body
        What is measured apart.

    Returns
    -------
    dict of str to list of tuple of Tensor
        Two batches of every kind with exact image points, and two with a detector's.
    """
    notices: dict[str, Notice] = {"clean": exactly, "noisy": noticed}
    batches: dict[str, list[tuple[Tensor, ...]]] = {}
    for kind, bodies in kinds.items():
        for name, notice in notices.items():
            views = Views(bodies, notice=notice, mixed=False)
            batches[f"{kind} {name}"] = [as_tensors(views.batch(32, np.random.default_rng(i))) for i in range(2)]
    return batches


class Training:
    """A network on its way, with the average of its weights over steps, which is what is kept."""

    def __init__(self, network: nn.Module, settings: Settings, output: Path) -> None:
        self.network, self.settings, self.output = network, settings, output
        self.averaged = copy.deepcopy(network).eval()
        matrices = [weight for name, weight in network.named_parameters() if _between(name, weight)]
        own = {id(weight) for weight in matrices}
        others = [weight for weight in network.parameters() if id(weight) not in own]
        self.optimisers = {
            "muon": Muon(matrices, lr=settings.matrix_rate, weight_decay=0.01),
            "adam": torch.optim.AdamW(others, lr=settings.learning_rate, weight_decay=0.01),
        }
        self.step, self.spent = 0, 0.0

    def run(self, motions: Path, rendered: Path | None) -> None:
        """Trains until the minutes are over; a checkpoint, a line of figures and weights every so many steps."""
        settings = self.settings
        takes = read_motions(motions)
        training, near = split(takes)
        unknown = [body for bodies in far(takes).values() for body in bodies]
        tests = test_batches({"near": near} | ({"far": unknown} if unknown else {}))
        if (self.output / "checkpoint.pt").is_file():
            self._restore()
        views = partial(Views, training, frames=settings.frames, cameras=settings.cameras)
        rest = 1 - settings.rendered - settings.faulty - settings.exact
        sources: list[tuple[Views | RenderedClips, float]] = [
            (views(notice=partial(noticed, hardness=TRAINING)), rest),
            (views(notice=exactly), settings.exact),
        ]
        if rendered:
            clips = RenderedClips.read(rendered, settings.frames)
            faults = Faults(clips.clips, settings.frames)
            sources += [(clips, settings.rendered), (views(notice=faults), settings.faulty)]
        loader = DataLoader(Batches(sources, settings, self.step), batch_size=None, num_workers=1)
        begin, running, last = time.monotonic() - self.spent, 0.0, self.step
        for batch in loader:
            share = self._progress(time.monotonic() - begin)
            running += self._learn(batch, share)
            if self.step % settings.every == 0 or share >= 1:
                self.spent = time.monotonic() - begin
                row = {"step": self.step, "minutes": self.spent / 60, "loss": running / (self.step - last)}
                for name, batches in tests.items():
                    row |= {f"{name} {key}": value for key, value in figures(self.averaged, batches).items()}
                record.append_row(self.output / "log.csv", row)
                self._store()
                running, last = 0.0, self.step
            if share >= 1:
                return

    def _progress(self, seconds: float) -> float:
        """How much of the training is over, 0 to 1: of the steps if they are limited, else of the minutes."""
        if self.settings.steps:
            return min((self.step + 1) / self.settings.steps, 1.0)
        return min(seconds / (60 * self.settings.minutes), 1.0)

    def _learn(self, batch: tuple[Tensor, ...], share: float) -> float:
        """One step at that share of the training; its loss."""
        rate = rate_at(share, (self.step + 1) / 200)
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = rate * (self.settings.matrix_rate if name == "muon" else self.settings.learning_rate)
        with mixed_precision(torch.device("cpu")):
            answer = self.network(batch[0])
        loss = loss_of(answer.float(), *batch[1:])
        self.network.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimiser in self.optimisers.values():
            optimiser.step()
        self.step += 1
        average_into(self.averaged.parameters(), self.network.parameters(), self.step, self.settings.average)
        return loss.item()

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "averaged": self.averaged, **self.optimisers}

    def _store(self) -> None:
        states = {name: part.state_dict() for name, part in self._parts().items()}
        half = self.output / "checkpoint.half"  # a training that is stopped while it writes keeps the one before
        torch.save({**states, "step": self.step, "spent": self.spent}, half)
        half.replace(self.output / "checkpoint.pt")
        weights = {name: weight.half() for name, weight in self.averaged.state_dict().items()}
        save_file(weights, self.output / "weights.safetensors")

    def _restore(self) -> None:
        stored = torch.load(self.output / "checkpoint.pt", weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(stored[name])
        self.step, self.spent = stored["step"], stored["spent"]


def _between(name: str, weight: Tensor) -> bool:
    """Whether a weight turns features into features: what Muon is for (Jordan et al. 2024)."""
    return weight.ndim > 1 and not name.startswith(("enter", "leave", "places"))


if __name__ == "__main__":
    main()
