"""Training: a set learns as its members would, an interruption changes nothing."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from tests.training.pictures import figures, mirror_names
from training import record, starts, tasks, train
from training.augment import Changes, Mirror, augmentation, augmented
from training.batches import CropDataset, epoch_batches, masked
from training.corpus import Corpus
from training.networks import create_network
from training.optimisers import mixed_precision, orthogonal
from training.outcome import write_outcome
from training.settings import PRESETS, Settings, preset
from training.tasks import TASKS, bells_at, centres_of_mass, create_task
from training.train import Machine, Trainer

STILL = Settings(changes=0, validation=0, patience=0, batch=4, warm_epochs=0, learning_rate=1e-3)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


class Tiny(nn.Module):
    """A network of everything that training must keep apart: convolution, normalisation, dropout."""

    image_size = 32

    def __init__(self, outputs: int = 28, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 5, 4, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(196, 16),
            nn.Linear(16, outputs),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


@pytest.fixture
def tiny(monkeypatch):
    """The tiny network by the name "tiny"."""
    monkeypatch.setattr(tasks, "create_network", lambda name, **options: Tiny(**options))


def corpus(count: int = 8, side: int = 32) -> Corpus:
    crops = figures(count, side)
    return Corpus(crops, crops, crops)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_set_learns_what_its_networks_would_learn_alone(at_once, tiny, monkeypatch):
    """Three networks, twenty steps of Adam: the same weights and statistics, to rounding."""
    monkeypatch.setattr(tasks, "better_at_once", lambda images: at_once)
    torch.manual_seed(3)
    together = tasks.SetTask("tiny", "l2", joints=3)
    alone = [Tiny(outputs=2) for _ in range(3)]
    for i, network in enumerate(alone):
        network.load_state_dict({name: value[i] for name, value in together.weights().items()})
    crops = figures(8, 32)
    images = torch.from_numpy(crops.images).permute(0, 3, 1, 2) / 255
    joints, labelled = torch.from_numpy(crops.joints[:, :3]).float(), torch.rand(8, 3) > 0.2
    together.train()
    first = torch.optim.AdamW(together.parameters(), lr=1e-3)
    others = [torch.optim.AdamW(network.parameters(), lr=1e-3) for network in alone]
    for _ in range(20):
        first.zero_grad()
        together.judged(images, joints, labelled).loss.sum().backward()
        first.step()
        for i, (network, optimiser) in enumerate(zip(alone, others)):
            optimiser.zero_grad()
            errors = tasks.coordinate_errors(network(images)[:, None], joints[:, i : i + 1], "l2")
            tasks.mean_by_joint(errors, labelled[:, i : i + 1]).sum().backward()
            optimiser.step()
    for name, stacked in together.weights().items():
        for i, network in enumerate(alone):
            torch.testing.assert_close(stacked[i], network.state_dict()[name], atol=2e-5, rtol=1e-3)


def test_a_sample_of_a_set_learns_what_the_set_learns_of_its_joint(tiny, tmp_path):
    """The others have no figures, rather than bad ones."""
    settings = replace(STILL, task="right_knee", network="tiny", epochs=60)
    sample = Trainer(settings, corpus(), tmp_path / "sample", Machine("cpu"))
    rows = list(sample.run())
    set_of_all = create_task("set", "tiny", "l2")
    place = LSP_14.index("right_knee")
    images = torch.from_numpy(sample.corpus.train.images).permute(0, 3, 1, 2) / 255
    joints, labelled = masked(torch.from_numpy(sample.corpus.train.joints).float())
    set_of_all.train().put({n: v[None].expand(14, *v.shape).clone() for n, v in sample.task.weights().items()})
    sample.task.train()
    losses, losses_of_set = (task.judged(images, joints, labelled).loss.detach() for task in (sample.task, set_of_all))
    assert losses[place] == pytest.approx(losses_of_set[place].item())
    assert losses.isfinite().sum() == 1
    assert rows[-1]["loss right_knee"] < 0.2 * rows[0]["loss right_knee"]
    values = write_outcome("sample", sample)["test"]
    assert values["pck20"]["mean"] == values["pck20"]["right_knee"]
    assert values["pck20"]["left_knee"] is values["pixels"]["left_knee"] is values["pcp"]["mean"] is None


@pytest.mark.parametrize("at_once", [True, False])
def test_the_networks_of_a_set_have_dropout_of_their_own(at_once, monkeypatch):
    monkeypatch.setattr(tasks, "better_at_once", lambda images: at_once)
    monkeypatch.setattr(tasks, "create_network", lambda name, **options: Tiny(**options, dropout=0.5))
    both = tasks.SetTask("tiny", "l2", joints=2).train()
    both.put({name: torch.stack([value[0]] * 2) for name, value in both.weights().items()})
    points = both(torch.rand(4, 3, 32, 32))
    assert not torch.allclose(points[:, 0], points[:, 1])


@pytest.mark.parametrize(("task", "matrix_rate"), [("joints", 0.0), ("set", 0.0), ("joints", 0.02)])
def test_an_interrupted_training_gives_the_same_numbers(task, matrix_rate, tiny, tmp_path):
    settings = replace(STILL, task=task, network="tiny", epochs=4, changes=1.0, validation=8, matrix_rate=matrix_rate)
    whole = Trainer(settings, corpus(), tmp_path / "whole", Machine("cpu"))
    rows = list(whole.run())
    stopped = Trainer(settings, corpus(), tmp_path / "parts", Machine("cpu")).run()
    next(stopped), next(stopped)
    resumed = Trainer(settings, corpus(), tmp_path / "parts", Machine("cpu"))
    assert resumed.epoch == 2
    list(resumed.run())
    without_time = [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
    assert [{k: v for k, v in row.items() if k != "seconds"} for row in resumed.rows] == without_time
    for name, value in whole.task.weights().items():
        assert torch.equal(value, resumed.task.weights()[name]), name
    assert all(torch.equal(value, resumed.kept[name]) for name, value in whole.kept.items())
    kept = (tmp_path / "whole" / "weights.safetensors").read_bytes()
    assert kept == (tmp_path / "parts" / "weights.safetensors").read_bytes()


def test_workers_change_no_number(tmp_path):
    dataset = CropDataset(figures(6, 32), 5, Changes())
    batches = [list(epoch_batches(dataset, 3, batch=4, workers=workers)) for workers in (0, 2)]
    assert all(torch.equal(a, b) for one, other in zip(*batches) for a, b in zip(one, other))
    again = list(epoch_batches(dataset, 4, batch=4))
    assert not torch.equal(batches[0][0][0], again[0][0])


def test_a_checkpoint_of_other_settings_is_refused(tiny, tmp_path):
    settings = replace(STILL, network="tiny", epochs=1)
    list(Trainer(settings, corpus(), tmp_path, Machine("cpu")).run())
    with pytest.raises(MocapError, match="other settings"):
        Trainer(replace(settings, epochs=2), corpus(), tmp_path, Machine("cpu"))


def test_a_checkpoint_that_would_run_code_is_refused(tiny, tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("loaded",)

    torch.save({"settings": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(Exception, match=r"(?i)weights only|weights_only"):
        Trainer(replace(STILL, network="tiny"), corpus(), tmp_path, Machine("cpu"))


def test_weights_to_begin_with_are_safetensors_or_nothing(tiny, tmp_path):
    (tmp_path / "old").mkdir()
    torch.save({"a": torch.zeros(1)}, tmp_path / "old" / "weights.safetensors")
    with pytest.raises(MocapError, match="no safetensors"):
        starts.begin_with(create_task("joints", "tiny", "l2"), "old", tmp_path)
    with pytest.raises(MocapError, match="train it first"):
        starts.begin_with(create_task("joints", "tiny", "l2"), "none", tmp_path)


def test_a_run_begins_with_another_runs_weights_where_they_fit(tiny, tmp_path):
    list(Trainer(replace(STILL, network="tiny", epochs=1), corpus(), tmp_path / "first", Machine("cpu")).run())
    second = create_task("joints", "tiny", "l2")
    assert starts.begin_with(second, "first", tmp_path) == len(second.weights())


def test_imagenets_weights_of_resnet34_have_a_place_in_ours(monkeypatch, tmp_path):
    """torchvision's names, in a file as torchvision keeps it: all but its last layer."""
    task = create_task("joints", "resnet34", "l2")
    own = task.weights()
    theirs = {
        starts.resnet_name(name): torch.full_like(value, 0.5) for name, value in own.items() if ".dense" not in name
    }
    assert {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.0.weight", "layer4.2.bn2.bias"} <= set(theirs)
    (tmp_path / "checkpoints").mkdir()
    torch.save(theirs, tmp_path / "checkpoints" / starts.IMAGENET_FILES["resnet34"])
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert starts.begin_with(task, "imagenet", tmp_path) == len(theirs)
    assert task.weights()["layers.stage3_block1.shortcut.weight"].unique().tolist() == [0.5]


def test_training_ends_when_nothing_gains(tiny, tmp_path):
    settings = replace(STILL, network="tiny", epochs=50, learning_rate=0.0, validation=8, patience=3)
    assert len(list(Trainer(settings, corpus(), tmp_path, Machine("cpu")).run())) == 4


@pytest.mark.parametrize("task", ["joints", "set"])
def test_statistics_of_a_few_steps_are_their_mean_and_not_those_of_the_beginning(task, tiny, tmp_path):
    settings = replace(STILL, task=task, network="tiny", epochs=3, learning_rate=0.0)
    trainer = Trainer(settings, corpus(), tmp_path, Machine("cpu"))
    list(trainer.run())
    images = torch.from_numpy(corpus().train.images).permute(0, 3, 1, 2).float() / 255
    weights = {name: value[0] if task == "set" else value for name, value in trainer.task.weights().items()}
    network = Tiny(outputs=2 if task == "set" else 28)
    network.load_state_dict(weights)
    with mixed_precision(images.device):
        seen = network.layers[0](images).float()
    torch.testing.assert_close(weights["layers.1.running_mean"], seen.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)


def test_muon_is_given_no_dense_layer():
    task = create_task("joints", "deeppose", "l2")
    _, muon = train.optimisers_of(task, replace(STILL, matrix_rate=0.02))
    kernels = [tuple(p.shape) for p in task.parameters() if p.ndim == 4]
    assert [tuple(p.shape) for group in muon.param_groups for p in group["params"]] == kernels[1:]


def test_muon_is_given_the_kernels_between_the_first_and_the_last_layer():
    task = create_task("heatmaps", "heatmap-small", "l2")
    adam, muon = train.optimisers_of(task, replace(STILL, matrix_rate=0.02))
    inner = {id(p) for group in muon.param_groups for p in group["params"]}
    names = {name for name, p in task.named_parameters() if id(p) in inner}
    assert "network.levels.1.0.0.weight" in names
    assert not names & {"network.stem.0.0.weight", "network.heatmaps.weight"}
    assert len(inner) + sum(len(group["params"]) for group in adam.param_groups) == len(list(task.parameters()))


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (6, 6)])
def test_a_step_of_muon_is_about_as_long_along_every_direction(shape):
    torch.manual_seed(0)
    steep = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    lengths = torch.linalg.svdvals(orthogonal(steep))
    assert lengths.min() > 0.6
    assert lengths.max() < 1.3


