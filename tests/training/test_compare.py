"""Scores, the constant guess, models from runs, and the document that is made of results."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mocap.io.weights import read_card, weights_file
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from tests.training.pictures import figures
from training import compare, tasks, train
from training.constant import score_constant
from training.corpus import Corpus
from training.export import export
from training.networks import create_network
from training.scores import same_larger, scores_of
from training.settings import Settings
from training.starts import half


def test_perfect_joints_have_perfect_scores():
    crops = figures(5, 64)
    scores = scores_of(crops.joints, crops)
    for values in (scores.pck20, scores.pck10, scores.auc, scores.pcp, scores.same_larger):
        assert values.tolist() == pytest.approx([100] * len(values))
    assert scores.pixels.max() == pytest.approx(0)


def test_scores_are_taken_in_pixels_of_the_picture_by_its_torso():
    crops = figures(4, 64)
    truth = crops.to_pixels(crops.joints)
    diagonals = [
        np.linalg.norm(truth[:, LSP_14.index(a)] - truth[:, LSP_14.index(b)], axis=-1)
        for a, b in (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
    ]
    off = 0.15 * np.maximum(*diagonals)[:, None, None] / crops.size[:, None] * np.array([0.6, 0.8])
    scores = scores_of(crops.joints + off, crops)
    assert scores.pck20.min() == 100
    assert scores.pck10.max() == 0
    assert scores.auc.tolist() == pytest.approx([25.0] * 14)


def test_the_reports_accuracy_asks_for_the_larger_number_only():
    """x > y in both, the same number or not; a tie counts as x."""
    truth = np.tile([0.9, 0.1], (1, 14, 1))
    assert same_larger(np.tile([0.51, 0.5], (1, 14, 1)), truth).tolist() == [100.0] * 14
    assert same_larger(np.tile([0.5, 0.51], (1, 14, 1)), truth).tolist() == [0.0] * 14
    assert same_larger(np.tile([0.5, 0.5], (1, 14, 1)), truth).tolist() == [100.0] * 14


def test_a_constant_guess_is_the_mean_of_the_training_pictures():
    crops = figures(40, 64)
    same = crops.take([0] * 3)
    assert score_constant(same, same)["train"]["pck20"]["mean"] == 100
    assert score_constant(crops, same)["test"]["pck20"]["mean"] < 100


@pytest.mark.real
def test_the_constant_guess_reaches_most_of_the_reports_accuracy(real_data):
    """Labels alone: 92 and 91 % at the ankles, 94 % at the neck, on all of LSP stretched to a square."""
    from training.crops import make_crops
    from training.datasets.lsp import read_lsp

    crops = make_crops(read_lsp(real_data / "lsp_dataset.zip")[::10], 8, "stretched")
    guess = np.tile(np.nanmean(crops.joints, axis=0), (len(crops), 1, 1))
    same = dict(zip(LSP_14.names, scores_of(guess, crops).same_larger))
    assert same["right_ankle"] == pytest.approx(91, abs=5)
    assert same["neck"] == pytest.approx(94, abs=4)
    assert same["right_wrist"] == pytest.approx(55, abs=9)


class Tiny(nn.Module):
    image_size = 32

    def __init__(self, outputs: int = 28) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


@pytest.fixture
def runs(monkeypatch, tmp_path) -> Path:
    """A folder with one finished run of a tiny network."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(tasks, "create_network", lambda name, **options: Tiny(**options))
    crops = figures(6, 32)
    settings = replace(Settings(), network="tiny", epochs=2, batch=4, validation=0, patience=0, changes=0)
    train.run("deeppose", settings, Corpus(crops, crops, crops), tmp_path / "deeppose", train.Machine("cpu"))
    short = replace(settings, epochs=10**6)
    train.run("alexnet", short, Corpus(crops, crops, crops), tmp_path / "alexnet", train.Machine("cpu", minutes=0.01))
    return tmp_path


def test_a_run_leaves_scores_curves_and_skeletons(runs):
    names = {path.name for path in (runs / "deeppose").iterdir()}
    assert {"scores.json", "curves.png", "skeletons.png", "record.csv", "weights.safetensors"} <= names
    scores = json.loads((runs / "deeppose" / "scores.json").read_text())
    assert scores["epochs"] == 2
    assert scores["is_done"]
    assert set(scores["test"]["pck20"]) == {*LSP_14.names, "mean"}


def test_the_document_holds_what_was_run_and_says_what_was_not(runs, tmp_path, monkeypatch):
    document, page = tmp_path / "comparison.md", tmp_path / "page.html"
    monkeypatch.setattr(
        sys, "argv", ["compare", str(runs), "--results", str(tmp_path / "r"), "-o", str(document), "--page", str(page)]
    )
    compare.main()
    text = document.read_text(encoding="utf-8")
    mean = json.loads((runs / "deeppose" / "scores.json").read_text())["test"]["pck20"]["mean"]
    assert f"| deeppose | official | 6 | 2 | 0 | {mean:.1f} |" in text
    said = next(line for line in text.splitlines() if line.startswith("Not run at all"))
    assert "heatmap," in said
    assert "deeppose-set-random" in said
    assert " deeppose," not in said
    shown = page.read_text(encoding="utf-8")
    assert "<table>" in shown
    assert shown.count("data:image/png;base64,") == 4
    assert "<th></th><th>deeppose</th><th>alexnet</th>" in shown


def test_what_is_not_finished_is_shown_as_far_as_it_went(runs):
    run = json.loads((runs / "alexnet" / "scores.json").read_text())
    assert not run["is_done"]
    assert [point["epoch"] for point in run["curve"]][-1] == run["epochs"]
    text = compare.document({"alexnet": run})
    assert "Begun and not finished, scored as far as they came: alexnet." in text
    first = run["curve"][0]
    assert f"| alexnet | 1: {first['train_pck']:.1f} / {first['held_pck']:.1f} |" in text


def test_the_document_in_the_repository_is_what_its_results_say():
    assert compare.DOCUMENT.read_text(encoding="utf-8") == compare.document(compare.read_results(compare.RESULTS))


def test_a_model_made_of_a_run_is_read_again(tmp_path, monkeypatch):
    from safetensors.torch import save_file

    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path / "models"))
    network = create_network("heatmap-small")
    (tmp_path / "run").mkdir()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, tmp_path / "run" / "weights.safetensors")
    export(tmp_path / "run", "heatmap-small", tmp_path / "models", commands=['a "command"'], figures={"pck20": 1.5})
    card = read_card("heatmap-small")
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.commercial_use == "unknown"
    assert card.published_figures == {"pck20": 1.5}
    assert weights_file("heatmap-small").stat().st_size < 2.2 * card.parameters
    with pytest.raises(MocapError, match="not those of a resnet34"):
        export(tmp_path / "run", "resnet34", tmp_path / "models", commands=[], figures={})
    with pytest.raises(MocapError, match="train it first"):
        export(tmp_path / "none", "resnet34", tmp_path / "models", commands=[], figures={})


def test_whole_numbers_are_not_halved():
    stored = half({"a": torch.ones(2), "b": torch.tensor(70_000)})
    assert (stored["a"].dtype, stored["b"].item()) == (torch.float16, 70_000)
