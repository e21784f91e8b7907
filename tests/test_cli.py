"""The command line's contract: exit codes, one clear line, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip, write_audio

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples" / "walk.mp4"


def mocap(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mocap", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)


def one_line(run: subprocess.CompletedProcess[str]) -> str:
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    return lines[0]


@pytest.fixture(scope="session")
def take(tmp_path_factory) -> Path:
    """The BVH of one and a half seconds of the example, with its JSON, preview and plot."""
    folder = tmp_path_factory.mktemp("take")
    run = mocap(
        *("process", EXAMPLE, "-o", folder / "take.bvh", "--end", 1.5, "--progress", "json"),
        *("--preview", folder / "preview.mp4", "--plot", folder / "curves.png"),
    )
    assert run.returncode == 0, run.stderr
    (folder / "progress.jsonl").write_text(run.stdout)
    return folder / "take.bvh"


def test_process_writes_bvh_json_preview_and_plot(take):
    assert {path.name for path in take.parent.iterdir()} >= {"take.bvh", "take.json", "preview.mp4", "curves.png"}
    with av.open(str(take.parent / "preview.mp4")) as preview:
        assert preview.streams.video[0].frames == 45
        assert preview.streams.video[0].codec_context.name == "h264"


def test_progress_is_json_lines_that_end_with_the_outputs(take):
    events = [json.loads(line) for line in (take.parent / "progress.jsonl").read_text().splitlines()]
    stages = [event["stage"] for event in events if event["event"] == "progress"]
    assert list(dict.fromkeys(stages)) == ["estimate", "solve", "preview"]
    assert events[-1]["event"] == "done"
    assert [Path(path).name for path in events[-1]["outputs"]] == ["take.bvh", "take.json", "preview.mp4", "curves.png"]


def test_two_runs_give_identical_bytes(take, tmp_path):
    assert mocap("process", EXAMPLE, "-o", tmp_path / "take.bvh", "--end", 1.5).returncode == 0
    for name in ("take.bvh", "take.json"):
        assert (tmp_path / name).read_bytes() == (take.parent / name).read_bytes()


def test_solving_a_take_again_gives_identical_bytes(take, tmp_path):
    assert mocap("solve", take.with_suffix(".json"), "-o", tmp_path / "take.bvh").returncode == 0
    for name in ("take.bvh", "take.json"):
        assert (tmp_path / name).read_bytes() == (take.parent / name).read_bytes()


def test_a_take_solved_with_a_height_has_that_size(take, tmp_path):
    from mocap.io.take_json import read_json

    for height in (1.5, 1.8):
        assert (
            mocap("solve", take.with_suffix(".json"), "-o", tmp_path / "take.json", "--height", height).returncode == 0
        )
        skeleton = read_json(tmp_path / "take.json").people[0].motion.skeleton
        top = skeleton.rest_positions()[skeleton.index("Head")] + skeleton.ends["Head"]
        assert top[1] == pytest.approx(height, rel=0.01)


def test_nothing_of_the_machine_or_the_clock_is_in_a_take(take):
    text = take.with_suffix(".json").read_text()
    assert str(take.parent) not in text
    assert str(REPOSITORY) not in text
    assert time.strftime("%Y-%m") not in text


def test_a_take_passes_its_own_validation(take):
    run = mocap("validate", take)
    assert run.returncode == 0, run.stdout
    assert "FAIL" not in run.stdout


def test_a_bvh_that_is_no_t_pose_fails_validation_with_exit_3(take, tmp_path):
    text = take.read_text()
    arm = next(line for line in text.splitlines() if "OFFSET" in line and text.index(line) > text.index("LeftLowerArm"))
    (tmp_path / "bent.bvh").write_text(text.replace(arm, "OFFSET 0.1 -0.2 0.0", 1))
    run = mocap("validate", tmp_path / "bent.bvh")
    assert run.returncode == 3
    assert "FAIL" in run.stdout


def test_a_bvh_in_centimetres_is_valid_and_converts_back(take, tmp_path):
    for source, output, *units in (
        (take.with_suffix(".json"), "cm.bvh", "--units", "cm"),
        (tmp_path / "cm.bvh", "back.bvh", "--source-units", "cm"),
    ):
        assert mocap("convert", source, "-o", tmp_path / output, *units).returncode == 0
    assert mocap("validate", tmp_path / "cm.bvh", "--units", "cm", "--json", take.with_suffix(".json")).returncode == 0
    assert (tmp_path / "back.bvh").read_bytes() == take.read_bytes()


@pytest.mark.parametrize("option", ["--preview", "-o"])
def test_the_clip_itself_is_never_overwritten(tmp_path, option):
    clip = tmp_path / "clip.mp4"
    shutil.copy(EXAMPLE, clip)
    wanted = ["-o", tmp_path / "x.bvh", "--preview", clip] if option == "--preview" else ["-o", clip]
    run = mocap("process", clip, *wanted, "--end", 0.5)
    assert run.returncode == 1
    one_line(run)
    assert clip.read_bytes() == EXAMPLE.read_bytes()


def test_convert_writes_a_bvh_in_centimetres(take, tmp_path):
    from mocap.io.bvh import read_bvh

    assert mocap("convert", take.with_suffix(".json"), "-o", tmp_path / "cm.bvh", "--units", "cm").returncode == 0
    metres, centimetres = read_bvh(take), read_bvh(tmp_path / "cm.bvh")
    np.testing.assert_allclose(centimetres.skeleton.offsets, 100 * metres.skeleton.offsets, atol=1e-3)


@pytest.fixture(scope="session")
def bad_inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "a.bvh").write_text("HIERARCHY")
    (folder / "a_folder").mkdir()
    write_audio(folder / "audio.mp4")
    Clip(count=20).write(folder / "nobody.mp4")
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["process", "missing.mp4", "-o", "x.bvh"], "missing.mp4"),
        (["process", "a_folder", "-o", "x.bvh"], "folder"),
        (["process", "text.mp4", "-o", "x.bvh"], "text.mp4"),
        (["process", "empty.mp4", "-o", "x.bvh"], "empty"),
        (["process", "audio.mp4", "-o", "x.bvh"], "audio"),
        (["process", "nobody.mp4", "-o", "x.bvh"], "nobody"),
        (["process", "nobody.mp4", "-o", "x.fbx"], ".bvh"),
        (["process", "nobody.mp4", "-o", "nowhere/x.bvh"], "nowhere"),
        (["process", "nobody.mp4", "-o", "a_folder"], "suffix"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--preview", "x.gif"], ".mp4"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--plot", "x.doc"], ".png"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--estimator", "openpose"], "blazepose-heavy"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--filter", "median"], "butterworth"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--device", "tpu"], "cpu"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--height", "17"], "--height"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--cutoff", "-1"], "--cutoff"),
        (["process", "nobody.mp4", "-o", "x.bvh", "--start", "9"], "start"),
        (["solve", "missing.json", "-o", "x.bvh"], "missing.json"),
        (["solve", "text.mp4", "-o", "x.bvh"], "text.mp4"),
        (["solve", "a.bvh", "-o", "x.bvh"], ".json"),
        (["convert", "text.mp4", "-o", "x.bvh"], "suffix"),
        (["validate", "missing.bvh"], "missing.bvh"),
    ],
)
def test_bad_input_is_one_line_exit_1_and_leaves_nothing(bad_inputs, arguments, words):
    before = sorted(path.name for path in bad_inputs.rglob("*"))
    run = mocap(*arguments, cwd=bad_inputs)
    assert run.returncode == 1, run.stderr
    assert one_line(run).startswith("error: ")
    assert words in run.stderr
    assert sorted(path.name for path in bad_inputs.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [["process"], ["process", "a.mp4"], ["frobnicate"], ["process", "a.mp4", "-o", "x.bvh", "--fov", "wide"]],
)
def test_wrong_usage_exits_2(arguments):
    assert mocap(*arguments).returncode == 2


def test_errors_are_json_too_for_programs(bad_inputs):
    run = mocap("process", "nobody.mp4", "-o", "x.bvh", "--progress", "json", cwd=bad_inputs)
    assert run.returncode == 1
    assert json.loads(run.stdout.splitlines()[-1])["event"] == "error"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused_before_any_work(bad_inputs, tmp_path):
    tmp_path.chmod(0o500)
    run = mocap("process", bad_inputs / "nobody.mp4", "-o", tmp_path / "x.bvh")
    assert run.returncode == 1
    assert "cannot write" in one_line(run)


def test_an_older_take_survives_a_failed_run(bad_inputs, tmp_path):
    (tmp_path / "x.bvh").write_text("precious")
    assert mocap("process", bad_inputs / "nobody.mp4", "-o", tmp_path / "x.bvh").returncode == 1
    assert (tmp_path / "x.bvh").read_text() == "precious"


@pytest.mark.parametrize("stage", ["estimate", "preview"])
def test_ctrl_c_leaves_no_file(tmp_path, stage):
    command = [
        sys.executable,
        "-m",
        "mocap.cli.main",
        "process",
        str(EXAMPLE),
        "-o",
        "x.bvh",
        "--progress",
        "json",
        "--preview",
        "p.mp4",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if json.loads(line).get("stage") == stage:
                break
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert errors.strip().splitlines()[-1].startswith("stopped")
    assert not list(tmp_path.glob("p.mp4")) + list(tmp_path.glob(".*partial*"))
    if stage == "estimate":
        assert list(tmp_path.iterdir()) == []


def test_models_doctor_and_version_answer():
    assert "Apache-2.0" in mocap("models").stdout
    assert mocap("doctor").returncode == 0
    assert mocap("version").stdout == mocap("--version").stdout == "0.1.0\n"


def test_damaged_weights_are_named_before_any_work(bad_inputs, tmp_path, monkeypatch):
    shutil.copytree(REPOSITORY / "models", tmp_path / "models")
    weights = tmp_path / "models" / "blazepose-heavy" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path / "models"))
    run = mocap("process", bad_inputs / "nobody.mp4", "-o", tmp_path / "x.bvh")
    assert run.returncode == 1
    assert "blazepose-heavy" in one_line(run)
