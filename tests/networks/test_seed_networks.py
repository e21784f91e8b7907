"""The founding report's networks: their printed counts and shapes, layer by layer, and that they can be trained."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from mocap.estimate.networks import source_files  # noqa: E402
from training.networks.alexnet import AlexNet  # noqa: E402
from training.networks.deeppose import DeepPose  # noqa: E402
from training.networks.resnet34 import ResNet34, SameConv2d  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
RENDERED = [
    f"training.{name}" for name in ("posed_body", "render_bodies", "rendered_clips", "train_lifter")
]  # films of bodies
REGRESSORS = [DeepPose, AlexNet, ResNet34]
TOTALS = [(DeepPose, 20_427_138, 352), (AlexNet, 29_983_490, 2_752), (ResNet34, 23_667_458, 15_232)]

# name: output as (height, width, channels) or (width,), and parameters as Keras counts them
DEEPPOSE_LAYERS = {
    "conv1": ((23, 23, 48), 17_472),
    "conv1_bn": ((23, 23, 48), 192),
    "conv1_pool": ((11, 11, 48), 0),
    "conv2": ((11, 11, 128), 743_552),
    "conv2_bn": ((11, 11, 128), 512),
    "conv2_pool": ((5, 5, 128), 0),
    "conv3": ((5, 5, 192), 221_376),
    "conv4": ((5, 5, 192), 331_968),
    "conv5": ((5, 5, 128), 221_312),
    "conv5_pool": ((2, 2, 128), 0),
    "flatten": ((512,), 0),
    "dense1": ((4096,), 2_101_248),
    "dense2": ((4096,), 16_781_312),
    "dense3": ((2,), 8_194),
    "dense3_relu": ((2,), 0),
}
ALEXNET_LAYERS = {
    "conv1": ((35, 35, 96), 34_944),
    "conv1_bn": ((35, 35, 96), 384),
    "conv1_pool": ((17, 17, 96), 0),
    "conv2": ((17, 17, 256), 614_656),
    "conv2_bn": ((17, 17, 256), 1_024),
    "conv2_pool": ((8, 8, 256), 0),
    "conv3": ((8, 8, 384), 885_120),
    "conv3_bn": ((8, 8, 384), 1_536),
    "conv4": ((8, 8, 384), 1_327_488),
    "conv4_bn": ((8, 8, 384), 1_536),
    "conv5": ((8, 8, 256), 884_992),
    "conv5_bn": ((8, 8, 256), 1_024),
    "conv5_pool": ((3, 3, 256), 0),
    "flatten": ((2304,), 0),
    "dense1": ((4096,), 9_441_280),
    "dense2": ((4096,), 16_781_312),
    "dense3": ((2,), 8_194),
}
RESNET34_LAYERS = {
    "padding": ((156, 156, 3), 0),
    "conv1": ((78, 78, 64), 9_472),
    "conv1_bn": ((78, 78, 64), 256),
    "pool": ((39, 39, 64), 0),
    **{f"stage1_block{i}": ((39, 39, 64), 74_368) for i in (1, 2, 3)},
    "stage2_block1": ((20, 20, 128), 230_784),
    "stage2_block1.shortcut": ((20, 20, 128), 8_320),
    **{f"stage2_block{i}": ((20, 20, 128), 296_192) for i in (2, 3, 4)},
    "stage3_block1": ((10, 10, 256), 920_320),
    "stage3_block1.shortcut": ((10, 10, 256), 33_024),
    **{f"stage3_block{i}": ((10, 10, 256), 1_182_208) for i in (2, 3, 4, 5, 6)},
    "stage4_block1": ((5, 5, 512), 3_675_648),
    "stage4_block1.shortcut": ((5, 5, 512), 131_584),
    **{f"stage4_block{i}": ((5, 5, 512), 4_723_712) for i in (2, 3)},
    "average": ((3, 3, 512), 0),
    "flatten": ((4608,), 0),
    "dense1": ((512,), 2_359_808),
    "dense2": ((2,), 1_026),
}


def keras_parameters(module: nn.Module) -> int:
    """Parameters, and the two statistics of each batch normalisation."""
    return sum(parameter.numel() for parameter in module.parameters()) + statistics(module)


def statistics(module: nn.Module) -> int:
    return sum(buffer.numel() for buffer in module.buffers() if buffer.ndim)


def layer_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Output of each layer by name as (height, width, channels), for an image of the network's size."""
    shapes: dict[str, tuple[int, ...]] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            shapes[name] = (*output.shape[2:], output.shape[1])

        return hook

    for name, layer in network.layers.named_modules():
        layer.register_forward_hook(record(name))
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, network.image_size, network.image_size))
    return shapes


