"""The founding report's variant of DeepPose (Toshev & Szegedy, CVPR 2014): one image, joints by regression."""

from __future__ import annotations

from torch import Tensor, nn

KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01  # Keras' defaults; its momentum 0.99 is 1 − torch's
IMAGE_MIDDLE = 0.5  # first guess of every coordinate: a last ReLU that begins at 0 might never learn


class DeepPose(nn.Module):
    """Coordinates (B, outputs) as fractions of the image's sides, x and y in turn, of images (B, 3, 100, 100) in 0..1.

    outputs: 2 for a network of one joint (20,427,138 parameters as Keras counts them, with the statistics of batch
    normalisation), 28 for LSP's 14 joints. ``layers`` has a name for each printed layer. The report prints no size of
    pooling; it is 3/2 as in the paper (2/2 gives the same shapes). The hidden dense layers have ReLU, as in the paper.
    """

    image_size = 100  # pixels, both sides

    def __init__(self, outputs: int = 28) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        self._add_convolutions()
        last = nn.Linear(4096, outputs)
        nn.init.constant_(last.bias, IMAGE_MIDDLE)
        head: tuple[tuple[str, nn.Module], ...] = (
            ("flatten", nn.Flatten()),
            ("dense1", nn.Linear(512, 4096)),
            ("dense1_relu", nn.ReLU()),
            ("dense2", nn.Linear(4096, 4096)),
            ("dense2_relu", nn.ReLU()),
            ("dense3", last),
            ("dense3_relu", nn.ReLU()),
        )
        for name, layer in head:
            self.layers.add_module(name, layer)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]

    def _add_convolutions(self) -> None:
        """Five convolutions: name, channels in and out, kernel, stride, padding, normalised, pooled."""
        for name, inputs, channels, kernel, stride, padding, is_normalised, is_pooled in (
            ("conv1", 3, 48, 11, 4, 0, True, True),
            ("conv2", 48, 128, 11, 1, 5, True, True),
            ("conv3", 128, 192, 3, 1, 1, False, False),
            ("conv4", 192, 192, 3, 1, 1, False, False),
            ("conv5", 192, 128, 3, 1, 1, False, True),
        ):
            self.layers.add_module(name, nn.Conv2d(inputs, channels, kernel, stride, padding))
            if is_normalised:
                self.layers.add_module(
                    f"{name}_bn", nn.BatchNorm2d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)
                )
            self.layers.add_module(f"{name}_relu", nn.ReLU())
            if is_pooled:
                self.layers.add_module(f"{name}_pool", nn.MaxPool2d(3, 2))
