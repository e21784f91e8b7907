"""Finds pictures of LSP's official test half that LSPET shows again, in another crop or size or mirrored.

    python -m training.datasets.duplicates lsp_dataset.zip lspet_dataset.zip -o training/datasets/duplicates.txt

Local features (SIFT) are matched with those of all test pictures, and a pair counts if enough of them agree on one
similarity, so that other crops, scales and turns of a photograph are found. The file lists pairs; training leaves the
extension's pictures among them out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.io.files import atomic_path
from mocap.model.rotation import Array
from training.datasets.lsp import read_lsp, read_lspet
from training.datasets.samples import Example, Image
from training.datasets.splits import split_lsp

FOUND = Path(__file__).with_name("duplicates.txt")
FEATURES = 150  # of a picture: the strongest
FEWEST_CONTRAST = 0.02  # small dull pictures have few features at SIFT's default of 0.04
NEAR = 200.0  # distance of two descriptors (their length is 512) of the same spot
FEWEST_AGREEING = 8  # matches on one similarity; unrelated pictures reach 4 or 5
AGREE_PIXELS = 3.0
Features = tuple[Array, NDArray[np.float32]]  # places (n, 2), descriptors (n, 128)


def features_of(image: Image) -> Features:
    """The picture's strongest local features."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sift = cv2.SIFT_create(nfeatures=FEATURES, contrastThreshold=FEWEST_CONTRAST)  # type: ignore[attr-defined]
    points, descriptors = sift.detectAndCompute(grey, None)
    if descriptors is None:
        return np.empty((0, 2)), np.empty((0, 128), np.float32)
    return np.array([point.pt for point in points]), descriptors


class Index:
    """The features of many pictures, to be asked which of them a picture shows."""

    def __init__(self, pictures: Sequence[Features]) -> None:
        self._owner = np.concatenate([np.full(len(places), i) for i, (places, _) in enumerate(pictures)])
        self._places = np.concatenate([places for places, _ in pictures])
        self._matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 32})
        self._matcher.add([np.concatenate([descriptors for _, descriptors in pictures])])
        self._matcher.train()

    def same_pictures(self, asked: Features) -> list[tuple[int, int]]:
        """Indices of pictures with which enough features agree, and how many."""
        places, descriptors = asked
        if len(places) < FEWEST_AGREEING:
            return []
        near = [m for pair in self._matcher.knnMatch(descriptors, k=2) for m in pair if m.distance < NEAR]
        owners = self._owner[[m.trainIdx for m in near]] if near else np.empty(0, int)
        found = []
        for picture, votes in zip(*np.unique(owners, return_counts=True)):
            if votes >= FEWEST_AGREEING:
                pairs = [(m.queryIdx, m.trainIdx) for m, owner in zip(near, owners) if owner == picture]
                agreeing = agreement(places[[q for q, _ in pairs]], self._places[[t for _, t in pairs]])
                if agreeing >= FEWEST_AGREEING:
                    found.append((int(picture), agreeing))
        return found


def agreement(here: Array, there: Array) -> int:
    """How many different places (n, 2) lie, after one similarity, where the others do."""
    matrix, inliers = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=AGREE_PIXELS)
    if matrix is None:
        return 0
    kept = inliers[:, 0] == 1
    return min(len(np.unique(np.round(side[kept]), axis=0)) for side in (here, there))


def find_duplicates(tested: Sequence[Example], others: Sequence[Example]) -> list[tuple[str, str, int]]:
    """Names of a tested sample and of another that shows the same picture, and how many features agree."""
    pictures = [sample.picture.read() for sample in tested]
    index = Index([features_of(image) for image in pictures] + [features_of(mirrored(image)) for image in pictures])
    return [
        (tested[picture % len(tested)].name, other.name, agreeing)
        for other in others
        for picture, agreeing in index.same_pictures(features_of(other.picture.read()))
    ]


def mirrored(image: Image) -> Image:
    """The picture as in a mirror."""
    return np.ascontiguousarray(image[:, ::-1])


def known_duplicates(path: Path = FOUND) -> frozenset[str]:
    """Names of the extension's samples that were found in LSP's test half."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[1] for line in lines if line and not line.startswith("#"))


def main() -> None:
    """Reads the command line, searches and writes the pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lsp", type=Path)
    parser.add_argument("lspet", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=FOUND)
    options = parser.parse_args()
    found = find_duplicates(split_lsp(read_lsp(options.lsp), "official").test, read_lspet(options.lspet))
    with atomic_path(options.output) as temporary:
        heading = "# test picture, the extension's picture that shows it again, features that agree\n"
        temporary.write_text(heading + "".join(f"{a} {b} {n}\n" for a, b, n in found), encoding="utf-8")
    print(
        f"{len({b for _, b, _ in found})} pictures of the extension show {len({a for a, _, _ in found})} test pictures"
    )


if __name__ == "__main__":
    main()
