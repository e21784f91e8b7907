"""A stage of the cascade of Toshev & Szegedy, "DeepPose" (CVPR 2014): the paper's own network.

The first stage sees the person's box and tells the joints. A later one sees a crop around each joint, as the stage
before told it, and tells the displacement of that joint; its outputs of the other joints are not used.
"""

from __future__ import annotations

from torch import Tensor, nn

FIRST_SPREAD = 1e-3  # of the last layer's weights: the first guess is the crop's middle


class DeepPoseStage(nn.Module):
    """Coordinates (B, outputs) of images (B, 3, 220, 220) in 0..1: x and y in turn, in sides of the crop, 0 to 1.

    Krizhevsky's seven layers, as the paper says: C(55×55×96), LRN, P, C(27×27×256), LRN, P, C(13×13×384), C(13×13×384),
    C(13×13×256), P, F(4096), F(4096).
    """

    image_size = 220

    def __init__(self, outputs: int = 28, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4, 4),
            nn.ReLU(),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Flatten(),
            nn.Linear(6 * 6 * 256, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, outputs),
        )
        nn.init.normal_(self.layers[-1].weight, std=FIRST_SPREAD)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        return 0.5 + self.layers(images - 0.5)  # type: ignore[no-any-return]
