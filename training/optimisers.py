"""How a training takes its steps: rates that rise and fall, Muon, and the average of weights over steps."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

LEAST_RATE = 0.02  # of the learning rate, at the end
FAST_BFLOAT16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # in the processor's hardware; without, it would be slow


def mixed_precision(device: torch.device) -> torch.autocast:
    """Lets networks work in bfloat16 where the device is fast at it; weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or FAST_BFLOAT16)


def rate_at(share: float, warmed: float) -> float:
    """Share of the learning rate when so much of the training is over, and of warming up: up in a line, down in half a
    cosine (Loshchilov & Hutter 2017)."""
    return min(1.0, warmed) * (LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


@torch.no_grad()
def average_into(kept: Iterable[Tensor], new: Iterable[Tensor], step: int, share: float) -> None:
    """Moves averages of weights on by a step; the first ones count less than that share of what was."""
    keep = min(share, step / (step + 10))
    for old, value in zip(kept, new):
        old.lerp_(value, 1 - keep)


def begin_statistics(network: nn.Module, step: int, momentum: dict[nn.Module, float]) -> None:
    """Lets normalisations keep the plain mean of the steps so far until that is as slow as their own momentum.

    The statistics of a few hundred steps would else be half those of the untrained network, where Keras's momentum is
    meant for thousands. momentum: of each normalisation, filled in at the first step.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = max(momentum.setdefault(module, float(module.momentum or 0.0)), 1 / (step + 1))


class Muon(torch.optim.Optimizer):
    """Steps of one length along all directions of a matrix (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon).

    A kernel (O, I, …) counts as the matrix (O, I · …). torch.optim.Muon does the same in bfloat16 always, which takes
    forty times as long on processors that do not know it.
    """

    def __init__(self, weights: list[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step, with Nesterov's momentum."""
        for group in self.param_groups:
            for weight in group["params"]:
                gradient, state = weight.grad.flatten(1), self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(gradient))
                mean.lerp_(gradient, 1 - group["momentum"])
                way = orthogonal(gradient.lerp(mean, group["momentum"]))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(way.view_as(weight), alpha=-group["lr"] * max(1.0, len(way) / way.shape[1]) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors and all singular values near 1: five of Newton and Schulz's steps."""
    x = matrix / matrix.norm().clamp(min=1e-7)
    x = x.bfloat16() if matrix.is_cuda or FAST_BFLOAT16 else x
    x = x.mT if len(x) > x.shape[1] else x
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.775 * gram) @ x
    return (x.mT if len(matrix) > matrix.shape[1] else x).to(matrix.dtype)
