"""Which samples are learnt from, which judge the learning while it goes on, and which test it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mocap.model.errors import unknown_name
from training.datasets.samples import Example

OFFICIAL_TRAINING = 1000  # the first half of LSP's 2000 images
REPORT_TEST_SHARE = 0.3  # of LSP's images, drawn at random: the founding report's protocol
SPLIT_SEED = 2021  # of that draw and of the validation images; fixed, so that all networks share them
SPLITS = ("official", "random")


@dataclass(frozen=True, eq=False)
class Split:
    """Samples to train, to validate (which epoch is best; may be none) and to test with."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


def split_lsp(lsp: Sequence[Example], name: str, *, validation: int = 0) -> Split:
    """LSP by its official halves or at random 70/30; ``validation`` of the training images judge the epochs."""
    if name not in SPLITS:
        raise unknown_name("split", name, list(SPLITS))
    generator = np.random.default_rng(SPLIT_SEED)
    order = np.arange(len(lsp))
    tested = len(lsp) - OFFICIAL_TRAINING
    if name == "random":
        order, tested = generator.permutation(len(lsp)), round(REPORT_TEST_SHARE * len(lsp))
    rest, test = order[: len(lsp) - tested], order[len(lsp) - tested :]
    judging = set(generator.choice(rest, validation, replace=False).tolist())
    return Split(
        train=[lsp[i] for i in rest if i not in judging],
        validation=[lsp[i] for i in sorted(judging)],
        test=[lsp[i] for i in test],
    )
