"""Which networks there are is read from their cards."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mocap.estimate import KINDS, TRAINABLE, create_detector, create_estimator, estimator_card
from mocap.estimate.networks import build_network, source_files
from mocap.io.weights import find_models_folder, list_cards, read_card
from mocap.model.errors import MocapError
from mocap.model.keypoints import LAYOUTS

NAME = "blazepose-lite"
ESTIMATORS = [card.name for card in list_cards() if card.role == "estimator"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with one copied to it."""
    shutil.copytree(find_models_folder() / NAME, tmp_path / NAME)
    monkeypatch.setenv("MOCAP_MODELS", str(tmp_path))
    return tmp_path


def change_card(models: Path, key: str, value: str) -> None:
    """Another value for a key of the copied card."""
    card = models / NAME / "card.toml"
    text, count = re.subn(rf'^{key} = ".*"$', f'{key} = "{value}"', card.read_text(), flags=re.MULTILINE)
    assert count == 1
    card.write_text(text)


def test_every_card_names_a_kind_and_a_layout_that_there_are() -> None:
    cards = {card.name: card for card in list_cards()}
    assert {card.kind for card in cards.values() if card.role != "lifter"} <= set(KINDS)
    assert {cards[name].keypoints for name in ESTIMATORS} <= set(LAYOUTS)
    assert {cards[name].parts for name in ESTIMATORS} == {("body",)}


def test_names_that_can_be_trained_are_those_that_training_exports() -> None:
    pytest.importorskip("torch")
    from training.export import KINDS as EXPORTED

    assert set(EXPORTED) == TRAINABLE


@pytest.mark.parametrize("name", sorted(TRAINABLE))
def test_what_is_not_trained_here_says_where_to_read_how(models: Path, name: str) -> None:
    with pytest.raises(MocapError, match=rf"{name} has no weights here; docs/dev/training\.md says how to train it"):
        create_estimator(name)


def test_a_detector_is_no_estimator() -> None:
    with pytest.raises(MocapError, match=r"unknown estimator 'blazepose-detector'.*blazepose-heavy"):
        estimator_card("blazepose-detector")
    with pytest.raises(MocapError, match=r"unknown detector 'lifter'.*blazepose-detector"):
        create_detector("lifter")


def test_a_card_beside_makes_another_estimator(models: Path) -> None:
    shutil.copytree(models / NAME, models / "mine")
    card = models / "mine" / "card.toml"
    card.write_text(card.read_text().replace('name = "blazepose-lite"', 'name = "mine"'))
    assert create_estimator("mine", device="cpu").layout.name == "BLAZEPOSE_33"


def test_a_card_may_name_a_class_of_this_package(models: Path) -> None:
    change_card(models, "estimator", "mocap.estimate.blazepose:BlazePoseEstimator")
    assert create_estimator(NAME, device="cpu").layout.name == "BLAZEPOSE_33"


@pytest.mark.parametrize("kind", ["openpose", "os:abort", "mocap.cli.main:main", "mocap.estimate.blazepose"])
def test_a_card_names_nothing_else(models: Path, kind: str) -> None:
    change_card(models, "estimator", kind)
    with pytest.raises(MocapError, match=f"the card of {NAME} names the unknown kind '{kind}'; known: blazepose, "):
        create_estimator(NAME, device="cpu")


def test_a_card_that_promises_other_keypoints_is_refused(models: Path) -> None:
    change_card(models, "keypoints", "COCO_17")
    with pytest.raises(MocapError, match="says COCO_17 of body; it gives BLAZEPOSE_33 of body"):
        create_estimator(NAME, device="cpu")


@pytest.mark.parametrize("reference", ["deeppose", "os:abort", "training.none:none", "mocap.estimate.graphs:no"])
def test_a_network_that_is_not_there_is_an_error_in_one_line(reference: str) -> None:
    with pytest.raises(MocapError, match=f"there is no network '{reference}'"):
        build_network(reference)


def test_a_compiled_network_is_stale_when_its_own_code_changes() -> None:
    card = read_card("deeppose")
    names = {path.name for path in source_files(card.network)}
    assert {"deeppose.py", "blocks.py"} <= names
    assert "deeppose.py" not in {path.name for path in source_files(read_card(NAME).network)}


def test_the_torch_module_of_a_research_network_asks_for_its_package_in_one_line() -> None:
    """As on a graphics card, with the product alone installed."""
    pytest.importorskip("torch")
    code = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, *arguments):
        return None if name == "training" else super().find_spec(name, *arguments)
sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from mocap.estimate.torch_runtime import TorchNetwork
from mocap.model.errors import MocapError
try:
    TorchNetwork("deeppose", device="cpu")
except MocapError as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root)
    (line,) = ran.stdout.splitlines()
    assert "needs opentake-training, which is not installed: pip install ./training" in line
