"""The networks' weights and graphs: where they lie, what their cards say, and whether they are those of the cards."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mocap.model.errors import MocapError, unknown_name

FOLDER_VARIABLE = "MOCAP_MODELS"
CARD_FILE = "card.toml"
ROLES = ("estimator", "detector", "lifter")  # a card has one of these keys, with the kind as its value
REPAIR = "reinstall the package, or rebuild the models with training/convert_blazepose.py"


@dataclass(frozen=True)
class Card:
    """What is known of a model: origin, terms, meaning of its tensors, limits.

    commercial_use: yes, no or unknown. sha256: of the weights. origin_*: the published file they were made from.
    published_figures: measure to value. folder: where the card lies. graph_*: of the graph that OpenVINO reads; empty
    for a network that is traced from its torch module.

    role: one of ROLES. kind: which class runs the network, of ``mocap.estimate.KINDS``. keypoints: the layout that an
    estimator gives, of ``mocap.model.keypoints.LAYOUTS``; parts: of the body, such as "body"; both empty for other
    roles. network: its torch module as "module:function". download: the command that fetches the weights, where they
    are not this project's to pass on: they then lie in torch's folder of downloads, not beside the card.
    """

    name: str
    description: str
    licence: str
    commercial_use: str
    role: str
    kind: str
    keypoints: str
    parts: tuple[str, ...]
    network: str
    input: str
    output: str
    limits: tuple[str, ...]
    weights_file: str
    sha256: str
    parameters: int
    origin_authors: str
    origin_package: str
    origin_file: str
    origin_sha256: str
    folder: Path
    published_figures: dict[str, Any] = field(default_factory=dict)
    graph_file: str = ""
    graph_sha256: str = ""
    download: str = ""

    @property
    def weights_path(self) -> Path:
        """Where the weights are, or would be."""
        return (downloads_folder() if self.download else self.folder) / self.weights_file


class NotDownloadedError(MocapError):
    """The weights are the user's own download, and are not there: nothing is damaged."""


def find_models_folder() -> Path:
    """The folder that holds one folder a model: $MOCAP_MODELS, the installed package's, or the checkout's.

    Raises MocapError if there is none.
    """
    if chosen := os.environ.get(FOLDER_VARIABLE):
        folder = Path(chosen)
        if not folder.is_dir():
            raise MocapError(f"{FOLDER_VARIABLE} names no folder: {folder}; set it to a folder of models or unset it")
        return folder
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "_models", package.parent / "models")
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise MocapError(f"no models in {candidates[0]} or {candidates[1]}; {REPAIR}, or set {FOLDER_VARIABLE}")


def list_cards() -> list[Card]:
    """Every model's card, by name."""
    folder = find_models_folder()
    return [read_card(path.parent.name) for path in sorted(folder.glob(f"*/{CARD_FILE}"))]


def read_card(name: str) -> Card:
    """The card of a model. Raises MocapError for an unknown name or a card that cannot be read."""
    folder = find_models_folder()
    path = folder / name / CARD_FILE
    if not path.is_file():
        raise unknown_name("model", name, sorted(p.parent.name for p in folder.glob(f"*/{CARD_FILE}")))
    try:
        return _card(tomllib.loads(path.read_text(encoding="utf-8")), path.parent)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise MocapError(f"the card {path} cannot be read ({error}); {REPAIR}") from error


def has_card(name: str) -> bool:
    """Whether the folder of models has a card of that name."""
    return (find_models_folder() / name / CARD_FILE).is_file()


def downloads_folder() -> Path:
    """Where torch keeps weights that it downloads: as ``torch.hub`` says, found without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or Path(cache, "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def _card(content: dict[str, Any], folder: Path) -> Card:
    texts = ("name", "description", "licence", "commercial_use", "network", "input", "output")
    weights, origin, graph = content["weights"], content["origin"], content.get("graph")
    role = next((role for role in ROLES if role in content), None)
    if role is None:
        raise KeyError(f"one of {', '.join(ROLES)}")
    is_estimator = role == "estimator"
    return Card(
        **{key: content[key] for key in texts},
        role=role,
        kind=content[role],
        keypoints=content["keypoints"] if is_estimator else "",
        parts=tuple(content["parts"]) if is_estimator else (),
        limits=tuple(content["limits"]),
        weights_file=weights["file"],
        sha256=weights["sha256"],
        parameters=weights["parameters"],
        origin_authors=origin["authors"],
        origin_package=origin["package"],
        origin_file=origin["file"],
        origin_sha256=origin["sha256"],
        folder=folder,
        published_figures=content.get("published_figures", {}),
        graph_file=graph["file"] if graph else "",
        graph_sha256=graph["sha256"] if graph else "",
        download=weights.get("download", ""),
    )


def weights_file(name: str) -> Path:
    """The weights of a model, checked against the sha256 of its card.

    Parameters
    ----------
    name
        A model with a card.

    Returns
    -------
    pathlib.Path
        A safetensors file, or the user's own download.

    Raises
    ------
    MocapError
        When the file is missing, is no safetensors file, or has been damaged or swapped. NotDownloadedError, with the
        command that fetches it, when it is a download that is not there.
    """
    card = read_card(name)
    if card.download:
        return _downloaded(card)
    path = card.weights_path
    if path.suffix != ".safetensors":
        raise MocapError(f"{path} is no .safetensors file: nothing else is loaded, since it could run code; {REPAIR}")
    return _verified(path, card.sha256, f"the weights of {name} are")


def _downloaded(card: Card) -> Path:
    """The user's own download, if it is there and is what the card promises."""
    path = card.weights_path
    if not path.is_file():
        raise NotDownloadedError(f"{card.name} needs {path}, which is not downloaded; fetch it with: {card.download}")
    return _verified(path, card.sha256, f"the weights of {card.name} are", f"fetch them again with: {card.download}")


def graph_file(name: str) -> Path:
    """The graph of a model, as OpenVINO reads it, checked against the sha256 of its card.

    Parameters
    ----------
    name
        A model whose card names a graph.

    Returns
    -------
    pathlib.Path
        The XML file.

    Raises
    ------
    MocapError
        When the card names none, or the file is missing, damaged or not that of the card.
    """
    card = read_card(name)
    if not card.graph_file:
        raise MocapError(f"the card of {name} names no graph; make one with training/write_graphs.py")
    return _verified(card.folder / card.graph_file, card.graph_sha256, f"the graph of {name} is")


def check_model(name: str) -> None:
    """Raises MocapError unless the weights of a model, and the graph if its card names one, are those of the card."""
    weights_file(name)
    if read_card(name).graph_file:
        graph_file(name)


def _verified(path: Path, sha256: str, subject: str, repair: str = REPAIR) -> Path:
    """The path, if the file is there and has that digest; ``subject`` begins the error's sentence."""
    if not path.is_file():
        raise MocapError(f"{subject} missing: {path}; {repair}")
    status = path.stat()
    if _sha256(path, status.st_size, status.st_mtime_ns) != sha256:
        raise MocapError(f"{subject} damaged or not as its card says: {path}; {repair}")
    return path


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, modified_ns: int) -> str:
    """The file's digest; size and time of change are the cache's key, so that an altered file is read again."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_weights(name: str) -> dict[str, NDArray[np.float32]]:
    """The verified tensors of a model by name, as float32. Errors as in ``weights_file``."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = weights_file(name)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise MocapError(f"the weights of {name} are no safetensors file ({error}): {path}; {REPAIR}") from error
    return {key: tensor.astype(np.float32) for key, tensor in tensors.items()}
