"""The crops that a training needs: to learn from, to be judged by, and to be tested with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mocap.model.errors import MocapError
from training.crops import Crops, make_crops
from training.datasets.duplicates import known_duplicates
from training.datasets.labelled import read_examples
from training.datasets.lsp import read_lsp, read_lspet
from training.datasets.samples import Example
from training.datasets.splits import Split, split_lsp
from training.networks import create_network
from training.settings import Settings


@dataclass(frozen=True)
class Sources:
    """Where the datasets lie, zips or folders as distributed; labels: tables of our own (CSV) or COCO documents."""

    lsp: Path
    lspet: Path | None = None
    labels: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Corpus:
    """held: the validation crops, or, where nothing is held back for that, the test crops, which then only watch."""

    train: Crops
    held: Crops
    test: Crops


def build_corpus(settings: Settings, sources: Sources) -> Corpus:
    """Reads and crops everything the settings ask for. MocapError where a dataset is missing."""
    split = examples_of(settings, sources)
    side = settings.side or int(create_network(settings.network).image_size)  # type: ignore[arg-type]
    train, test = (make_crops(part, side, settings.crop) for part in (split.train, split.test))
    held = make_crops(split.validation, side, settings.crop) if split.validation else test
    return Corpus(train, held, test)


def examples_of(settings: Settings, sources: Sources) -> Split:
    """The examples by their use; labels and the extension are all for training, without those of LSP's test half."""
    split = split_lsp(read_lsp(sources.lsp), settings.split, validation=settings.validation)
    own = [example for path in sources.labels for example in read_examples(path)]
    split = Split([*split.train, *own], split.validation, split.test)
    if "lspet" not in settings.data:
        return split
    if sources.lspet is None:
        raise MocapError("this training needs LSP Extended; name it with --lspet lspet_dataset.zip")
    if settings.split != "official":
        raise MocapError("LSP Extended was searched for the official test half only; use the split official with it")
    return Split([*split.train, *extension(sources.lspet)], split.validation, split.test)


def extension(path: Path) -> list[Example]:
    """LSP Extended without the pictures that LSP's test half shows too."""
    shown = known_duplicates()
    return [example for example in read_lspet(path) if example.name not in shown]
