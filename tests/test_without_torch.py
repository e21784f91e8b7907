"""Capture where torch is not installed: it runs, loads none, and says which extra the rest needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from footage import EXAMPLE, example_pictures, write_pictures

REPOSITORY = Path(__file__).resolve().parents[1]
FRAMES = 15
LITE = ("--estimator", "blazepose-lite")

HIDE = """
from importlib.machinery import PathFinder

class WithoutTorch(PathFinder):
    @classmethod
    def find_spec(cls, name, *arguments):
        return None if name in ("torch", "torchvision") else super().find_spec(name, *arguments)

sys.meta_path = [WithoutTorch if finder is PathFinder else finder for finder in sys.meta_path]
"""
RUN = """
import sys
{hide}
sys.argv = ["mocap", *sys.argv[1:]]
from mocap.cli.main import main
try:
    main()
finally:
    print("loaded:", *(name for name in ("torch", "torchvision") if sys.modules.get(name)))
"""


def mocap(*arguments: str | Path, cache: Path, hide: str = HIDE) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with a cache folder of its own; torch is hidden from it."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MOCAP_CACHE": str(cache)}
    command = [sys.executable, "-c", RUN.format(hide=hide), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("clip") / "short.mp4", example_pictures(FRAMES))


@pytest.mark.slow
def test_process_runs_without_torch_from_an_empty_cache(clip: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.bvh"
    ran = mocap("process", clip, "-o", take, cache=tmp_path / "cache")
    assert ran.returncode == 0, ran.stderr
    assert f"Frames: {FRAMES}" in take.read_text()


@pytest.mark.slow
def test_the_take_is_the_same_with_torch_installed_and_none_of_it_is_loaded(clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    takes = [tmp_path / "without.bvh", tmp_path / "with.bvh"]
    for take, hide in zip(takes, (HIDE, "")):
        ran = mocap("process", clip, "-o", take, "--device", "cpu", *LITE, cache=tmp_path / take.stem, hide=hide)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines()[-1].strip() == "loaded:"
    assert takes[0].read_bytes() == takes[1].read_bytes()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_graphics_card_asks_for_the_extra_in_one_line(device: str, tmp_path: Path) -> None:
    ran = mocap("process", EXAMPLE, "-o", tmp_path / "take.bvh", "--device", device, cache=tmp_path)
    assert ran.returncode != 0
    assert len(ran.stderr.splitlines()) == 1
    assert f"--device {device} needs torch" in ran.stderr
    assert "pip install 'opentake[torch]'" in ran.stderr


@pytest.mark.slow
def test_a_research_network_runs_without_torch_from_its_graph(clip: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.bvh"
    ran = mocap("process", clip, "-o", take, "--estimator", "heatmap-small", cache=tmp_path / "cache")
    assert ran.returncode == 0, ran.stderr
    assert f"Frames: {FRAMES}" in take.read_text()


def without_graph(folder: Path) -> Path:
    """A folder of models whose heatmap-small has no graph."""
    for name in ("blazepose-detector", "keypoint-rcnn", "heatmap-small"):
        shutil.copytree(REPOSITORY / "models" / name, folder / name)
    card = folder / "heatmap-small" / "card.toml"
    card.write_text(card.read_text().replace("[graph]", "[other]"))
    return folder


@pytest.mark.parametrize(("estimator", "extra"), [("heatmap-small", "torch"), ("keypoint-rcnn", "train")])
def test_a_network_without_a_graph_asks_for_an_extra_in_one_line(
    estimator: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCAP_MODELS", str(without_graph(tmp_path / "models")))
    ran = mocap("process", EXAMPLE, "-o", tmp_path / "take.bvh", "--estimator", estimator, cache=tmp_path / "cache")
    assert ran.returncode != 0
    assert len(ran.stderr.splitlines()) == 1
    assert f"{estimator} needs torch" in ran.stderr
    assert f"pip install 'opentake[{extra}]'" in ran.stderr


def test_the_doctor_finds_nothing_wrong_with_a_machine_without_torch(tmp_path: Path) -> None:
    ran = mocap("doctor", cache=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "pip install 'opentake[torch]'" in ran.stdout
