"""Weights between those that a tuning began with and those that it ended with.

    python -m training.mix_weights BEFORE.safetensors AFTER.safetensors -o MIXED.safetensors --fraction 0.5

A short tuning gains on the new motions and loses a little on the known ones; on the straight line between both networks
lie such that keep most of the gain and lose nothing (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


def main() -> None:
    """Read the command line and write the weights, in half precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fraction", type=float, default=0.5, help="of the way from the first to the second")
    options = parser.parse_args()
    if not 0 <= options.fraction <= 1:
        parser.error(f"--fraction is {options.fraction:g}; it lies between 0 and 1")
    mixed = between(load_file(options.before), load_file(options.after), options.fraction)
    save_file({name: weight.half() for name, weight in mixed.items()}, options.output)


def between(before: dict[str, Tensor], after: dict[str, Tensor], fraction: float) -> dict[str, Tensor]:
    """Weigh two states of one network.

    Parameters
    ----------
    before, after : dict of str to Tensor
        Weights by name, of the same network.
    fraction : float
        0 gives ``before``, 1 gives ``after``.

    Returns
    -------
    dict of str to Tensor
        The weights in single precision.

    Raises
    ------
    ValueError
        If the states have other names.
    """
    if before.keys() != after.keys():
        raise ValueError(f"weights of two networks: only one has {sorted(before.keys() ^ after.keys())[:3]}")
    return {name: weight.float().lerp(after[name].float(), fraction) for name, weight in before.items()}


if __name__ == "__main__":
    main()
