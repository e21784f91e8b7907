"""Trains a network of the comparison and writes its weights, record and curves into a folder.

    python -m training.train deeppose --lsp lsp_dataset.zip --lspet lspet_dataset.zip -o runs

makes runs/deeppose with weights.safetensors (the best epoch), record.csv, curves.png, scores.json and checkpoint.pt.
Interrupted, the same command goes on after the last whole epoch and gives the same numbers as without the interruption;
only ``--minutes`` gives that up, since then the clock decides how fast the rate falls.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError
from training import record
from training.augment import Changes
from training.batches import Batch, CropDataset, as_input, epoch_batches
from training.corpus import Corpus, Sources, build_corpus
from training.crops import Crops
from training.optimisers import Muon, begin_statistics, mixed_precision, rate_at
from training.scores import scores_of
from training.settings import PRESETS, Settings, preset
from training.starts import begin_with
from training.tasks import Task, create_task

CALM = 10.0  # largest length of the gradient in a step


@dataclass(frozen=True)
class Machine:
    """Where and how long: device, processes that prepare batches, minutes (0: until the epochs are done)."""

    device: str = "auto"
    workers: int = 0
    minutes: float = 0.0

    def torch_device(self) -> torch.device:
        """The device; auto is CUDA where there is one."""
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        return torch.device(chosen)


class Trainer:
    """A training that can be stopped after any epoch and taken up again."""

    def __init__(self, settings: Settings, corpus: Corpus, output: Path, machine: Machine) -> None:
        self.settings, self.corpus, self.output, self.machine = settings, corpus, output, machine
        self.device = machine.torch_device()
        torch.manual_seed(settings.seed)
        self.task = create_task(settings.task, settings.network, settings.loss)
        begin_with(self.task, settings.start, output.parent)
        self.task.to(self.device)
        self.optimisers = optimisers_of(self.task, settings)
        self.momentum: dict[nn.Module, float] = {}
        self.rows: list[record.Row] = []
        self.best = torch.full((self.task.units,), -1.0)
        self.kept = _copied(self.task.weights())
        self.last_gain = 0
        self._resume()
        self.dataset = CropDataset(
            corpus.train, settings.seed, Changes().weakened(settings.changes) if settings.changes else None
        )

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.rows)

    @property
    def is_done(self) -> bool:
        """Whether all epochs are over, or the last gain is long ago."""
        patience = self.settings.patience
        return self.epoch >= self.settings.epochs or bool(patience and self.epoch - self.last_gain >= patience)

    def run(self) -> Iterator[record.Row]:
        """Trains to the end; gives the line of each epoch, after everything was written."""
        began = time.monotonic() - sum(row["seconds"] for row in self.rows)
        while not self.is_done and self._share(began) < 1:
            self._run_epoch(began)
            self._write()
            yield self.rows[-1]

    def _share(self, began: float) -> float:
        minutes = self.machine.minutes
        return (time.monotonic() - began) / (60 * minutes) if minutes else self.epoch / self.settings.epochs

    def _run_epoch(self, began: float) -> None:
        begin = time.monotonic()
        torch.manual_seed(self.settings.seed + 7919 * (self.epoch + 1))  # of dropout
        batches = -(-len(self.dataset) // self.settings.batch)
        sums = torch.zeros(14)
        points: list[Tensor] = []
        order: list[Batch] = []
        self.task.train()
        for i, batch in enumerate(
            epoch_batches(self.dataset, self.epoch, batch=self.settings.batch, workers=self.machine.workers)
        ):
            step = self.epoch + i / batches
            share = self._share(began) if self.machine.minutes else step / self.settings.epochs
            if share >= 1 and order:  # the time is over within an epoch
                break
            for network in self.task.networks():
                begin_statistics(network, self.epoch * batches + i, self.momentum)
            loss, seen = self._step(batch, self._rate(step, share))
            sums += loss
            points.append(seen)
            order.append(batch)
        held = self.predict(self.corpus.held)
        row = record.row_of(
            self.epoch + 1,
            time.monotonic() - begin,
            loss=(sums / len(order)).numpy(),
            **_rightness("train", torch.cat(points).numpy(), _labels(order)),
            **_judged("held", held, self.corpus.held),
        )
        self.rows.append(row)
        self._keep(torch.tensor(scores_of(held, self.corpus.held).pck20, dtype=torch.float32))

    def _rate(self, step: float, share: float) -> float:
        return rate_at(share, (step + 1e-3) / max(self.settings.warm_epochs, 1e-3))

    def _step(self, batch: Batch, rate: float) -> tuple[Tensor, Tensor]:
        """One step; the loss (14,) and joints (B, 14, 2) before it."""
        images, joints, labelled = batch
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * group["rate"]
        with mixed_precision(self.device):
            outcome = self.task.judged(as_input(images, self.device), joints.to(self.device), labelled.to(self.device))
        self.task.zero_grad(set_to_none=True)
        outcome.loss.nansum().backward()
        if self.task.units == 1:  # a set's networks must not feel each other
            torch.nn.utils.clip_grad_norm_(self.task.parameters(), CALM)
        for optimiser in self.optimisers:
            optimiser.step()
        return outcome.loss.detach().cpu(), outcome.joints.float().cpu()

    @torch.no_grad()
    def predict(self, crops: Crops) -> np.ndarray:
        """Joints (N, 14, 2) in units of the crops."""
        return predict(self.task, crops, self.device)

    def _keep(self, pck: Tensor) -> None:
        """Keeps the weights of each network that is better than ever; of all, where nothing judges the epochs."""
        judged = pck if self.task.units > 1 else pck.nanmean().reshape(1)
        better = judged > self.best if self.settings.validation else torch.ones_like(judged, dtype=torch.bool)
        self.best = torch.where(better, judged, self.best)
        if better.any():
            self.last_gain = self.epoch
        for name, value in self.task.weights().items():
            if self.task.units > 1:
                self.kept[name][better] = value.detach().cpu()[better]
            elif better.any():
                self.kept[name] = value.detach().cpu().clone()

    def _write(self) -> None:
        self.output.mkdir(parents=True, exist_ok=True)
        stored = {
            "settings": json.dumps(asdict(self.settings)),
            "task": self.task.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rows": self.rows,
            "best": self.best,
            "kept": self.kept,
            "last_gain": self.last_gain,
        }
        with atomic_path(self.output / "checkpoint.pt") as temporary:
            torch.save(stored, temporary)
        with atomic_path(self.output / "weights.safetensors") as temporary:
            save_file({name: value.contiguous() for name, value in self.kept.items()}, temporary)
        record.write_rows(self.rows, self.output / "record.csv")

    def _resume(self) -> None:
        path = self.output / "checkpoint.pt"
        if not path.is_file():
            return
        stored = torch.load(path, weights_only=True, map_location="cpu")  # tensors and plain values, no code
        if json.loads(stored["settings"]) != json.loads(json.dumps(asdict(self.settings))):
            raise MocapError(f"{path} was begun with other settings; name another folder, or remove it")
        self.task.load_state_dict(stored["task"])
        for optimiser, state in zip(self.optimisers, stored["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.rows, self.best, self.kept = stored["rows"], stored["best"], stored["kept"]
        self.last_gain = stored["last_gain"]


def optimisers_of(task: Task, settings: Settings) -> list[torch.optim.Optimizer]:
    """AdamW; where the settings give a rate for matrices, Muon for the kernels between the first and the last layer.

    Dense layers stay AdamW's: to make one of 4096 × 4096 orthogonal takes a processor as long as dozens of steps.
    """
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    weights = [p for p in parameters if p.ndim > 1][1:-1]
    matrices = [p for p in weights if p.ndim == 4] if settings.matrix_rate else []
    inner = {id(parameter) for parameter in matrices}
    others = [parameter for parameter in parameters if id(parameter) not in inner]
    decay, rate = settings.weight_decay, settings.learning_rate
    chosen: list[torch.optim.Optimizer] = [torch.optim.AdamW(others, lr=rate, weight_decay=decay, fused=True)]
    if matrices:
        chosen.append(Muon(matrices, lr=settings.matrix_rate, weight_decay=decay))
    for optimiser in chosen:
        for group in optimiser.param_groups:
            group["rate"] = group["lr"]
    return chosen


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in state.items()}


@torch.no_grad()
def predict(task: Task, crops: Crops, device: torch.device, batch: int = 64) -> np.ndarray:
    """Joints (N, 14, 2), in units of the crops, of a task in evaluation mode."""
    task.eval()
    parts = []
    for start in range(0, len(crops), batch):
        images = torch.from_numpy(crops.images[start : start + batch]).permute(0, 3, 1, 2)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            parts.append(task(as_input(images, device)).float().cpu())
    return torch.cat(parts).numpy().astype(np.float64) if parts else np.empty((0, 14, 2))


def _labels(batches: list[Batch]) -> tuple[Tensor, Tensor]:
    return torch.cat([joints for _, joints, _ in batches]), torch.cat([labelled for *_, labelled in batches])


def _rightness(kind: str, points: np.ndarray, labels: tuple[Tensor, Tensor]) -> dict[str, np.ndarray]:
    """PCK@0.2 and the report's measure (14,) of changed crops, where pixels are none: in units of the crop."""
    joints, labelled = (part.numpy() for part in labels)
    truth = np.where(labelled[..., None], joints, np.nan).astype(np.float64)
    crops = Crops((), np.empty((len(truth), 0, 0, 3), np.uint8), truth, labelled, *unit_places(len(truth)))
    return _judged(kind, points.astype(np.float64), crops)


