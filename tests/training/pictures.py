"""Small datasets made by the tests: pictures in which coloured discs show where the joints are."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

from mocap.model.keypoints import LSP_14
from training.crops import Crops

FIGURE = np.array(
    [[30, 90], [32, 72], [36, 55], [50, 55], [54, 72], [56, 90], [18, 60], [24, 45], [34, 28], [52, 28], [62, 45],
     [68, 60], [43, 22], [43, 6]], dtype=np.float64,
)  # fmt: skip


def colour(joint: int) -> tuple[int, int, int]:
    """A colour of its own for each joint."""
    r, g, b = cv2.cvtColor(np.uint8([[[12 * joint, 255, 255]]]), cv2.COLOR_HSV2RGB)[0, 0]
    return int(r), int(g), int(b)


def drawn(joints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An RGB picture of (width, height) with a disc at each joint."""
    picture = np.full((size[1], size[0], 3), 40, np.uint8)
    for k, (x, y) in enumerate(joints):
        cv2.circle(picture, (int(x), int(y)), 4, colour(k), -1)
    return picture


def figures(count: int, side: int, seed: int = 0) -> Crops:
    """Crops of figures of different places and sizes."""
    generator = np.random.default_rng(seed)
    scale, shift = generator.uniform(0.6, 0.9, (count, 1, 1)), generator.uniform(5, 20, (count, 1, 2))
    joints = (FIGURE[None] + generator.normal(0, 4, (count, 14, 2))) * scale + shift
    pixels = joints * side / 110
    images = np.stack([drawn(points, (side, side)) for points in pixels])
    places = np.zeros((count, 2)), np.full((count, 2), float(side)), np.full((count, 2), float(side))
    names = tuple(f"lsp/{i:04d}" for i in range(count))
    return Crops(names, images, pixels / side, np.zeros((count, 14), bool), *places)


def write_lsp(path: Path, *, pictures: int = 4) -> np.ndarray:
    """A zip like lsp_dataset.zip whose first and last pictures are there; gives its joints (2000, 14, 2)."""
    generator = np.random.default_rng(0)
    joints = FIGURE + generator.uniform(0, 8, (2000, 14, 2))
    hidden = generator.uniform(size=(2000, 14, 1)) < 0.2
    mat = io.BytesIO()
    savemat(mat, {"joints": np.concatenate([joints + 0.5, hidden], axis=-1).transpose(2, 1, 0)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("joints.mat", mat.getvalue())
        for i in [*range(pictures), *range(2000 - pictures, 2000)]:
            archive.writestr(f"images/im{i + 1:04d}.jpg", _jpg(drawn(joints[i], (90, 110))))
    return joints


def _jpg(rgb: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1])


def mirror_names() -> dict[str, str]:
    """The name a joint has in a mirror."""
    swapped = {a: b for i, j in LSP_14.mirror_pairs for a, b in ((i, j), (j, i))}
    return {name: LSP_14.names[swapped.get(k, k)] for k, name in enumerate(LSP_14.names)}
