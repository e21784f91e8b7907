"""Puts lifters that were trained apart into one model, whose answers are averaged by shares.

    python -m training.stack_lifters first.safetensors second.safetensors --shares 1 2 \\
        -o models/lifter/weights.safetensors

prints the hash and the number of weights for the card.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mocap.files import atomic_path


def main() -> None:
    """Reads the command line and writes the stacked weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path, help="of one lifter each")
    parser.add_argument("--shares", nargs="+", type=float, help="one for each; equal, if not given")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    shares = options.shares or [1.0] * len(options.weights)
    if len(shares) != len(options.weights):
        parser.error(f"{len(shares)} shares for {len(options.weights)} lifters; give one for each")
    members = [load_file(path) for path in options.weights]
    stacked = {name: torch.stack([member[name] for member in members]).half() for name in members[0]}
    stacked["shares"] = torch.tensor(shares).half()
    with atomic_path(options.output) as temporary:
        save_file(stacked, temporary)
    digest = hashlib.sha256(options.output.read_bytes()).hexdigest()
    print(f'sha256 = "{digest}"\nparameters = {sum(weight.numel() for weight in stacked.values())}')


if __name__ == "__main__":
    main()
