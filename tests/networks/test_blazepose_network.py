"""The BlazePose modules: shapes, sizes, and that they can be trained."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mocap.estimate.networks import build_network  # noqa: E402
from mocap.estimate.networks.blazepose import LITE, LandmarkNetwork  # noqa: E402
from mocap.estimate.networks.blocks import InvertedResidual, SeparableDownBlock, depth_to_space  # noqa: E402
from mocap.io.weights import Card, list_cards, load_weights  # noqa: E402
from mocap.model.errors import MocapError  # noqa: E402
from training.networks import create_network  # noqa: E402

LANDMARKERS = ["blazepose-full", "blazepose-heavy", "blazepose-lite"]


def images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("card", [card for card in list_cards() if not card.download], ids=lambda card: card.name)
def test_a_network_has_as_many_parameters_as_its_card_says(card: Card) -> None:
    """Some models hold several networks of one kind, and the share of each."""
    parameters = sum(parameter.numel() for parameter in build_network(card.network).parameters())
    shares = load_weights(card.name).get("shares", ())
    assert max(1, len(shares)) * parameters + len(shares) == card.parameters


@pytest.mark.parametrize("name", LANDMARKERS)
def test_a_landmark_network_gives_every_named_output(name: str) -> None:
    with torch.inference_mode():
        outputs = create_network(name)(images(2, 256))
    assert {key: tuple(value.shape) for key, value in outputs._asdict().items()} == {
        "landmarks": (2, 39, 5),
        "world": (2, 39, 3),
        "presence": (2,),
        "heatmaps": (2, 39, 64, 64),
        "mask": (2, 1, 256, 256),
    }


def test_the_detector_gives_boxes_and_logits_of_every_anchor() -> None:
    with torch.inference_mode():
        outputs = create_network("blazepose-detector")(images(2, 224))
    assert outputs.boxes.shape == (2, 2254, 12)
    assert outputs.logits.shape == (2, 2254)


def test_a_network_without_mask_agrees_on_everything_else() -> None:
    network = create_network("blazepose-lite").eval()
    with torch.inference_mode():
        full = network(images(1, 256))
        network.with_mask = False
        short = network(images(1, 256))
    assert short.mask is None
    assert torch.equal(full.landmarks, short.landmarks)


def test_every_parameter_of_a_landmark_network_learns() -> None:
    network = LandmarkNetwork(LITE)
    outputs = network(images(2, 256))
    sum(value.square().mean() for value in outputs).backward()
    stuck = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert stuck == []


def test_depth_to_space_orders_channels_by_row_then_column() -> None:
    cell = torch.arange(8.0).reshape(1, 8, 1, 1)  # (row, column, channel) flattened
    assert depth_to_space(cell)[0].tolist() == [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]


def test_halving_looks_to_the_right_and_down() -> None:
    block = SeparableDownBlock(1, 1)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        block.depthwise.weight[0, 0, 2, 2] = 1.0
        block.pointwise.weight[0] = 1.0
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 2, 2] = 1.0  # two right and two below the first cell's corner: seen by the first cell's filter
    convolved = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    maximum = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert torch.equal(block(image)[0, 0], convolved + maximum)


def test_a_halving_block_adds_empty_channels_to_its_shortcut() -> None:
    block = SeparableDownBlock(2, 3)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    output = block(torch.ones(1, 2, 4, 4))
    assert output.amax(dim=(0, 2, 3)).tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(("outputs", "stride", "kept"), [(4, 1, True), (4, 2, False), (6, 1, False)])
def test_an_inverted_residual_adds_its_input_only_where_the_shapes_agree(outputs: int, stride: int, kept: bool) -> None:
    block = InvertedResidual(4, outputs, expansion=2, kernel=3, stride=stride)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    assert bool(block(torch.ones(1, 4, 8, 8)).any()) == kept


def test_an_unknown_network_lists_the_known_ones() -> None:
    with pytest.raises(MocapError, match="blazepose-heavy"):
        create_network("blazepose-huge")
