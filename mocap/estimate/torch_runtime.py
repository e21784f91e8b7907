"""Inference through torch, for accelerators. Imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch

from mocap.estimate.modules import load_capture_module
from mocap.estimate.runtime import Image, Outputs

BATCH = 16  # images a call: keeps an accelerator busy, holds little memory


class TorchNetwork:
    """A network on a torch device, in float32 and in full precision, batch by batch."""

    def __init__(self, name: str, *, device: str) -> None:
        self.device = torch.device(device)
        self.module = load_capture_module(name).to(self.device)
        self.image_size = self.module.image_size

    def infer_many(self, images: Iterable[Image]) -> Iterator[Outputs]:
        """Outputs of each image, in order; see ``Network.infer_many``."""
        stream = iter(images)
        while batch := list(islice(stream, BATCH)):
            yield from self._infer(np.stack(batch))

    def _infer(self, batch: Image) -> Iterator[Outputs]:
        pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2).float() / 255
        # TensorFloat-32 moves landmarks by tenths of a pixel, autotuning makes runs differ
        exact = torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            outputs = [output.cpu().numpy() for output in self.module(pixels)]
        for values in zip(*outputs):
            yield dict(zip(self.module.output_names, values))