def test_the_time_may_be_over_within_an_epoch(tiny, tmp_path, monkeypatch):
    """Each look at the clock is a second later."""
    seconds = itertools.count()
    monkeypatch.setattr(train.time, "monotonic", lambda: float(next(seconds)))
    trainer = Trainer(replace(STILL, network="tiny", epochs=50, batch=2), corpus(), tmp_path, Machine("cpu", 0, 0.1))
    (row,) = trainer.run()
    steps = trainer.optimisers[0].state_dict()["state"][0]["step"]
    assert 1 <= steps < 4
    assert row["held_pck left_knee"] >= 0


def test_a_mirror_changes_left_and_right():
    joints = torch.rand(14, 2)
    image, mirrored = augmented(Mirror(), torch.arange(3 * 64).reshape(3, 8, 8).to(torch.uint8), joints)
    names = mirror_names()
    for k, name in enumerate(LSP_14.names):
        expected = joints[LSP_14.index(names[name])] * torch.tensor([-1.0, 1]) + torch.tensor([1.0, 0])
        torch.testing.assert_close(mirrored[k], expected)
    assert image[0, 0].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [LSP_14.mirrored()[k] for k in LSP_14.mirrored()] == list(range(14))


def test_joints_stay_on_their_discs_when_a_crop_is_changed():
    crops = figures(1, 128)
    transform = augmentation(Changes(mirror=0.0, light=0.0))
    for seed in range(5):
        torch.manual_seed(seed)
        image, joints = augmented(
            transform, torch.from_numpy(crops.images[0]).permute(2, 0, 1), torch.from_numpy(crops.joints[0]).float()
        )
        for k in range(14):
            x, y = (joints[k] * 128).long().tolist()
            if 3 <= x < 125 and 3 <= y < 125:
                patch = image[:, y - 2 : y + 3, x - 2 : x + 3].flatten(1).float()
                assert (patch.max(dim=0).values - patch.min(dim=0).values).max() > 100, (seed, k)  # coloured, not grey


