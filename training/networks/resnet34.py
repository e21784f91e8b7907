"""The founding report's ResNet34 (after He et al., "Deep Residual Learning", 2015) that regresses joints.

It differs from the paper's: every convolution has a bias, the shortcuts have no batch normalisation, and strided layers
pad as TensorFlow's SAME does, at the right and bottom edge first.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01  # Keras' defaults; its momentum 0.99 is 1 − torch's
IMAGE_MIDDLE = 0.5  # first guess of every coordinate
FIRST_SPREAD = 1e-3  # of the last layer's weights: first guesses far from the middle cost many steps
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels and blocks


class SameConv2d(nn.Conv2d):
    """A square convolution with bias that gives ceil(side / stride) (TensorFlow's SAME)."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, channels, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        missing = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-1:-3:-1]]
        padding = [pad for total in missing for pad in (total // 2, total - total // 2)]
        return super().forward(F.pad(x, padding))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions added to their input, which a 1×1 convolution brings to their shape where it differs."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = SameConv2d(inputs, channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
        self.conv2 = SameConv2d(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
        has_same_shape = stride == 1 and inputs == channels
        self.shortcut = nn.Identity() if has_same_shape else SameConv2d(inputs, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet34(nn.Module):
    """Coordinates (B, outputs) as fractions of the image's sides, x and y in turn, of images (B, 3, 150, 150) in 0..1.

    outputs: 2 for a network of one joint (23,667,458 parameters as Keras counts them, with the statistics of batch
    normalisation), 28 for LSP's 14 joints. ``layers`` has a name for each printed layer or block.
    """

    image_size = 150  # pixels, both sides

    def __init__(self, outputs: int = 28) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        entry: tuple[tuple[str, nn.Module], ...] = (
            ("padding", nn.ZeroPad2d(3)),
            ("conv1", SameConv2d(3, 64, 7, 2)),
            ("conv1_bn", nn.BatchNorm2d(64, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)),
            ("conv1_relu", nn.ReLU()),
            ("pool", nn.MaxPool2d(3, 2, ceil_mode=True)),  # SAME: the padding is past the end alone, and never wins
        )
        for name, layer in entry:
            self.layers.add_module(name, layer)
        self._add_stages()
        last = nn.Linear(512, outputs)
        nn.init.normal_(last.weight, std=FIRST_SPREAD)
        nn.init.constant_(last.bias, IMAGE_MIDDLE)
        head: tuple[tuple[str, nn.Module], ...] = (
            ("average", nn.AvgPool2d(2, ceil_mode=True)),  # SAME: cells past the edge are not counted
            ("flatten", nn.Flatten()),
            ("dense1", nn.Linear(4608, 512)),
            ("dense1_relu", nn.ReLU()),
            ("dense2", last),
        )
        for name, layer in head:
            self.layers.add_module(name, layer)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]

    def _add_stages(self) -> None:
        inputs = 64
        for stage, (channels, blocks) in enumerate(STAGES, start=1):
            for block in range(1, blocks + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                self.layers.add_module(f"stage{stage}_block{block}", BasicBlock(inputs, channels, stride))
                inputs = channels
