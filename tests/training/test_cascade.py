"""The cascade: crops around joints, displacements in their units, stages that go on from where they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.pictures import figures
from training import cascade
from training.cascade import Cascade, StageSettings, StageTrainer, joint_crops, looked_again, own_outputs, train_stage


class Knowing(nn.Module):
    """Says of each crop where in it the brightest pixel is, for all joints alike."""

    image_size = 32

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        best = crops.mean(1).flatten(1).argmax(1)
        place = torch.stack([best % 32, best // 32], 1).float()
        return ((place + 0.5) / 32).repeat(1, 14)


class Tiny(nn.Module):
    image_size = 16

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 28))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 0.5 + 0.01 * self.layers(nn.functional.adaptive_avg_pool2d(images, 16))


def test_a_crop_around_a_joint_shows_what_is_there():
    image = torch.rand(1, 3, 64, 64)
    crop = joint_crops(image, torch.tensor([[[0.25, 0.75]]]), torch.tensor([0.25]), 16)
    torch.testing.assert_close(crop[0], image[0, :, 40:56, 8:24])


def test_of_each_joints_crop_its_own_output_counts():
    values = torch.arange(2 * 14 * 28).reshape(2, 14, 28).float()
    own = own_outputs(values)
    assert own.shape == (2, 14, 2)
    assert own[1, 3].tolist() == values[1, 3, 6:8].tolist()


def test_a_later_stage_moves_a_joint_to_what_it_sees():
    """One bright patch near each first guess: the second look finds it."""
    truth = torch.full((1, 14, 2), 0.5)
    truth[0, cascade.SHOULDER] = torch.tensor([0.6, 0.3])
    truth[0, cascade.HIP] = torch.tensor([0.45, 0.62])
    for k in (cascade.SHOULDER, cascade.HIP):
        image = torch.zeros(1, 3, 128, 128)
        x, y = (truth[0, k] * 128).long().tolist()
        image[0, :, y - 2 : y + 3, x - 2 : x + 3] = 1
        guess = truth + 0.04
        found = looked_again(Knowing(), image, guess)
        assert (found[0, k] - truth[0, k]).norm() < 0.035 < (guess[0, k] - truth[0, k]).norm()


def test_a_stage_learns_and_goes_on_after_an_interruption(monkeypatch, tmp_path):
    monkeypatch.setattr(cascade, "create_network", lambda name: Tiny())
    crops, first = figures(12, 48), Cascade([Tiny()])
    settings = StageSettings(rounds=4, batch=4, learning_rate=1e-2)
    make = lambda: StageTrainer(first, crops, settings, torch.device("cpu"))  # noqa: E731
    whole = train_stage(make(), tmp_path / "whole", tell=str)
    parts = make()
    parts.run_round()
    parts.run_round()
    (tmp_path / "parts").mkdir()
    parts.save(tmp_path / "parts" / "checkpoint.pt")
    again = make()
    resumed = train_stage(again, tmp_path / "parts", tell=str)
    assert len(again.losses) == 4
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters()))


def test_a_stage_ends_with_its_minutes(monkeypatch, tmp_path):
    monkeypatch.setattr(cascade, "create_network", lambda name: Tiny())
    settings = StageSettings(rounds=10**6, minutes=0.5 / 60, batch=4)
    trainer = StageTrainer(Cascade([Tiny()]), figures(12, 48), settings, torch.device("cpu"))
    train_stage(trainer, tmp_path, tell=str)
    assert 0.5 <= trainer.seconds < 5
    assert 0 < len(trainer.losses) < 10**6


@pytest.mark.parametrize("joint", [0, 7])
def test_displacements_are_drawn_as_the_stage_before_errs(joint):
    """A stage that is always right but for one joint, which it puts 0.1 to the right."""
    crops = figures(30, 32)
    found = torch.from_numpy(crops.joints).float()
    found[:, joint, 0] += 0.1
    mean, spread = cascade.fitted_errors(found, crops)
    sides = cascade.torsos(found)
    assert mean[joint, 0] == pytest.approx(-float((0.1 / sides).quantile(0.5)), rel=1e-3)
    others = np.delete(np.arange(14), joint)
    assert mean[others].abs().max() < 1e-5
    assert spread[others].abs().max() < 1e-4


def test_a_wrong_label_hardly_changes_what_is_drawn():
    crops = figures(40, 48)
    found = torch.from_numpy(crops.joints).float() + 0.02 * torch.randn(
        40, 14, 2, generator=torch.Generator().manual_seed(0)
    )
    mean, spread = cascade.fitted_errors(found, crops)
    crops.joints[3, 5] += 30.0
    other_mean, other_spread = cascade.fitted_errors(found, crops)
    assert other_mean[5].numpy() == pytest.approx(mean[5].numpy(), abs=0.02)
    assert other_spread[5].numpy() == pytest.approx(spread[5].numpy(), rel=0.2)
