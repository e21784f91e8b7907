"""Running networks: what a warm start loads, whether runs repeat, what happens to a spoilt cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mocap.estimate.compiled_cache import cache_folder, cache_key, read_cached, write_cached
from mocap.estimate.devices import resolve_device
from mocap.estimate.runtime import create_runtime
from mocap.model.errors import MocapError

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "blazepose-lite"

RUN = """
import hashlib, os, sys
import numpy as np
cores = int(sys.argv[1])
if cores and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:cores])
from mocap.estimate.runtime import create_runtime
images = np.random.default_rng(0).integers(0, 255, (7, 256, 256, 3), dtype=np.uint8)
digest = hashlib.sha256()
for outputs in create_runtime("blazepose-lite", device="cpu").infer_many(images):
    for name in sorted(outputs):
        digest.update(outputs[name].tobytes())
modules = [name for name in ("torch", "openvino_telemetry.main") if name in sys.modules]
print(digest.hexdigest(), *modules)
"""


def run_alone(home: Path, *, cores: int = 0) -> list[str]:
    """The digest of a run in a fresh process with an empty home, and which of the unwanted modules it loaded."""
    environment = {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(REPOSITORY)}
    environment.pop("CI", None)
    command = [sys.executable, "-c", RUN, str(cores)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=REPOSITORY)
    return ran.stdout.split()


def images(count: int, size: int = 256) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.slow
def test_a_warm_start_loads_no_torch_and_repeats_the_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCAP_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "home"
    home.mkdir()
    cold_digest, *_ = run_alone(home)
    warm = run_alone(home)
    one_core, *_ = run_alone(home, cores=1)
    assert warm == [cold_digest]
    assert one_core == cold_digest
    assert list(home.iterdir()) == []  # nothing about telemetry is written


def test_the_same_images_give_the_same_bits_in_any_company() -> None:
    network = create_runtime(NAME, device="cpu")
    batch = images(9)
    together = [outputs["landmarks"] for outputs in network.infer_many(batch)]
    alone = [next(network.infer_many([image]))["landmarks"] for image in batch]
    np.testing.assert_array_equal(together, alone)


def test_images_are_taken_as_they_are_needed() -> None:
    network = create_runtime(NAME, device="cpu")
    taken = []

    def source():
        for index in range(200):
            taken.append(index)
            yield images(1)[0]

    outputs = network.infer_many(source())
    next(outputs)
    assert 0 < len(taken) < 200
    outputs.close()
    assert len(list(network.infer_many(images(3)))) == 3  # an abandoned run leaves the network usable


@pytest.mark.slow
def test_torch_on_the_cpu_agrees_with_the_runtime() -> None:
    pytest.importorskip("torch")
    from mocap.estimate.torch_runtime import TorchNetwork

    batch = images(3)
    fast = list(create_runtime(NAME, device="cpu").infer_many(batch))
    slow = list(TorchNetwork(NAME, device="cpu").infer_many(batch))
    for a, b in zip(fast, slow, strict=True):
        assert a.keys() == b.keys()
        assert np.abs(a["landmarks"][:, :2] - b["landmarks"][:, :2]).max() < 0.05


@pytest.mark.slow
def test_a_spoilt_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCAP_CACHE", str(tmp_path))
    before = next(create_runtime(NAME, device="cpu").infer_many(images(1)))
    (cached,) = cache_folder().iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(whole[: len(whole) // 2])
    after = next(create_runtime(NAME, device="cpu").infer_many(images(1)))
    np.testing.assert_array_equal(before["landmarks"], after["landmarks"])
    assert len(cached.read_bytes()) == len(whole)


def test_a_network_runs_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("MOCAP_CACHE", str(blocked))
    assert len(list(create_runtime(NAME, device="cpu").infer_many(images(1)))) == 1


def test_what_is_kept_is_read_back_and_damage_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCAP_CACHE", str(tmp_path))
    assert read_cached("absent") is None
    write_cached("entry", b"payload")
    assert read_cached("entry") == b"payload"
    path = cache_folder() / "entry"
    path.write_bytes(path.read_bytes()[:-1])
    assert read_cached("entry") is None
    assert [path.name for path in cache_folder().iterdir()] == ["entry"]


def test_a_cache_entry_belongs_to_its_sources(tmp_path: Path) -> None:
    source = tmp_path / "network.py"
    source.write_text("a = 1")
    before = cache_key("name", ["weights"], [source])
    source.write_text("a = 2")
    assert cache_key("name", ["weights"], [source]) != before
    assert cache_key("name", ["other"], [source]) != cache_key("name", ["weights"], [source])


def test_an_unknown_device_lists_the_known_ones() -> None:
    with pytest.raises(MocapError, match="auto, cpu, cuda, mps"):
        resolve_device("tpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_says_what_to_do(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocap.estimate.devices._may_accelerate", lambda: False)
    with pytest.raises(MocapError, match="--device cpu"):
        resolve_device(device)


@pytest.mark.parametrize(("found", "expected"), [(["cuda", "mps"], "cuda"), (["mps"], "mps"), ([], "cpu")])
def test_auto_takes_the_fastest_device_there_is(
    found: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocap.estimate.devices._may_accelerate", lambda: True)
    monkeypatch.setattr("mocap.estimate.devices._torch_devices", lambda: found)
    assert resolve_device("auto") == expected
