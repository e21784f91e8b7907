"""Files that were damaged, or made to do harm: read in bounded memory and refused in one line, never a traceback."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bodies import walking_motion
from clips import cut_off
from footage import EXAMPLE
from measured import check_refused, mocap
from test_cli import one_line
from test_reconstruct import take_of

from mocap.app import outputs, process
from mocap.estimate.modules import load_module
from mocap.io.bvh import write_bvh
from mocap.io.take_json import read_json, write_json
from mocap.io.weights import read_card
from mocap.model.errors import MocapError
from mocap.report.validate import validate
from mocap.solve.settings import SolveSettings

LITE = ("--estimator", "blazepose-lite")
FRAMES = 30
Damage = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The JSON of a sound take."""
    path = tmp_path_factory.mktemp("sound") / "take.json"
    write_json(process.solve(take_of(walking_motion(FRAMES)), SolveSettings()), path)
    return path.read_text()


def solve(path: Path) -> None:
    take = read_json(path)
    outputs.write_take(process.solve(take, SolveSettings.from_json(take.settings)), path.with_name("x.bvh"), units="m")


def person(document: dict[str, Any]) -> dict[str, Any]:
    return document["people"][0]  # type: ignore[no-any-return]


def all_points_at(place: float) -> Damage:
    return lambda d: person(d)["keypoints_2d"].update(xy=np.full((FRAMES, 33, 2), place).tolist())


def settings(**values: object) -> Damage:
    return lambda d: d["settings"].update(values)


