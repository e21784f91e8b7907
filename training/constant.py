"""Scores the guess that looks at nothing: each joint where it is in the mean of the training pictures.

python -m training.constant --lsp lsp_dataset.zip -o runs
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mocap.io.files import atomic_path
from training.corpus import Sources, build_corpus
from training.crops import Crops
from training.datasets.splits import SPLITS
from training.scores import constant_guess, scores_of
from training.settings import Settings

SIDE = 100  # pixels of the crop, of which nothing is used


def score_constant(training: Crops, test: Crops) -> dict[str, object]:
    """Scores of the training crops' mean joints on both."""
    guess = constant_guess(training)
    parts = {"train": training, "test": test}
    return {name: scores_of(np.tile(guess, (len(part), 1, 1)), part).as_json() for name, part in parts.items()}


def main() -> None:
    """Reads the command line and scores both splits, pictures stretched as in the founding report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lsp", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of runs")
    options = parser.parse_args()
    settings = Settings(task="constant", network="deeppose", crop="stretched", side=SIDE, validation=0, changes=0)
    for split in SPLITS:
        corpus = build_corpus(replace(settings, split=split), Sources(options.lsp))
        name = f"constant-{split}"
        values = {"name": name, "settings": asdict(replace(settings, split=split, network="none")), "epochs": 0}
        values |= {"is_done": True, "seconds": 0.0, "training_crops": len(corpus.train), "device": "", "parameters": 28}
        values |= {"ms_per_image": 0.0, **score_constant(corpus.train, corpus.test)}
        folder = options.output / name
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "scores.json") as temporary:
            temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        print(name, values["test"])


if __name__ == "__main__":
    main()