def test_joints_that_are_not_labelled_or_outside_are_not_asked_for():
    joints, labelled = masked(torch.tensor([[[0.5, 0.5], [float("nan"), 0.2], [1.2, 0.5]]]))
    assert labelled.tolist() == [[True, False, False]]
    assert joints[0, 1:].abs().sum() == 0


def test_a_bells_middle_is_its_joint():
    joints = torch.rand(3, 14, 2) * 0.7 + 0.15
    logits = torch.logit(bells_at(joints, 32).clamp(1e-6, 1 - 1e-6))
    assert (centres_of_mass(logits) - joints).abs().max() < 0.35 / 32


def test_curves_and_record_are_written(tiny, tmp_path):
    pytest.importorskip("matplotlib")
    rows = list(Trainer(replace(STILL, network="tiny", epochs=2), corpus(), tmp_path, Machine("cpu")).run())
    assert [row["epoch"] for row in record.read_rows(tmp_path / "record.csv")] == [1, 2]
    record.draw_curves(rows, tmp_path / "curves.png", "tiny")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_every_preset_names_a_task_and_a_network():
    for name, settings in PRESETS.items():
        assert settings.task in TASKS, name
        assert create_network(settings.network).image_size, name
        assert json.dumps(settings.data)
    with pytest.raises(MocapError, match="heatmap"):
        preset("nothing")


def test_outputs_lie_where_the_run_is_named(tiny, tmp_path: Path):
    trainer = Trainer(replace(STILL, network="tiny", epochs=1), corpus(), tmp_path / "a" / "b", Machine("cpu"))
    list(trainer.run())
    assert {p.name for p in (tmp_path / "a" / "b").iterdir()} == {"checkpoint.pt", "weights.safetensors", "record.csv"}
