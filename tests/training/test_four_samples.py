"""Every trainable network can learn four samples by heart, better than what is said without a look at them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mocap.model.keypoints import LSP_14
from tests.training.pictures import figures
from training import cascade
from training.batches import masked
from training.blazepose_finetune import TuneSettings, Tuning, tune
from training.blazepose_maps import batches_of, map_function, published, read_crops, write_shard
from training.cascade import SIGMA, Cascade, StageSettings, StageTrainer, joint_crops, looked_again, torsos
from training.crops import Crops
from training.networks import create_network
from training.networks.spatialnet import SpatialNet
from training.tasks import as_list, centres_of_mass, create_task


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def inputs(crops: Crops) -> tuple[Tensor, Tensor, Tensor]:
    """Images in 0..1, joints, and which of them are labelled."""
    images = torch.from_numpy(crops.images).permute(0, 3, 1, 2) / 255
    return images, *masked(torch.from_numpy(crops.joints).float())


def without_dropout(network: nn.Module) -> None:
    """What is to be learnt by heart is not to be blurred."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def descend(network: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float) -> None:
    """Steps of the optimiser that trainings use."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0, fused=True)
    without_dropout(network.train())
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def distances(points: Tensor, joints: Tensor) -> float:
    """Mean distance, as a share of the mean distance of the labels from their mean: 1 is the best constant guess."""
    constant = (joints.mean(0) - joints).norm(dim=-1).mean()
    return ((points - joints).norm(dim=-1).mean() / constant).item()


@pytest.mark.parametrize(
    ("task", "network", "side", "steps", "rate", "share"),
    [
        ("joints", "deeppose", 0, 24, 3e-4, 0.5),
        ("joints", "alexnet", 0, 15, 1e-4, 0.5),
        ("joints", "resnet34", 128, 8, 1e-4, 0.7),
        ("heatmaps", "heatmap", 64, 26, 3e-3, 1.0),
        ("heatmaps", "heatmap-small", 64, 50, 1e-2, 0.5),
    ],
)
def test_joints_are_learnt_by_heart(task, network, side, steps, rate, share):
    """The first guess, the middle, is 2.5 times as far as the labels' mean."""
    torch.manual_seed(0)
    learner = create_task(task, network, "l1")
    images, joints, labelled = inputs(figures(4, side or learner.image_size))
    found: list[Tensor] = []

    def loss() -> Tensor:
        outcome = learner.judged(images, joints, labelled)
        found.append(outcome.joints)
        return outcome.loss.sum()

    descend(learner, loss, steps, rate)
    assert distances(found[-1], joints) < share


def test_both_outputs_of_spatialnet_learn_joints_by_heart():
    """An eighth as wide: the paper's width takes minutes. The fused output counts, the spatial one has a loss too."""
    torch.manual_seed(0)
    learner = create_task("heatmaps", "spatialnet", "l2")
    learner.network = SpatialNet(narrower=8)
    images, joints, labelled = inputs(figures(4, 64))
    descend(learner, lambda: learner.judged(images, joints, labelled).loss.sum(), 100, 4e-4)
    with torch.no_grad():
        shares = [distances(centres_of_mass(maps), joints) for maps in as_list(learner.network(images))]
    assert max(shares) < 0.6, shares


def test_a_later_stage_of_the_cascade_learns_displacements_by_heart():
    """The paper's network on a crop around one joint of each picture, off by up to a third of the crop's side."""
    torch.manual_seed(0)
    stage, joint = create_network("deeppose-stage"), LSP_14.index("left_wrist")
    images, joints, _ = inputs(figures(4, 96))
    sides = SIGMA * torsos(joints)
    displacements = torch.tensor([[0.3, 0.1], [-0.2, 0.3], [-0.3, -0.2], [0.1, -0.3]])  # of the side
    centres = joints[:, joint] - displacements * sides[:, None]
    crops = joint_crops(images, centres[:, None], sides, stage.image_size)

    def seen() -> Tensor:
        return stage(crops)[:, 2 * joint : 2 * joint + 2] - 0.5

    descend(stage, lambda: (seen() - displacements).square().sum(-1).mean(), 9, 1e-4)
    with torch.no_grad():
        assert distances(seen()[:, None], displacements[:, None]) < 0.8


class Constant(nn.Module):
    """A first stage that says the same of every picture."""

    image_size = 64

    def __init__(self, joints: Tensor) -> None:
        super().__init__()
        self.joints = nn.Parameter(joints.flatten())

    def forward(self, images: Tensor) -> Tensor:
        return self.joints.expand(len(images), -1)


