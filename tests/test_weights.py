"""Cards and weights: found, checked, and refused when they are not what the card says."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mocap.io.weights import (
    NotDownloadedError,
    check_model,
    downloads_folder,
    find_models_folder,
    graph_file,
    list_cards,
    load_weights,
    read_card,
    weights_file,
)
from mocap.model.errors import MocapError

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "blazepose-lite"
SHIPPED = {"blazepose-detector", "blazepose-full", "blazepose-heavy", "blazepose-lite", "lifter"}  # in the wheel
ALL = [card.name for card in list_cards() if not card.download]  # their weights are here


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one model that a test may damage."""
    shutil.copytree(find_models_folder() / NAME, tmp_path / NAME)
    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path))
    return tmp_path


def test_every_card_names_its_origin() -> None:
    """A published file, or a script of ours."""
    for card in list_cards():
        assert len(card.origin_sha256) == 64 or (REPOSITORY / card.origin_file).is_file()


def test_what_is_shipped_allows_commercial_use_and_what_learned_from_data_without_terms_does_not_say_so() -> None:
    assert set(ALL) >= SHIPPED
    for card in map(read_card, ALL):
        terms = ("Apache-2.0", "yes") if card.name in SHIPPED else ("unknown", "unknown")
        assert (card.licence, card.commercial_use) == terms


@pytest.mark.parametrize("name", ALL)
def test_the_weights_are_the_ones_the_card_promises(name: str) -> None:
    """Statistics of normalisations are no parameters."""
    learnt = (tensor for name, tensor in load_weights(name).items() if not re.search(r"\.(running_|num_)", name))
    assert sum(tensor.size for tensor in learnt) == read_card(name).parameters


def test_weights_come_as_float32() -> None:
    assert {tensor.dtype for tensor in load_weights(NAME).values()} == {np.dtype("float32")}


def test_a_flipped_bit_is_noticed(models: Path) -> None:
    path = models / NAME / "weights.safetensors"
    weights_file(NAME)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(MocapError, match="damaged"):
        weights_file(NAME)


def test_missing_weights_say_what_to_do(models: Path) -> None:
    (models / NAME / "weights.safetensors").unlink()
    with pytest.raises(MocapError, match=r"missing.*reinstall"):
        weights_file(NAME)


def test_a_damaged_graph_is_noticed(models: Path) -> None:
    path = models / NAME / "graph.xml"
    check_model(NAME)
    path.write_bytes(path.read_bytes().replace(b"Convolution", b"Deconvoluti", 1))
    for check in (check_model, graph_file):
        with pytest.raises(MocapError, match=r"graph of blazepose-lite is damaged"):
            check(NAME)


def test_a_missing_graph_says_what_to_do(models: Path) -> None:
    (models / NAME / "graph.xml").unlink()
    with pytest.raises(MocapError, match=r"graph of blazepose-lite is missing.*reinstall"):
        check_model(NAME)


def test_a_card_may_name_no_graph(models: Path) -> None:
    card = models / NAME / "card.toml"
    card.write_text(card.read_text().replace("[graph]", "[other]"))
    check_model(NAME)
    assert read_card(NAME).graph_file == ""
    with pytest.raises(MocapError, match=r"names no graph; make one with training/write_graphs\.py"):
        graph_file(NAME)


def test_only_safetensors_are_loaded(models: Path) -> None:
    card = models / NAME / "card.toml"
    (models / NAME / "weights.pt").write_bytes(b"pickle")
    card.write_text(card.read_text().replace("weights.safetensors", "weights.pt"))
    with pytest.raises(MocapError, match=r"no \.safetensors"):
        load_weights(NAME)


@pytest.mark.parametrize("content", ["name = ", 'name = "blazepose-lite"\n'])
def test_a_broken_card_is_an_error_in_one_line(models: Path, content: str) -> None:
    (models / NAME / "card.toml").write_text(content)
    with pytest.raises(MocapError, match="cannot be read") as raised:
        read_card(NAME)
    assert "\n" not in str(raised.value)


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(MocapError, match="blazepose-heavy"):
        read_card("blazepose-huge")


def test_a_models_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(MocapError, match="nowhere"):
        list_cards()


@pytest.fixture
def download(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the weights of a model are expected that are the user's own download, of the four bytes "real"."""
    card = models / NAME / "card.toml"
    text = card.read_text().replace(read_card(NAME).sha256, hashlib.sha256(b"real").hexdigest())
    text = text.replace("weights.safetensors", "theirs.pth").replace("[weights]", '[weights]\ndownload = "fetch it"')
    card.write_text(text.replace("[graph]", "[other]"))
    monkeypatch.setenv("TORCH_HOME", str(models / "torch"))
    folder = models / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder / "theirs.pth"


def test_a_download_that_is_not_there_is_not_damaged(download: Path) -> None:
    with pytest.raises(NotDownloadedError, match=r"not downloaded; fetch it with: fetch it$") as raised:
        check_model(NAME)
    assert str(download) in str(raised.value)


def test_a_download_is_checked_as_other_weights_are(download: Path) -> None:
    download.write_bytes(b"real")
    assert weights_file(NAME) == download
    download.write_bytes(b"fake")
    with pytest.raises(MocapError, match=r"damaged or not as its card says.*fetch them again with: fetch it") as raised:
        weights_file(NAME)
    assert not isinstance(raised.value, NotDownloadedError)


def test_downloads_are_looked_for_where_torch_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("torch").hub
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert downloads_folder() == Path(hub.get_dir()) / "checkpoints"
        monkeypatch.delenv(variable)
    assert downloads_folder() == Path(hub.get_dir()) / "checkpoints"


@pytest.mark.parametrize("key", ["estimator", "keypoints", "parts"])
def test_a_card_says_what_runs_it_and_what_it_gives(models: Path, key: str) -> None:
    card = models / NAME / "card.toml"
    card.write_text(re.sub(rf"^{key} = .*\n", "", card.read_text(), flags=re.MULTILINE))
    with pytest.raises(MocapError, match=rf"cannot be read \(.*{key}"):
        read_card(NAME)
