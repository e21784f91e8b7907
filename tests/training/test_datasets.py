"""Readers of labelled pictures, splits, near-duplicates, crops: each on a small dataset of the real one's form."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mocap.io.coco_json import write_coco
from mocap.io.labels_csv import write_labels
from mocap.model.errors import MocapError
from mocap.model.keypoints import COCO_17, LSP_14
from mocap.model.labels import VISIBLE, Sample
from tests.training.pictures import FIGURE, drawn, figures, write_lsp
from training.corpus import Sources, examples_of
from training.crops import crop_place, cut, make_crops
from training.datasets.duplicates import FOUND, features_of, find_duplicates, known_duplicates, mirrored
from training.datasets.flic import POINTS, read_flic
from training.datasets.labelled import read_coco_examples, read_csv_examples, read_examples
from training.datasets.lsp import read_lsp, read_lspet
from training.datasets.samples import Example, Picture
from training.datasets.splits import split_lsp
from training.settings import Settings


@pytest.fixture(scope="module")
def lsp(tmp_path_factory) -> tuple[Path, np.ndarray]:
    path = tmp_path_factory.mktemp("lsp") / "lsp_dataset.zip"
    return path, write_lsp(path)


def write_picture(path: Path, rgb: np.ndarray) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def test_lsp_is_read_from_its_zip_and_from_its_folder_alike(lsp, tmp_path):
    path, joints = lsp
    zipfile.ZipFile(path).extractall(tmp_path)
    for store in (path, tmp_path):
        examples = read_lsp(store)
        assert len(examples) == 2000
        np.testing.assert_allclose(examples[1999].joints, joints[1999])
        assert examples[0].picture.read().shape == (110, 90, 3)


def test_a_label_lies_on_its_disc_in_the_crop(lsp):
    """In each crop the colour at a joint is that of the joint's disc."""
    path, _ = lsp
    for how in ("stretched", "square"):
        crops = make_crops(read_lsp(path)[:4], 100, how)
        places = (crops.joints * 100).astype(int)
        for n in range(4):
            for k in (0, 6, 11, 13):
                x, y = places[n, k]
                hue = cv2.cvtColor(crops.images[n, y : y + 1, x : x + 1], cv2.COLOR_RGB2HSV)[0, 0, 0]
                assert min(abs(int(hue) - 12 * k), 180 - abs(int(hue) - 12 * k)) < 8
        np.testing.assert_allclose(crops.to_pixels(crops.joints), [e.joints for e in read_lsp(path)[:4]])


def test_a_square_crop_keeps_proportions_and_a_stretched_one_fills_the_picture():
    picture = np.zeros((110, 90, 3), np.uint8)
    assert [part.tolist() for part in crop_place(picture, None, "stretched")] == [[0, 0], [90, 110]]
    assert [part.tolist() for part in crop_place(picture, None, "square")] == [[-10, 0], [110, 110]]
    corner, size = crop_place(picture, np.array([20.0, 30, 40, 80]), "square")
    assert (corner + 0.5 * size).tolist() == [30, 55]
    assert size.tolist() == [70, 70]


def test_a_crop_of_the_pictures_own_size_is_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut(picture, np.zeros(2), np.full(2, 40.0), 40), picture)


def test_the_extensions_absent_joints_and_pictures_are_left_out(tmp_path):
    joints = np.zeros((14, 3, 10000), np.float32)
    joints[:, :2] = (FIGURE + 0.5)[..., None]
    joints[:, 2] = 1
    joints[3, 2, 0] = 0
    joints[3:, 2, 1] = 0
    savemat(tmp_path / "joints.mat", {"joints": joints})
    (tmp_path / "images").mkdir()
    for number in (1, 2, 3):
        write_picture(tmp_path / "images" / f"im{number:05d}.jpg", drawn(FIGURE, (90, 110)))
    examples = read_lspet(tmp_path)
    assert [e.name for e in examples] == ["lspet/00001", "lspet/00003"]
    assert np.flatnonzero(np.isnan(examples[0].joints[:, 0])).tolist() == [3]


@pytest.mark.parametrize(("name", "tested"), [("official", 1000), ("random", 600)])
def test_splits_part_lsp_and_are_the_same_each_time(lsp, name, tested):
    examples = read_lsp(lsp[0])
    split = split_lsp(examples, name, validation=100)
    names = [[e.name for e in part] for part in (split.train, split.validation, split.test)]
    assert [len(part) for part in names] == [1900 - tested, 100, tested]
    assert len(set().union(*names)) == 2000
    assert [e.name for e in split_lsp(examples, name, validation=100).test] == names[2]
    if name == "official":
        assert names[2][0] == "lsp/1001"


