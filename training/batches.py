"""Crops as batches of tensors, in an order and with changes that the seed, the epoch and the crop's number decide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.augment import Changes, augmentation, augmented, seeded
from training.crops import Crops

Batch = tuple[Tensor, Tensor, Tensor]  # images (B, 3, S, S) uint8, joints (B, 14, 2), labelled (B, 14)
BEYOND = 0.05  # of the side; a joint farther outside of the crop is not asked for


class CropDataset(Dataset[tuple[Tensor, Tensor]]):
    """Crops of one epoch, changed if ``changes`` are given."""

    def __init__(self, crops: Crops, seed: int, changes: Changes | None) -> None:
        self.crops, self.seed, self.epoch = crops, seed, 0
        self._transform = None if changes is None else augmentation(changes)

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(self.crops.images[index]).permute(2, 0, 1)
        joints = torch.from_numpy(self.crops.joints[index]).float()
        if self._transform is None:
            return image, joints
        with torch.random.fork_rng(devices=[]):
            seeded(self.seed, self.epoch, index)
            return augmented(self._transform, image, joints)


def epoch_batches(dataset: CropDataset, epoch: int, *, batch: int, workers: int = 0) -> Iterator[Batch]:
    """Shuffled batches of an epoch; a last one of a single crop is left out, since it has no statistics."""
    dataset.epoch = epoch
    order = np.random.default_rng([dataset.seed, epoch]).permutation(len(dataset))
    lots = [order[i : i + batch].tolist() for i in range(0, len(order), batch)]
    lots = [lot for lot in lots if len(lot) > 1 or len(lots) == 1]
    for images, joints in DataLoader(dataset, batch_sampler=lots, num_workers=workers):
        yield (images, *masked(joints))


def masked(joints: Tensor) -> tuple[Tensor, Tensor]:
    """Joints (B, 14, 2) with 0 where there is none to ask for, and where there is one (B, 14)."""
    labelled = ((joints > -BEYOND) & (joints < 1 + BEYOND)).all(-1)
    return torch.where(labelled[..., None], joints, torch.zeros(())), labelled


def as_input(images: Tensor, device: torch.device) -> Tensor:
    """Images (B, 3, S, S) in 0..1 on a device, from uint8."""
    return images.to(device, non_blocking=True).float() / 255