DAMAGES: dict[str, tuple[Damage, str]] = {
    "nobody": (lambda d: d.update(people=[]), "contains no person; process the video again"),
    "everybody twice": (lambda d: d.update(people=d["people"] * 2), "different ids"),
    "a trillion frames": (lambda d: d.update(frames=10**12), "greater than the maximum"),
    "endless frames": (lambda d: d.update(frames=10**4000), "frames: does not satisfy maximum"),
    "no time between frames": (lambda d: d.update(fps=[10**30, 1]), "greater than the maximum"),
    "too fast for its frames": (lambda d: d.update(fps=[1000, 1]), "too few for a motion"),
    "a point at the corner": (all_points_at(0.0), "lie in one point"),
    "a point far away": (all_points_at(-1e9), "lie in one point"),
    "numbers too large": (all_points_at(1e10), "beyond 1e"),
    "a cut at the start": (lambda d: d.update(cuts=[0]), "cuts"),
    "words for numbers": (settings(height_m="1.7"), "settings are damaged"),
    "a list for a name": (settings(filter_name=["x"]), "settings are damaged"),
    "a view beyond numbers": (settings(fov_degrees=10**400), "settings are damaged"),
    "an endless window": (settings(filter_name="savgol", cutoff_hz=1e-9), "between 0.1 and 1000 Hz"),
    "a window beyond memory": (settings(filter_name="gaussian", cutoff_hz=1e-9), "between 0.1 and 1000 Hz"),
    "no cut-off": (settings(cutoff_hz=1e308), "between 0.1 and 1000 Hz"),
    "a joint with a line break": (
        lambda d: person(d)["motion"]["skeleton"]["names"].__setitem__(3, "a\n}"),
        "does not match",
    ),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_take_is_refused(tmp_path: Path, document: str, damage: Damage, words: str) -> None:
    damaged = json.loads(document)
    damage(damaged)
    (tmp_path / "take.json").write_text(json.dumps(damaged))
    with pytest.raises(MocapError, match=re.escape(words)) as caught:
        solve(tmp_path / "take.json")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["take.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "[" * 10**6, "nested too deeply"),
        (lambda text: text.rstrip()[:-1] + ',"x":' + "[" * 900 + "]" * 900 + "}", "nested too deeply"),
        (lambda text: text.rstrip()[:-1] + ',"x":NaN}', "NaN is not JSON"),
        (lambda text: text.rstrip()[:-1] + ',"frames":' + "9" * 5000 + "}", "digits"),
        (lambda text: text[: len(text) // 2], "damaged or cut short"),
        (lambda text: text[: len(text) // 2] + "\0" * len(text), "zero bytes"),
    ],
    ids=["deep", "deep in an unknown key", "NaN", "5000 digits", "half", "half, then zeros"],
)
def test_a_damaged_text_is_refused(tmp_path: Path, document: str, change: Callable[[str], str], words: str) -> None:
    (tmp_path / "take.json").write_text(change(document))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own: tests that ran before may have left another
    try:
        with pytest.raises(MocapError, match=words):
            solve(tmp_path / "take.json")
    finally:
        sys.setrecursionlimit(limit)


def test_frames_without_a_trunk_take_the_nearest_pose(tmp_path: Path, document: str) -> None:
    damaged = json.loads(document)
    person(damaged)["keypoints_2d"]["xy"][10] = [[500.0, 900.0]] * 33
    (tmp_path / "take.json").write_text(json.dumps(damaged))
    solve(tmp_path / "take.json")
    motion = read_json(tmp_path / "x.json").people[0].motion
    assert motion is not None
    assert np.isfinite(motion.root_world).all()


BVH_DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "deep": (lambda text: "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n" + "JOINT b\n{\nOFFSET 0 1 0\n" * 10**5, "joints"),
    "only braces": (lambda text: "HIERARCHY\n" + "{" * 10**6, "not a BVH file"),
    "frames of nothing": (lambda text: re.sub("CHANNELS.*", "", text), "no joint has channels"),
    "more frames than numbers": (lambda text: re.sub("Frames: .*", "Frames: 99999999999", text), "cut short"),
    "more numbers than frames": (lambda text: text + "0 " * 10**5, "up to here"),
    "NaN": (lambda text: re.sub(r"\n-?\d\S+ ", "\nnan ", text), "missing or beyond"),
    "huge": (lambda text: re.sub(r"\n-?\d\S+ ", "\n1e300 ", text), "missing or beyond"),
    "6000 digits": (lambda text: re.sub(r"\n-?\d\S+ ", f"\n{'9' * 6000} ", text), "missing or beyond"),
    "a huge body": (lambda text: re.sub("OFFSET .*", "OFFSET 1e300 0 0", text), "impossible OFFSET"),
    "no time": (lambda text: re.sub("Frame Time: .*", "Frame Time: 0", text), "frame time"),
    "zeros at the end": (lambda text: text + "\0" * 10**6, "not a BVH file"),
}


@pytest.mark.parametrize(("change", "words"), BVH_DAMAGES.values(), ids=BVH_DAMAGES)
def test_a_damaged_bvh_is_refused_and_fails_validation(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    path = tmp_path / "take.bvh"
    write_bvh(walking_motion(FRAMES), path)
    path.write_text(change(path.read_text()))
    with pytest.raises(MocapError, match=words):
        outputs.convert(path, tmp_path / "x.bvh", units="m")
    assert not all(check.ok for check in validate(path))
    assert not (tmp_path / "x.bvh").exists()


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """A copy of the models, to be damaged."""
    folder = tmp_path / "models"
    shutil.copytree(EXAMPLE.parents[1] / "models", folder)
    monkeypatch.setenv("MOCAP_MODELS", str(folder))
    monkeypatch.setenv("MOCAP_CACHE", str(tmp_path / "no_cache"))
    return folder / "blazepose-lite"


def with_matching_card(model: Path, content: bytes) -> None:
    card, promised = model / "card.toml", read_card(model.name).sha256
    (model / "weights.safetensors").write_bytes(content)
    card.write_text(card.read_text().replace(promised, sha256(content).hexdigest()))


def heavy_weights(model: Path) -> bytes:
    return (model.parent / "blazepose-heavy" / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda model: cut_off(model / "weights.safetensors", 0.5), "blazepose-lite are damaged"),
        (lambda model: (model / "weights.safetensors").write_bytes(heavy_weights(model)), "not as its card says"),
        (lambda model: with_matching_card(model, heavy_weights(model)), "blazepose-lite do not fit its network"),
        (lambda model: with_matching_card(model, b"no weights" * 99), "blazepose-lite are no safetensors file"),
        (lambda model: (model / "card.toml").write_text("name = 3"), "card.toml cannot be read"),
    ],
    ids=["cut", "swapped", "swapped with the card", "no weights", "a damaged card"],
)
def test_damaged_or_swapped_weights_are_refused(models, damage, words):
    damage(models)
    with pytest.raises(MocapError, match=words) as caught:
        load_module("blazepose-lite")
    assert "\n" not in str(caught.value)
    assert "reinstall the package" in str(caught.value)


def test_swapped_weights_end_the_command_line_with_one_line(models, tmp_path):
    with_matching_card(models, heavy_weights(models))
    run = mocap("process", EXAMPLE, "-o", "x.bvh", "--end", 1, *LITE, cwd=tmp_path)
    assert run.returncode == 1
    assert "the graph of blazepose-lite and its weights do not fit together" in one_line(run)
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize("name", ["zeros.json", "zeros.bvh"])
def test_a_gigabyte_of_zeros_is_refused_without_being_loaded(tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        file.truncate(1_000_000_000)
    run = mocap("convert", name, "-o", "x.bvh", cwd=tmp_path)
    check_refused(run, name, tmp_path, {tmp_path / name})
    assert run.peak_mb < 200


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path):
    (tmp_path / "evil.bvh").write_text("HIERARCHY\n\x1b[2J\x07\n")
    run = mocap("convert", "evil.bvh", "-o", "x.bvh", cwd=tmp_path)
    assert run.returncode == 1
    assert r"\x1b[2J\x07" in one_line(run)
    assert one_line(run).isprintable()
