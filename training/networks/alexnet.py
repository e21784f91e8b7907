"""The founding report's AlexNet (after Krizhevsky et al., 2012), with batch normalisation, that regresses joints."""

from __future__ import annotations

from torch import Tensor, nn

KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01  # Keras' defaults; its momentum 0.99 is 1 − torch's
IMAGE_MIDDLE = 0.5  # first guess of every coordinate
FIRST_SPREAD = 1e-3  # of the last layer's weights: first guesses far from the middle cost many steps


class AlexNet(nn.Module):
    """Coordinates (B, outputs) as fractions of the image's sides, x and y in turn, of images (B, 3, 150, 150) in 0..1.

    outputs: 2 for a network of one joint (29,983,490 parameters as Keras counts them, with the statistics of batch
    normalisation), 28 for LSP's 14 joints. ``layers`` has a name for each printed layer. The report prints no
    activations, so each belongs to its convolution or dense layer: ReLU comes before batch normalisation.
    """

    image_size = 150  # pixels, both sides

    def __init__(self, outputs: int = 28, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        self._add_convolutions()
        last = nn.Linear(4096, outputs)
        nn.init.normal_(last.weight, std=FIRST_SPREAD)
        nn.init.constant_(last.bias, IMAGE_MIDDLE)
        head: tuple[tuple[str, nn.Module], ...] = (
            ("flatten", nn.Flatten()),
            ("dense1", nn.Linear(2304, 4096)),
            ("dense1_relu", nn.ReLU()),
            ("dropout1", nn.Dropout(dropout)),
            ("dense2", nn.Linear(4096, 4096)),
            ("dense2_relu", nn.ReLU()),
            ("dropout2", nn.Dropout(dropout)),
            ("dense3", last),
        )
        for name, layer in head:
            self.layers.add_module(name, layer)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]

    def _add_convolutions(self) -> None:
        """Five convolutions: name, channels in and out, kernel, stride, padding, pooled."""
        for name, inputs, channels, kernel, stride, padding, is_pooled in (
            ("conv1", 3, 96, 11, 4, 0, True),
            ("conv2", 96, 256, 5, 1, 2, True),
            ("conv3", 256, 384, 3, 1, 1, False),
            ("conv4", 384, 384, 3, 1, 1, False),
            ("conv5", 384, 256, 3, 1, 1, True),
        ):
            self.layers.add_module(name, nn.Conv2d(inputs, channels, kernel, stride, padding))
            self.layers.add_module(f"{name}_relu", nn.ReLU())
            self.layers.add_module(f"{name}_bn", nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM))
            if is_pooled:
                self.layers.add_module(f"{name}_pool", nn.MaxPool2d(3, 2))