class SmallStage(nn.Module):
    """A later stage of a size for many rounds."""

    image_size = 32

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 5, 2, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(32 * 64, 28),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return 0.5 + 0.1 * self.layers(images)


def test_a_cascade_comes_nearer_to_the_joints_of_four_pictures_by_looking_again(monkeypatch):
    """The stage's own training, on displacements that it draws; the stage before knows the mean places alone."""
    monkeypatch.setattr(cascade, "create_network", lambda name: SmallStage())
    crops = figures(4, 96)
    images, joints, _ = inputs(crops)
    first = Cascade([Constant(joints.mean(0))])
    trainer = StageTrainer(first, crops, StageSettings(rounds=60, batch=4, learning_rate=3e-3), torch.device("cpu"))
    for _ in range(60):
        trainer.run_round()
    with torch.no_grad():
        assert distances(looked_again(trainer.stage.eval(), images, first(images)), joints) < 0.5


def test_blazepose_is_tuned_by_heart_on_stored_maps(tmp_path):
    """What its backbone sees of drawn discs is no body: the guess to begin with is worse than a constant one."""
    network, discs = published("blazepose-lite"), figures(4, 256)
    write_shard(tmp_path / "1_00000.npz", zip(discs.images, discs.joints), map_function(network))
    (crops,) = batches_of(read_crops([tmp_path / "1_00000.npz"]), 4, torch.arange(4))
    assert crops.joints.numpy() == pytest.approx(discs.joints, abs=1e-5)
    tuning = Tuning(network, TuneSettings(learning_rate=1e-3, trunk_rate=1e-3, average=0.5, keeping=0.0))
    without_dropout(network)
    for _ in range(80):
        tuning.learn(crops, share=0.0)
    tuned, before = published("blazepose-lite"), published("blazepose-lite")
    tuned.load_state_dict(tuning.tuned())
    images, joints, _ = inputs(discs)
    with torch.no_grad():
        found, guess = tuned(images).joints[..., :2], before.features(before.maps(images)).guess
    assert distances(found, joints) < 0.5 < 1 < distances(guess, joints)


def test_tuning_asks_for_what_the_published_network_says_of_landmarks_and_presence(tmp_path):
    """Nothing has moved yet: only the joints cost; a crop without a label costs nothing else."""
    network, discs = published("blazepose-lite"), figures(4, 256)
    joints = np.full_like(discs.joints, np.nan)
    write_shard(tmp_path / "1_00000.npz", zip(discs.images, joints), map_function(network))
    (crops,) = batches_of(read_crops([tmp_path / "1_00000.npz"]), 4, torch.arange(4))
    tuning = Tuning(network, TuneSettings())
    as_published = tuning.loss(crops).item()
    moved = crops._replace(landmarks=crops.landmarks + 20, presence=1 - crops.presence)
    assert as_published < 0.01
    assert tuning.loss(moved).item() > 2 * as_published


def test_tuning_leaves_weights_a_record_and_a_checkpoint(tmp_path):
    """Shards that begin with 0_ judge; a run of a moment is a step."""
    discs = figures(4, 256)
    run = map_function(published("blazepose-lite"))
    for part in "01":
        write_shard(tmp_path / f"{part}_0.npz", zip(discs.images, discs.joints), run)
    tune(published("blazepose-lite"), tmp_path, tmp_path / "run", TuneSettings(minutes=1e-6))
    tuned = published("blazepose-lite")
    tuned.load_state_dict(load_file(tmp_path / "run" / "weights.safetensors"))
    assert (tmp_path / "run" / "checkpoint.pt").is_file()
    assert [line.split(",")[0] for line in (tmp_path / "run" / "record.csv").read_text().split()] == ["step", "0", "1"]


def test_tuning_goes_on_where_it_was(tmp_path):
    """From its stored state a step gives the same numbers."""
    network, discs = published("blazepose-lite"), figures(4, 256)
    write_shard(tmp_path / "1_00000.npz", zip(discs.images, discs.joints), map_function(network))
    (crops,) = batches_of(read_crops([tmp_path / "1_00000.npz"]), 4, torch.arange(4))
    tuning = Tuning(network, TuneSettings())
    tuning.learn(crops, share=0.0)
    torch.save(tuning.state(), tmp_path / "checkpoint.pt")
    resumed = Tuning(published("blazepose-lite"), TuneSettings())
    resumed.restore(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    for each in (tuning, resumed):
        torch.manual_seed(3)
        each.learn(crops, share=0.5)
    one, other = tuning.tuned(), resumed.tuned()
    assert all(torch.equal(one[name], other[name]) for name in one)
