"""The fault matrix: whatever goes wrong ends in one line and the right exit code, half-writes nothing, stays small."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import corrupt, cut_off
from footage import EXAMPLE, Encoding, example_pictures, rewrapped, write_pictures
from measured import PEAK_MB, TIMEOUT_S, check_refused, mocap
from test_cli import one_line

LITE = ("--estimator", "blazepose-lite")
FLAT = Encoding(codec="ffv1", pixel_format="bgr0", options={})
MOTION_JPEG = Encoding(codec="mjpeg", pixel_format="yuvj420p", options={})


def half_an_mp4(path: Path) -> None:
    cut_off(rewrapped(path, options={"movflags": "faststart"}), 0.5)


def half_an_mp4_with_its_index_last(path: Path) -> None:
    cut_off(rewrapped(path), 0.5)


def a_corrupt_middle(path: Path) -> None:
    corrupt(rewrapped(path), 0.1, 0.2)


def one_frame(path: Path) -> None:
    write_pictures(path, example_pictures(1))


def a_person_for_three_frames(path: Path) -> None:
    seen = example_pictures(3)
    empty = [np.full_like(seen[0], 110)] * 12
    write_pictures(path, [*empty, *seen, *empty])


def frames_of_one_pixel(path: Path) -> None:
    write_pictures(path, [np.full((1, 1, 3), 200, np.uint8)] * 10, FLAT)


def no_pictures(path: Path) -> None:
    """A video track of no length."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(EXAMPLE)) as source, av.open(str(path), "w", options=options) as container:
        container.add_stream_from_template(source.streams.video[0])
        container.start_encoding()


def pictures_all_at_once(path: Path) -> None:
    write_pictures(path, example_pictures(10), Encoding(times_s=[Fraction(0)] * 10, options={"g": "1", "bf": "0"}))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("half.mp4", half_an_mp4, "damaged: only the first 1"),
        ("index.mp4", half_an_mp4_with_its_index_last, "cut off before its index"),
        ("cut.mkv", lambda path: cut_off(rewrapped(path), 0.5), "damaged: only the first 1"),
        ("middle.mp4", a_corrupt_middle, "frames can be decoded"),
        ("one.mp4", one_frame, "too short: 1 frames at 30 fps"),
        ("three.mp4", a_person_for_three_frames, "nobody was found in three.mp4"),
        ("pixel.mkv", frames_of_one_pixel, "nobody was found in pixel.mkv"),
        ("empty.mp4", no_pictures, "holds no frames (zero duration)"),
        ("once.mkv", pictures_all_at_once, "too short"),
        ("pipe.mp4", a_pipe, "a device or pipe"),
    ],
)
def test_a_clip_that_makes_no_take_is_refused(tmp_path, name, make, words):
    make(tmp_path / name)
    before = set(tmp_path.rglob("*"))
    check_refused(mocap("process", name, "-o", "x.bvh", *LITE, cwd=tmp_path), words, tmp_path, before)