def test_flic_is_read_by_its_points_and_parts(tmp_path):
    kinds = [("coords", "O"), ("filepath", "O"), ("imgdims", "O"), ("torsobox", "O"), ("istrain", "O"), ("istest", "O")]
    rows = np.zeros(3, dtype=kinds)
    for i, row in enumerate(rows):
        coordinates = np.full((2, 29), np.nan)
        coordinates[:, :8] = np.arange(16).reshape(2, 8) + 20 * i
        row["coords"], row["filepath"], row["imgdims"] = coordinates, f"film-{i}.jpg", np.array([480.0, 720, 3])
        row["torsobox"], row["istrain"], row["istest"] = np.array([1.0, 2, 30, 40]), i < 2, i == 2
    savemat(tmp_path / "examples.mat", {"examples": rows})
    train, test = read_flic(tmp_path, "train"), read_flic(tmp_path, "test")
    assert [e.name for e in (*train, *test)] == ["flic/film-0.jpg", "flic/film-1.jpg", "flic/film-2.jpg"]
    right_wrist = test[0].joints[LSP_14.index("right_wrist")]
    assert right_wrist.tolist() == [40 + POINTS.index("right_wrist") - 0.5, 48 + POINTS.index("right_wrist") - 0.5]
    assert np.isnan(test[0].joints[LSP_14.index("left_ankle")]).all()
    assert test[0].box.tolist() == [1, 2, 46.5, 54.5]


def test_our_own_labels_and_cocos_become_examples(tmp_path):
    write_picture(tmp_path / "a.png", drawn(FIGURE, (90, 110)))
    write_labels([Sample("a.png", FIGURE, np.full(14, VISIBLE, np.int8))], tmp_path / "labels.csv")
    (own,) = read_csv_examples(tmp_path / "labels.csv")
    np.testing.assert_allclose(own.joints, FIGURE)
    assert own.box.tolist() == [18, 6, 68, 90]
    xy = np.arange(34, dtype=np.float64).reshape(17, 2)
    write_coco([Sample("a.png", xy, np.full(17, VISIBLE, np.int8), COCO_17)], tmp_path / "coco.json", COCO_17)
    (other,) = read_coco_examples(tmp_path / "coco.json")
    assert other.joints[LSP_14.index("left_knee")].tolist() == xy[COCO_17.index("left_knee")].tolist()
    assert np.isnan(other.joints[LSP_14.index("neck")]).all()
    assert other.picture.read().shape == (110, 90, 3)


def test_labels_of_our_own_are_added_to_what_is_trained_on(lsp, tmp_path):
    write_picture(tmp_path / "a.png", drawn(FIGURE, (90, 110)))
    write_labels([Sample("a.png", FIGURE, np.full(14, VISIBLE, np.int8), state="done")], tmp_path / "labels.csv")
    settings = Settings(validation=0)
    without = examples_of(settings, Sources(lsp[0]))
    split = examples_of(settings, Sources(lsp[0], labels=(tmp_path / "labels.csv",)))
    assert [e.name for e in split.train] == [*(e.name for e in without.train), "a.png/1"]
    assert [e.name for e in split.test] == [e.name for e in without.test]


def test_a_table_in_which_nothing_is_labelled_is_refused(tmp_path):
    write_labels([Sample("a.png", FIGURE, np.full(14, VISIBLE, np.int8), state="todo")], tmp_path / "labels.csv")
    with pytest.raises(MocapError, match="marked doubtful or done"):
        read_examples(tmp_path / "labels.csv")


def test_a_picture_is_turned_as_its_tag_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned clockwise by a quarter to be upright
    Image.fromarray(np.zeros((20, 50, 3), np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    assert Picture(tmp_path, "turned.jpg").read().shape == (50, 20, 3)


def test_datasets_that_are_damaged_are_told_in_one_line(lsp, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    with pytest.raises(MocapError, match=r"broken\.zip"):
        read_lsp(tmp_path / "broken.zip")
    with pytest.raises(MocapError, match=r"im0500\.jpg is missing"):
        read_lsp(lsp[0])[499].picture.read()
    with pytest.raises(MocapError, match="2000 images, not 10000"):
        read_lspet(lsp[0])


def test_another_crop_of_the_same_picture_is_found_and_other_pictures_are_not(tmp_path):
    """A picture cut and resized, one mirrored, and one of its own."""
    generator = np.random.default_rng(3)
    textures = [
        cv2.GaussianBlur(generator.integers(0, 256, (150, 120, 3), dtype=np.uint8), (0, 0), 2.0) for _ in range(4)
    ]
    textures = [cv2.normalize(t, None, 0, 255, cv2.NORM_MINMAX) for t in textures]
    others = [cv2.resize(textures[0][20:, 10:], None, fx=1.2, fy=1.2), mirrored(textures[1]), textures[3]]
    examples = []
    for name, picture in (*((f"t{i}", t) for i, t in enumerate(textures[:3])), *zip("abc", others)):
        write_picture(tmp_path / f"{name}.png", picture)
        examples.append(Example(name, Picture(tmp_path, f"{name}.png"), FIGURE, np.zeros(14, bool)))
    assert len(features_of(textures[0])[0]) > 50
    assert [(a, b) for a, b, _ in find_duplicates(examples[:3], examples[3:])] == [("t0", "a"), ("t1", "b")]


def test_the_known_duplicates_are_pictures_of_the_extension():
    assert FOUND.is_file()
    assert all(name.startswith("lspet/") for name in known_duplicates())


def test_figures_of_the_tests_are_in_their_crops():
    joints = figures(20, 96).joints
    assert joints.min() > 0
    assert joints.max() < 1