@pytest.mark.parametrize(("architecture", "total", "of_statistics"), TOTALS)
def test_a_network_of_one_joint_has_the_reports_number_of_parameters(architecture, total, of_statistics) -> None:
    network = architecture(outputs=2)
    assert (keras_parameters(network), statistics(network)) == (total, of_statistics)


@pytest.mark.parametrize(
    ("architecture", "printed"),
    [(DeepPose, DEEPPOSE_LAYERS), (AlexNet, ALEXNET_LAYERS), (ResNet34, RESNET34_LAYERS)],
)
def test_every_layer_has_the_reports_shape_and_parameters(architecture, printed) -> None:
    network = architecture(outputs=2)
    shapes, layers = layer_shapes(network), dict(network.layers.named_modules())
    assert {name: (shapes[name], keras_parameters(layers[name])) for name in printed} == printed


@pytest.mark.parametrize("architecture", REGRESSORS)
def test_a_network_of_all_joints_gives_two_numbers_each_and_all_of_it_learns(architecture) -> None:
    torch.manual_seed(0)
    network = architecture()
    coordinates = network(torch.rand(2, 3, network.image_size, network.image_size))
    coordinates.square().mean().backward()
    assert coordinates.shape == (2, 28)
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("architecture", REGRESSORS)
def test_the_first_guess_is_near_the_images_middle(architecture) -> None:
    torch.manual_seed(0)
    network = architecture().eval()
    with torch.inference_mode():
        guess = network(torch.rand(1, 3, network.image_size, network.image_size))
    assert (guess - 0.5).abs().max() < 0.3


@pytest.mark.parametrize(("side", "first"), [(5, 0), (4, 1)])
def test_a_strided_convolution_pads_its_far_edges_first(side: int, first: int) -> None:
    convolution = SameConv2d(1, 1, 3, 2)
    with torch.no_grad():
        convolution.bias.zero_()
        convolution.weight.zero_()
        convolution.weight[0, 0, 0, 0] = 1.0  # the window's first cell: padding for an odd side, the image for an even
        image = torch.arange(1.0, side * side + 1).reshape(1, 1, side, side)
        assert convolution(image)[0, 0, 0, 0].item() == first


def architectures() -> list[str]:
    """Every module of networks: BlazePose's, then the research part's."""
    paths = [path.relative_to(REPOSITORY) for path in source_files("training.networks.deeppose:DeepPose")]
    return [".".join(path.with_suffix("").parts) for path in paths if path.stem != "__init__"]


def test_networks_and_training_import_without_video_blender_or_openvino() -> None:
    """Every architecture, and all that trains and compares them: what RENDERED names alone makes or watches videos."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is absent")
    code = (
        "import importlib, pkgutil, sys\n"
        "for name in ('av', 'bpy', 'openvino'): sys.modules[name] = None  # importing it is an ImportError now\n"
        "import mocap.estimate.networks, training\n"
        "for package in (mocap.estimate.networks, training):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        f"        if module.name not in {RENDERED}: print(importlib.import_module(module.name).__name__)\n"
    )
    imported = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    assert {*architectures(), "training.train", "training.blazepose_finetune", "training.datasets.lsp"} <= set(imported)


def test_networks_import_without_torchvision() -> None:
    networks = architectures()
    code = f"import importlib, sys\nsys.modules['torchvision'] = None\nfor n in {networks}: importlib.import_module(n)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)