def test_a_clip_at_1000_frames_a_second_is_captured_at_that_rate(tmp_path):
    slow = [cv2.resize(picture, (270, 480)) for picture in example_pictures(20) for _ in range(11)]
    write_pictures(tmp_path / "fast.mp4", slow, Encoding(fps=Fraction(1000)))
    run = mocap("process", "fast.mp4", "-o", "x.bvh", *LITE, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "220 frames at 1000 fps" in one_line(run)
    assert run.peak_mb < PEAK_MB


def test_8k_frames_are_captured_in_bounded_memory(tmp_path):
    frames = (cv2.resize(picture, (2430, 4320)) for picture in example_pictures(18, start=60)[::2])
    wide = (cv2.copyMakeBorder(frame, 0, 0, 2625, 2625, cv2.BORDER_REPLICATE) for frame in frames)  # a person 8 % wide
    write_pictures(tmp_path / "large.avi", wide, MOTION_JPEG)
    run = mocap("process", "large.avi", "-o", "x.bvh", *LITE, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "9 frames at 30 fps" in one_line(run)
    assert run.peak_mb < 1500  # a frame has 100 MB


def mounted(folder: Path, options: str) -> Iterator[Path]:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 64 kB."""
    (tmp_path / "small").mkdir()
    yield from mounted(tmp_path / "small", "size=64k")


@pytest.fixture
def read_only_folder(tmp_path) -> Iterator[Path]:
    """A folder that nobody may write to, root included."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.geteuid() == 0:
        yield from mounted(folder, "ro")
    else:
        folder.chmod(0o500)
        yield folder


@pytest.fixture(scope="session")
def take(tmp_path_factory) -> Path:
    """A take that was made without networks, as take.json and take.bvh; the JSON has over 64 kB, the BVH, too."""
    from bodies import walking_motion
    from test_reconstruct import take_of

    from mocap.app import outputs, process
    from mocap.solve.settings import SolveSettings

    path = tmp_path_factory.mktemp("made") / "take.bvh"
    outputs.write_take(process.solve(take_of(walking_motion(120)), SolveSettings()), path, units="m")
    return path


def test_a_full_disk_leaves_nothing(take, small_disk):
    run = mocap("solve", take.with_suffix(".json"), "-o", small_disk / "x.bvh", cwd=small_disk)
    check_refused(run, "the disk is full", small_disk, set())


def test_a_disk_that_fills_up_under_the_preview_leaves_the_take_only(tmp_path, small_disk):
    preview = small_disk / "preview.mp4"
    run = mocap("process", EXAMPLE, "-o", "x.bvh", "--end", 3, "--preview", preview, *LITE, cwd=tmp_path)
    assert run.returncode == 1
    assert "the disk is full" in one_line(run)
    assert list(small_disk.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"small", "x.bvh", "x.json"}


def test_a_limit_on_the_size_of_files_leaves_nothing(tmp_path, take):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    run = mocap("solve", take.with_suffix(".json"), "-o", "x.bvh", cwd=tmp_path, preexec_fn=limit)
    check_refused(run, "larger than allowed", tmp_path, set())


def test_a_read_only_folder_is_refused_before_any_work(read_only_folder, tmp_path):
    run = mocap("process", EXAMPLE, "-o", read_only_folder / "x.bvh", cwd=tmp_path)
    check_refused(run, "cannot write", read_only_folder, set())
    assert run.peak_mb < 200  # no network was loaded


def test_a_process_killed_while_writing_leaves_only_a_hidden_part(tmp_path):
    killed = (
        "import os, signal; from mocap.io.files import atomic_path\n"
        "with atomic_path('take.bvh') as path: path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    (tmp_path / "take.bvh").write_text("older")
    assert subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "take.bvh").read_text() == "older"
    parts = [path.name for path in tmp_path.iterdir() if path.name != "take.bvh"]
    assert len(parts) == 1
    assert parts[0].startswith(".")
    assert parts[0].endswith(".partial.bvh")


@pytest.mark.parametrize(
    ("sent", "code", "stage"),
    [
        (signal.SIGKILL, -signal.SIGKILL, "preview"),
        (signal.SIGTERM, 130, "preview"),
        (signal.SIGINT, 130, "solve"),
        (signal.SIGTERM, 130, "estimate"),
    ],
)
def test_a_stopped_run_leaves_whole_files_or_none(tmp_path, sent, code, stage):
    command = ["process", str(EXAMPLE), "-o", "x.bvh", "--progress", "json", "--preview", "p.mp4", "--end", "4", *LITE]
    with subprocess.Popen(
        [sys.executable, "-m", "mocap", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        next(line for line in run.stdout if json.loads(line).get("stage") == stage)
        run.send_signal(sent)
        _, errors = run.communicate(timeout=TIMEOUT_S)
    assert run.returncode == code
    assert errors.splitlines() == ([] if sent == signal.SIGKILL else ["stopped: nothing was left half-written"])
    left = {path.name for path in tmp_path.iterdir()}
    visible = {name for name in left if not name.startswith(".")}
    assert visible <= {"x.bvh", "x.json"}
    assert "x.json" in visible or "x.bvh" not in visible
    assert sent == signal.SIGKILL or left == visible
