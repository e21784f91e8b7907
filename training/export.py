"""Makes a model of a finished run: half-precision safetensors, a card, a notice.

python -m training.export runs/deeppose deeppose
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from mocap.io.files import atomic_path
from mocap.io.weights import find_models_folder
from mocap.model.errors import MocapError, unknown_name
from training.networks import NETWORKS, create_network
from training.starts import half

LSP_TERMS = "unknown"  # the datasets state none: research use


@dataclass(frozen=True)
class Kind:
    """What a card says of a model, other than how it was trained. estimator: the kind that runs it."""

    network: str
    estimator: str
    description: str
    input: str
    output: str
    authors: str = "The opentake authors"
    notice: str = ""
    script: str = "training/train.py"


_REGRESSED = "(1, 28) x and y in turn of LSP's 14 joints, in sides of the crop"
_MAPS = "(1, 14, side / 4, side / 4) logits of heatmaps of LSP's 14 joints"
_BASED = "Its trunk is BlazePose's, by Google LLC, Apache-2.0: see models/blazepose-heavy/NOTICE."
_POINTS, _PEAKS = "joint-regressor", "joint-heatmaps"
KINDS = {
    "deeppose": Kind(
        "deeppose", _POINTS, "the founding report's variant of DeepPose, all joints at once", "100", _REGRESSED
    ),
    "alexnet": Kind("alexnet", _POINTS, "the founding report's AlexNet, all joints at once", "150", _REGRESSED),
    "resnet34": Kind("resnet34", _POINTS, "the founding report's ResNet34, all joints at once", "150", _REGRESSED),
    "heatmap": Kind("heatmap", _PEAKS, "the reference: residual network with heatmaps", "192", _MAPS),
    "heatmap-small": Kind("heatmap-small", _PEAKS, "the reference in a size for a processor", "128", _MAPS),
    "flowing-convnet": Kind("spatialnet", _PEAKS, "Flowing ConvNets' SpatialNet with fusion", "256", _MAPS + ", twice"),
    **{
        f"blazepose-lsp{suffix}": Kind(
            f"blazepose-lsp-{size}",
            "blazepose-lsp",
            f"BlazePose {size} with a head for LSP's 14 joints, trained on LSP and LSP Extended",
            "256",
            "(1, 14, 3) x and y in sides of the crop, confidence; (1, 39, 5) BlazePose's landmarks; presence",
            authors="Google LLC (trunk); the opentake authors (head)",
            notice=_BASED,
            script="training/blazepose_finetune.py",
        )
        for suffix, size in (("", "heavy"), ("-full", "full"), ("-lite", "lite"))
    },
}
LIMITS = (
    "trained on sports pictures of one person who fills the crop",
    "no feet, hands or face: 14 joints",
)
DATA = (
    "Leeds Sports Pose, training half (Johnson & Everingham 2010); no terms stated, research use",
    "Leeds Sports Pose Extended (Johnson & Everingham 2011); no terms stated, research use",
)


def export(run: Path, name: str, models: Path, *, commands: list[str], figures: dict[str, Any]) -> Path:
    """The folder of the model. MocapError for runs without weights and for weights of another network."""
    if name not in KINDS:
        raise unknown_name("model", name, sorted(KINDS))
    source = run / "weights.safetensors"
    if not source.is_file():
        raise MocapError(f"{source} is not there; train it first, docs/dev/training.md has the commands")
    kind, state = KINDS[name], half(load_file(source))
    network = create_network(kind.network)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise MocapError(f"the weights of {run} are not those of a {kind.network}; export the right run") from error
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "weights.safetensors") as temporary:
        save_file(state, temporary)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    card = card_text(name, kind, hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest(), parameters)
    with atomic_path(folder / "card.toml") as temporary:
        temporary.write_text(card + training_text(commands, figures), encoding="utf-8")
    with atomic_path(folder / "NOTICE") as temporary:
        notice = f"{name}: weights trained by the opentake authors on data that state no terms. {kind.notice}".strip()
        temporary.write_text(notice + "\n", encoding="utf-8")
    return folder


def card_text(name: str, kind: Kind, sha256: str, parameters: int) -> str:
    """The card without how it was trained."""
    values = {
        "name": name,
        "description": kind.description,
        "licence": LSP_TERMS,
        "commercial_use": "unknown",
        "estimator": kind.estimator,
        "keypoints": "LSP_14",
        "parts": ["body"],
        "network": NETWORKS[kind.network],
        "input": f"(1, 3, {kind.input}, {kind.input}) float32, RGB in 0..1: a square around the person",
        "output": kind.output,
        "limits": list(LIMITS),
    }
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    text += f'\n[weights]\nfile = "weights.safetensors"\nsha256 = "{sha256}"\nparameters = {parameters}\n'
    text += 'storage = "float16"  # computed in float32\n'
    text += f"\n[origin]\nauthors = {json.dumps(kind.authors)}\n"
    return text + f'package = "trained by this project"\nfile = "{kind.script}"\nsha256 = ""\n'


def training_text(commands: list[str], figures: dict[str, Any]) -> str:
    """What the card says of data, commands and figures."""
    text = f"training_data = {json.dumps(list(DATA))}\ncommands = {json.dumps(commands)}\n\n[published_figures]\n"
    return text + "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in figures.items())


def figures_of(run: Path) -> dict[str, Any]:
    """What a run's scores say, for the card."""
    figures: dict[str, Any] = {"source": "measured by this project on LSP's official test half"}
    if (run / "scores.json").is_file():
        scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
        figures |= {f"{measure}, pictures as they are": scores["test"][measure]["mean"] for measure in ("pck20", "auc")}
        figures |= {"epochs": scores["epochs"], "seconds of training": scores["seconds"], "device": scores["device"]}
    if (run / "evaluate.json").is_file():
        measured = json.loads((run / "evaluate.json").read_text(encoding="utf-8"))
        figures |= {f"{name}, people found, {measured['images']} pictures": v for name, v in measured["mean"].items()}
    return figures


def main() -> None:
    """Reads the command line and exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("name", choices=sorted(KINDS))
    parser.add_argument("-o", "--models", type=Path, help="folder of models [the checkout's]")
    parser.add_argument("--command", action="append", default=[], help="that trained it; may be given again")
    options = parser.parse_args()
    commands = options.command or [f"python -m training.train {options.run.name} --lsp LSP --lspet LSPET -o runs"]
    models = options.models or find_models_folder()
    print(export(options.run, options.name, models, commands=commands, figures=figures_of(options.run)))


if __name__ == "__main__":
    main()
