"""The table of formats: the suffix picks the writer and the reader, and what a file cannot hold is said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import GOLDEN, golden_take, swinging_motion
from typer.testing import CliRunner

from mocap.app import outputs
from mocap.cli.main import app
from mocap.io import OUTLETS, READERS, Outlet, Reader, Recording, label_files, outlets
from mocap.model import kinematics
from mocap.model.errors import MocapError
from mocap.model.take import Take
from mocap.report.validate import validate


def two_people() -> Take:
    one = golden_take().people[0]
    return replace(golden_take(), people=(one, replace(one, id=7)))


@pytest.mark.parametrize("name", ["tiny_take.bvh", "tiny_take.json"])
def test_both_golden_files_give_one_motion_by_person(name: str) -> None:
    recording = outlets.read(GOLDEN / name)
    assert list(recording.motions) == [1]
    assert recording.motion.skeleton.names == swinging_motion(1).skeleton.names
    assert (recording.take is not None) == name.endswith("json")


@pytest.mark.parametrize("line", [*OUTLETS.values(), *READERS.values()], ids=str)
def test_every_line_of_the_table_names_a_function_and_known_contents(line: Outlet | Reader) -> None:
    assert callable(outlets.imported(line.function))
    assert {"motion"} <= set(line.carries if isinstance(line, Outlet) else line.gives) <= set(outlets.CONTENTS)


@pytest.mark.parametrize("suffix", OUTLETS)
def test_every_format_that_is_also_read_gives_the_joints_back(suffix: str, tmp_path: Path) -> None:
    expected = kinematics.joint_positions(swinging_motion(6))
    for path in outlets.write(outlets.recording_of(golden_take()), tmp_path / f"TAKE{suffix.upper()}"):
        if suffix in READERS:
            np.testing.assert_allclose(kinematics.joint_positions(outlets.read(path).motion), expected, atol=1e-5)


@pytest.mark.parametrize("line", OUTLETS.values(), ids=list(OUTLETS))
def test_several_people_share_a_file_or_get_one_each(line: Outlet, tmp_path: Path) -> None:
    written = outlets.write(outlets.recording_of(two_people()), tmp_path / f"take{line.suffix}")
    names = ["take_1", "take_7"] if line.is_one_person else ["take"]
    assert [path.stem for path in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}{line.suffix}" for name in names]


@pytest.mark.parametrize("suffix", OUTLETS)
def test_a_take_is_written_with_its_json_beside_it(suffix: str, tmp_path: Path) -> None:
    written = outputs.write_take(golden_take(), tmp_path / f"take{suffix}", units="m")
    assert {path.name for path in written} == {f"take{suffix}", "take.json"} == {p.name for p in tmp_path.iterdir()}


def test_options_reach_the_formats_that_take_them(tmp_path: Path) -> None:
    outputs.write_take(golden_take(), tmp_path / "take.bvh", units="cm")
    centimetres = outlets.read(tmp_path / "take.bvh", units="cm").motion.skeleton.offsets
    np.testing.assert_allclose(outlets.read(tmp_path / "take.bvh").motion.skeleton.offsets, 100 * centimetres)
    np.testing.assert_allclose(outlets.read(tmp_path / "take.json", units="cm").motion.skeleton.offsets, centimetres)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match=r"cannot write take\.doc: unknown suffix '\.doc'; use one of: \.bvh"):
        outlets.outlet_for("take.doc")
    with pytest.raises(MocapError, match=r"cannot read take: unknown suffix ''; use one of: \.bvh, \.json"):
        outlets.read("take")
    with pytest.raises(MocapError, match=r"cannot write .*take\.doc.*use one of \.bvh, \.json"):
        outputs.check_writable(tmp_path / "take.doc")
    with pytest.raises(MocapError, match=r"cannot check .*json: unknown suffix '\.json'; use one of: \.bvh"):
        validate(GOLDEN / "tiny_take.json")


def test_a_format_of_takes_is_not_written_from_a_motion(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match=r"needs a whole take, not a motion; use one of: \.bvh"):
        outlets.write(Recording({1: swinging_motion(2)}), tmp_path / "take.json")
    assert not list(tmp_path.iterdir())


def test_convert_says_once_what_the_format_cannot_hold(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["convert", str(GOLDEN / "tiny_take.json"), "-o", str(tmp_path / "x.bvh")])
    assert run.exit_code == 0
    note = "note: BVH cannot hold confidence, contacts, gaps, keypoints, camera, settings; they stay in tiny_take.json"
    assert run.output.splitlines() == [note, f"wrote {tmp_path / 'x.bvh'}"]
    again = CliRunner().invoke(app, ["convert", str(tmp_path / "x.bvh"), "-o", str(tmp_path / "y.bvh")])
    assert again.output.splitlines() == [f"wrote {tmp_path / 'y.bvh'}"]
    assert (tmp_path / "y.bvh").read_bytes() == (tmp_path / "x.bvh").read_bytes()


def test_a_take_is_converted_to_the_same_take(tmp_path: Path) -> None:
    outputs.convert(GOLDEN / "tiny_take.json", tmp_path / "again.json", units="m")
    assert (tmp_path / "again.json").read_bytes() == (GOLDEN / "tiny_take.json").read_bytes()


def test_the_tables_are_in_the_help_and_load_nothing_heavy() -> None:
    code = "import sys; import mocap.io, mocap.io.label_files; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
    for command in ("process", "solve"):
        shown = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
        assert outlets.known_suffixes() in shown


@pytest.mark.parametrize("line", label_files.LABEL_FORMATS.values(), ids=str)
def test_every_line_of_the_labels_table_names_functions(line: label_files.LabelFormat) -> None:
    assert callable(outlets.imported(line.reader))
    assert callable(outlets.imported(line.function))
