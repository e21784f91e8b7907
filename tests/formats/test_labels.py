"""Labels in CSV, COCO JSON and joints.mat: what is written is read back, and other programs read it too."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat
from typer.testing import CliRunner

from mocap.cli.main import app
from mocap.io.coco_json import read_coco, write_coco
from mocap.io.labels_csv import columns_of, read_labels, write_labels
from mocap.io.lsp_mat import read_lsp, write_lsp
from mocap.model.errors import MocapError
from mocap.model.keypoints import BLAZEPOSE_33, COCO_17, LSP_14
from mocap.model.labels import ABSENT, OCCLUDED, OPEN, STATES, VISIBLE, Sample, mapped, sample_from_points

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def samples(draw: st.DrawFn, lowest: int = OPEN) -> list[Sample]:
    """Up to four pictures with places anywhere on them, states and names of every kind."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        facts = {"frame": number, "person": 1, "size": (640, 480), "state": draw(st.sampled_from(STATES))}
        flags = random.integers(lowest, VISIBLE + 1, 14)
        found.append(sample_from_points(draw(NAMES), random.uniform(0.5, 4000, (14, 2)), flags, **facts))
    return found


def assert_same(read: list[Sample], written: list[Sample]) -> None:
    assert [s.key for s in read] == [s.key for s in written]
    assert [(s.size, s.state) for s in read] == [(s.size, s.state) for s in written]
    for a, b in zip(read, written):
        np.testing.assert_array_equal(a.visibility, b.visibility)
        np.testing.assert_array_equal(a.xy, b.xy)


@SAME_FOLDER
@given(written=samples())
def test_csv_is_read_back_to_the_last_digit(tmp_path, written):
    write_labels(written, tmp_path / "labels.csv")
    assert_same(read_labels(tmp_path / "labels.csv"), written)


@SAME_FOLDER
@given(written=samples())
def test_coco_is_read_back_to_the_last_digit(tmp_path, written):
    write_coco(written, tmp_path / "coco.json")
    assert_same(read_coco(tmp_path / "coco.json"), written)


@SAME_FOLDER
@given(written=samples(ABSENT))
def test_joints_mat_is_read_back_to_the_last_digit(tmp_path, written):
    write_lsp(written, tmp_path / "joints.mat")
    read = read_lsp(tmp_path / "joints.mat", [sample.image for sample in written])
    for a, b in zip(read, written, strict=True):
        np.testing.assert_array_equal(a.visibility, b.visibility)
        np.testing.assert_allclose(a.xy, b.xy, rtol=1e-15, atol=1e-12)  # half a pixel is added, and taken off again


