"""What a finished training leaves for the comparison: scores of its kept weights, curves, and how it was made."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2
import torch

from mocap.io.files import atomic_path
from training import record
from training.crops import Crops
from training.scores import scores_of
from training.skeletons import sheet

if TYPE_CHECKING:
    from training.train import Trainer

TRAINING_IMAGES = 1000  # of the training crops, at most, that are scored: the first ones are LSP's
SPEED_IMAGES = 32


def write_outcome(name: str, trainer: Trainer) -> dict[str, Any]:
    """Scores the kept weights without changes of the crops, and writes scores.json, curves.png and skeletons.png."""
    trainer.task.put(trainer.kept)
    corpus, settings = trainer.corpus, trainer.settings
    test_points = trainer.predict(corpus.test)
    lsp_first = corpus.train.take([n.startswith("lsp/") for n in corpus.train.names])
    training = lsp_first.take(list(range(min(TRAINING_IMAGES, len(lsp_first)))))
    values = {
        "name": name,
        "settings": asdict(settings),
        "epochs": trainer.epoch,
        "is_done": trainer.is_done,
        "seconds": round(sum(row["seconds"] for row in trainer.rows), 1),
        "curve": record.curve_of(trainer.rows),
        "training_crops": len(corpus.train),
        "device": describe(trainer.device),
        "parameters": sum(p.numel() for p in trainer.task.parameters()),
        "ms_per_image": round(milliseconds(trainer, corpus.test), 2),
        "train": scores_of(trainer.predict(training), training).as_json(),
        "test": scores_of(test_points, corpus.test).as_json(),
    }
    trainer.output.mkdir(parents=True, exist_ok=True)
    with atomic_path(trainer.output / "scores.json") as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    cv2.imwrite(str(trainer.output / "skeletons.png"), sheet(corpus.test, test_points)[..., ::-1])
    if trainer.rows:
        record.draw_curves(trainer.rows, trainer.output / "curves.png", name)
    return values


def milliseconds(trainer: Trainer, crops: Crops) -> float:
    """Milliseconds an image, images one by one, after one to warm up."""
    images = [crops.take([i]) for i in range(min(SPEED_IMAGES, len(crops)))]
    trainer.predict(images[0])
    begin = time.perf_counter()
    for image in images:
        trainer.predict(image)
    return 1000 * (time.perf_counter() - begin) / len(images)


def describe(device: torch.device) -> str:
    """The device in words, with the number of threads on a processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