def unit_places(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corner, size and picture of crops whose own units are the pixels."""
    return np.zeros((count, 2)), np.ones((count, 2)), np.ones((count, 2))


def _judged(kind: str, points: np.ndarray, crops: Crops) -> dict[str, np.ndarray]:
    scores = scores_of(points, crops)
    return {f"{kind}_pck": scores.pck20, f"{kind}_same": scores.same_larger}


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=sorted(PRESETS), help="what to train")
    parser.add_argument("--lsp", type=Path, required=True, help="lsp_dataset.zip, or its folder")
    parser.add_argument("--lspet", type=Path, help="lspet_dataset.zip, or its folder")
    parser.add_argument("--labels", type=Path, action="append", default=[], help="your own (mocap annotate), added")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of runs")
    parser.add_argument("--epochs", type=int, help="fewer or more than the preset's")
    parser.add_argument("--start", help="begin with these weights instead of the preset's: a run, a model or imagenet")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches")
    parser.add_argument("--minutes", type=float, default=0.0, help="end then, with the learning rate falling to it")
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ("epochs", "start", "seed") if getattr(options, name) is not None}
    settings = replace(preset(options.preset), **given)
    corpus = build_corpus(settings, Sources(options.lsp, options.lspet, tuple(options.labels)))
    machine = Machine(options.device, options.workers, options.minutes)
    run(options.preset, settings, corpus, options.output / options.preset, machine)


def run(name: str, settings: Settings, corpus: Corpus, output: Path, machine: Machine) -> None:
    """Trains, then scores the kept weights on training and test images and draws the curves."""
    from training.outcome import write_outcome

    trainer = Trainer(settings, corpus, output, machine)
    print(f"{name}: {len(corpus.train)} crops of {corpus.train.images.shape[1]} pixels on {trainer.device}", flush=True)
    for row in trainer.run():
        told = "  ".join(f"{kind} {record.mean_of(row, kind):.4g}" for kind in record.SERIES)
        print(f"epoch {trainer.epoch:3d}  {row['seconds']:7.1f} s  {told}", flush=True)
    write_outcome(name, trainer)


if __name__ == "__main__":
    main()