def test_numpy_reads_the_csv_by_the_names_of_its_columns(tmp_path):
    flags = np.array([VISIBLE] * 12 + [OCCLUDED, ABSENT])
    places = np.arange(28.0).reshape(14, 2) + 0.25
    names = ["a, b #1.jpg", "ü 'x'.jpg"]
    write_labels([sample_from_points(name, places, flags, size=(30, 40)) for name in names], tmp_path / "l.csv")
    table = np.genfromtxt(tmp_path / "l.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert table.dtype.names == columns_of(LSP_14)
    assert list(table["image"]) == ["a%2C b %231.jpg", "ü %27x%27.jpg"]
    assert list(table["right_ankle_y"]) == [1.25, 1.25]
    assert list(table["neck_v"]) == [OCCLUDED, OCCLUDED]
    assert np.isnan(table["head_top_x"]).all()


def test_a_pixels_centre_is_a_half_here_zero_in_coco_and_one_in_matlab(tmp_path):
    first = Sample("a.jpg", np.full((14, 2), 0.5), np.full(14, VISIBLE, np.int8))
    write_coco([first], tmp_path / "c.json")
    write_lsp([first], tmp_path / "j.mat")
    assert json.loads((tmp_path / "c.json").read_text())["annotations"][0]["keypoints"][:3] == [0, 0, 2]
    assert loadmat(tmp_path / "j.mat")["joints"][:, 0, 0].tolist() == [1, 1, 0]


def test_people_of_cocos_own_layout_are_read_by_name(tmp_path):
    written = Sample("a.jpg", np.arange(34.0).reshape(17, 2), np.full(17, VISIBLE, np.int8), layout=COCO_17)
    write_coco(
        [written, Sample("a.jpg", written.xy, written.visibility, COCO_17, person=2)], tmp_path / "c.json", COCO_17
    )
    read = read_coco(tmp_path / "c.json")
    assert [sample.person for sample in read] == [1, 2]
    np.testing.assert_array_equal(read[0].xy[LSP_14.index("left_knee")], written.xy[COCO_17.index("left_knee")])
    assert read[0].visibility[LSP_14.index("neck")] == OPEN


def test_the_takes_layout_is_written_and_mapped_by_name(tmp_path):
    written = Sample("c.mp4", np.arange(66.0).reshape(33, 2), np.full(33, VISIBLE, np.int8), BLAZEPOSE_33, frame=7)
    write_labels([written], tmp_path / "take.corrections.csv", BLAZEPOSE_33)
    (read,) = read_labels(tmp_path / "take.corrections.csv", BLAZEPOSE_33)
    ours = mapped(read, LSP_14)
    assert ours.frame == 7
    np.testing.assert_array_equal(ours.xy[0], written.xy[BLAZEPOSE_33.index("right_ankle")])
    with pytest.raises(MocapError, match="column 'neck_x'"):
        read_labels(tmp_path / "take.corrections.csv")


def test_lsp_extendeds_own_form_is_read(tmp_path):
    joints = np.zeros((14, 3, 2))
    joints[:, :2] = 5.0
    joints[:, 2, 0] = 1
    savemat(tmp_path / "joints.mat", {"joints": joints})
    seen, empty = read_lsp(tmp_path / "joints.mat")
    assert (seen.image, seen.xy[0].tolist(), seen.visibility[0]) == ("im0001.jpg", [4.5, 4.5], VISIBLE)
    assert not empty.is_placed.any()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[:-9], "cut short"),
        (lambda text: text.replace(",2,", ",7,", 1), "line 2: visibility"),
        (lambda text: text.replace(",2,", ",nan,", 1), "line 2: visibility"),
        (lambda text: text.replace("0.5", "half", 1), "line 2: could not convert"),
        (lambda text: text.replace("0.5", "inf", 1), "line 2: a number is beyond"),
        (lambda text: text.replace(",2,", ",0,", 1), "line 2: a keypoint that is visible"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 3: the same person and image"),
        (lambda text: text.replace("done", "perhaps"), "line 2: state"),
        (lambda text: text.replace("right_ankle_x", "x"), "column 'right_ankle_x'"),
        (lambda text: text.replace(",0.5", "", 1), "line 2 has 47 fields instead of 48"),
        (lambda text: "", "cut short"),
    ],
)  # fmt: skip
def test_a_damaged_csv_is_told_with_its_line(tmp_path, damage, told):
    path = tmp_path / "labels.csv"
    write_labels([Sample("a.jpg", np.full((14, 2), 0.5), np.full(14, VISIBLE, np.int8))], path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(MocapError, match=told):
        read_labels(path)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "no COCO keypoints file"),
        ({"images": [], "annotations": []}, "categories"),
        ({"annotations": [{"keypoints": [0, 0, 2]}]}, "category_id"),
        ({"annotations": [{"keypoints": [0, 0], "category_id": 1, "image_id": 1}]}, r"annotations\[0\]: expected 3"),
        ({"annotations": [{"keypoints": [0, 0, 9], "category_id": 1, "image_id": 1}]}, r"annotations\[0\]: visib"),
        ({"annotations": [{"keypoints": [0, 0, 2], "category_id": 1, "image_id": 5}]}, r"annotations\[0\]: 5"),
        ({"annotations": [{"keypoints": ["x", 0, 2], "category_id": 1, "image_id": 1}]}, r"annotations\[0\]: could"),
    ],
)
def test_a_damaged_coco_file_is_told_with_its_place(tmp_path, document, told):
    whole = {
        "images": [{"id": 1, "file_name": "a"}],
        "categories": [{"id": 1, "name": "person", "keypoints": ["neck"]}],
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(whole | document if document and "images" not in document else document))
    with pytest.raises(MocapError, match=told):
        read_coco(path)


def test_the_command_converts_labels_by_suffix(tmp_path):
    written = Sample("im0001.jpg", np.arange(28.0).reshape(14, 2) + 0.5, np.full(14, VISIBLE, np.int8))
    write_labels([written], tmp_path / "l.csv")
    for source, output in (("l.csv", "c.json"), ("c.json", "j.mat"), ("j.mat", "again.csv")):
        told = CliRunner().invoke(app, ["convert", str(tmp_path / source), "-o", str(tmp_path / output)])
        assert told.exit_code == 0, told.output
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "l.csv").read_bytes()
    wrong = CliRunner().invoke(app, ["convert", str(tmp_path / "l.csv"), "-o", str(tmp_path / "l.bvh")])
    assert r"as labels: use one of: .csv, .json, .mat" in str(wrong.exception)


@pytest.mark.real
def test_the_joints_of_lsp_go_through_all_three_formats_without_loss(real_data, tmp_path):
    with zipfile.ZipFile(real_data / "lsp_dataset.zip") as archive:
        packed = archive.read("joints.mat")
    (tmp_path / "joints.mat").write_bytes(packed)
    read = read_lsp(tmp_path / "joints.mat")
    write_labels(read, tmp_path / "l.csv")
    write_coco(read_labels(tmp_path / "l.csv"), tmp_path / "c.json")
    write_lsp(read_coco(tmp_path / "c.json"), tmp_path / "again.mat")
    before, after = (loadmat(file)["joints"] for file in (io.BytesIO(packed), tmp_path / "again.mat"))
    inside = before[:2] >= 1  # outside of the picture halves may be rounded
    np.testing.assert_array_equal(after[:2][inside], before[:2][inside])
    np.testing.assert_allclose(after[:2], before[:2], atol=1e-9, rtol=0)
    np.testing.assert_array_equal(after[2] == 1, before[2] == 1)
