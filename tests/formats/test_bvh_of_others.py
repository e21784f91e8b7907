"""BVH files as other programs write them: one tokenizer for the package and the add-on, the same answer from both."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from bvh_kinds import READ, REFUSED, SMALL, Kind
from mocap_blender.pure import bvh as addon
from typer.testing import CliRunner

from mocap.cli.main import app
from mocap.io import bvh_tokens
from mocap.io.bvh import read_bvh
from mocap.model import kinematics
from mocap.model.errors import MocapError
from mocap.model.motion import Motion

REPOSITORY = Path(__file__).resolve().parents[2]
TWIN = REPOSITORY / "blender_addon" / "mocap_blender" / "pure" / "bvh_tokens.py"


def written(folder: Path, content: bytes) -> Path:
    path = folder / "others.bvh"
    path.write_bytes(content)
    return path


def test_package_and_add_on_have_the_same_tokenizer() -> None:
    assert Path(bvh_tokens.__file__).read_bytes() == TWIN.read_bytes()


@pytest.mark.parametrize("kind", READ.values(), ids=READ)
def test_both_readers_read_it_with_the_same_joints(
    tmp_path: Path, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, kind.content())
    with caplog.at_level(logging.WARNING):
        ours = read_bvh(path)
    theirs = addon.read(path)
    assert ours.skeleton.names == tuple(theirs.names) == kind.names
    assert ours.fps == theirs.fps == 25
    np.testing.assert_allclose(theirs.offsets, ours.skeleton.offsets, atol=1e-12)
    np.testing.assert_allclose(theirs.root, ours.root_world, atol=1e-12)
    assert np.abs(np.sum(theirs.local * ours.local_wxyz, axis=-1)).min() > 1 - 1e-12
    assert (kind.warns in caplog.text) if kind.warns else not theirs.warnings
    assert [kind.warns in warning for warning in theirs.warnings] == [True] * bool(kind.warns)


@pytest.mark.parametrize("name", [name for name in READ if "of no length" not in name])
def test_the_motion_is_that_of_the_plain_file(tmp_path: Path, name: str) -> None:
    kind = READ[name]
    (tmp_path / "plain.bvh").write_text(SMALL)
    expected, found = positions(tmp_path / "plain.bvh"), positions(written(tmp_path, kind.content()))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def positions(path: Path) -> np.ndarray:
    return kinematics.joint_positions(read_bvh(path))


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_both_readers_refuse_it_in_one_line(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    path = written(tmp_path, change(SMALL).encode())
    with pytest.raises(MocapError, match=words) as ours:
        read_bvh(path)
    with pytest.raises(ValueError, match=words.replace("OFFSET", "an OFFSET has")) as theirs:
        addon.read(path)
    assert "\n" not in f"{ours.value}{theirs.value}"


@pytest.mark.real
def test_every_bvh_among_the_faults_is_read_or_refused_alike(real_data: Path) -> None:
    for path in sorted((real_data / "faults").glob("*.bvh")):
        said = [refusal(reader, path) for reader in (read_bvh, addon.read)]
        if path.name == "bvh_zero_frames.bvh":  # a skeleton at rest for the package, nothing to play for the add-on
            assert said[0] is None
            assert "no frames" in str(said[1])
        elif path.name == "addon_offset_typeerror.bvh":
            assert "line 56: CHANNELS is not allowed here" in str(said[0])
            assert str(said[1]) in str(said[0])
        else:
            assert said == [None, None], path.name


def refusal(reader, path: Path) -> str | None:  # type: ignore[no-untyped-def]
    try:
        clip = reader(path)
    except (MocapError, ValueError) as error:
        return str(error)
    assert isinstance(clip, Motion | addon.Clip)
    return None


def test_a_file_without_frames_is_not_converted(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("0 1 0 0")].replace("Frames: 2", "Frames: 0")
    path = written(tmp_path, text.encode())
    run = CliRunner().invoke(app, ["convert", str(path), "-o", str(tmp_path / "x.bvh")])
    assert "has no frames" in str(run.exception)
    assert not (tmp_path / "x.bvh").exists()
