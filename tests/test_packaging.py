"""What is shipped: the wheel, the pinned versions, the README, and what no file of the project may hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mocap
from mocap.app.process import CaptureSettings
from mocap.cli.main import app
from mocap.estimate import DEFAULT_DETECTOR
from mocap.io.weights import read_card
from mocap.solve.lift import DEFAULT_LIFTER

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
MOST_MODEL_BYTES = 220_000_000
MOST_WHEEL_BYTES = 60_000_000

# Put together here, so that this file does not hold what it looks for.
PACKAGE_HOSTS = ["pypi" + ".org", "python" + "hosted", "npm" + "js.", "download.py" + "torch", "hugging" + "face.co"]
MACHINE_PATH = re.compile(r"(?<![\w.:/~*-])/" + r"(?:work|root|opt|tmp)/\w")


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def shipped_models() -> list[str]:
    """Names of the models that the wheel carries."""
    included = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    return [path.removeprefix("models/") for path in included]


def tracked_files() -> Iterator[tuple[str, str]]:
    """Path and text of every text file under version control; skips where there is no repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for path in filter(None, listed.stdout.split("\0")):
        content = (REPOSITORY / path).read_bytes() if (REPOSITORY / path).is_file() else b""
        if b"\0" not in content:
            yield path, content.decode("utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the hatchling of this environment."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (dependency group test)")
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, capture_output=True, cwd=REPOSITORY)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and nothing else of the project."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(installed: Path, *arguments: str) -> str:
    """What Python prints with the unpacked wheel first on its path."""
    command = [sys.executable, *arguments]
    environment = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=installed.parent, env=environment
    ).stdout


@pytest.mark.slow
def test_the_wheel_is_named_opentake_and_brings_the_command_mocap(wheel: Path) -> None:
    assert wheel.name == f"opentake-{mocap.__version__}-py3-none-any.whl"
    with ZipFile(wheel) as archive:
        (entry_points,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert "mocap = mocap.cli.main:main" in archive.read(entry_points).decode()


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_of_its_models(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    for path, _ in tracked_files():
        if path.startswith("mocap/"):
            assert path in names
    assert "mocap/py.typed" in names
    models = [path for name in shipped_models() for path in (REPOSITORY / "models" / name).iterdir()]
    assert models
    for path in models:
        assert f"mocap/_models/{path.relative_to(REPOSITORY / 'models').as_posix()}" in names


def test_the_wheel_carries_what_process_needs_by_default() -> None:
    settings = CaptureSettings()
    assert {settings.estimator, settings.solve.lifter, DEFAULT_DETECTOR} <= set(shipped_models())


@pytest.mark.slow
def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= MOST_WHEEL_BYTES


def test_the_default_installation_is_without_torch() -> None:
    asked = {canonicalize_name(Requirement(text).name) for text in project()["project"]["dependencies"]}
    assert asked.isdisjoint({"torch", "torchvision", "matplotlib", "plotly"})
    extras = project()["project"]["optional-dependencies"]
    assert {Requirement(text).name for text in extras["torch"]} <= {Requirement(text).name for text in extras["train"]}


def test_every_network_that_runs_without_torch_has_a_graph() -> None:
    """The lifter runs with numpy; a network that is the user's own download needs torch."""
    others = [read_card(name) for name in shipped_models() if name != DEFAULT_LIFTER]
    assert [card.name for card in others if not card.graph_file and not card.download] == []


def test_the_readme_names_every_extra() -> None:
    extras = project()["project"]["optional-dependencies"]
    assert [extra for extra in extras if f"| `{extra}` |" not in README.read_text(encoding="utf-8")] == []


def test_the_models_are_not_too_large_for_a_repository() -> None:
    sizes = [path.stat().st_size for path in (REPOSITORY / "models").rglob("*") if path.is_file()]
    assert sum(sizes) <= MOST_MODEL_BYTES


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in ZipFile(wheel).namelist()} == {
        "mocap",
        f"opentake-{mocap.__version__}.dist-info",
    }


@pytest.mark.slow
def test_the_wheel_holds_the_licences_of_what_it_carries(wheel: Path) -> None:
    licences = {name.partition("/licenses/")[2] for name in ZipFile(wheel).namelist() if "/licenses/" in name}
    notices = {f"models/{name}/NOTICE" for name in shipped_models()}
    assert licences == {"LICENSE", "NOTICE"} | notices


def test_every_model_has_a_notice() -> None:
    folders = [folder for folder in (REPOSITORY / "models").iterdir() if folder.is_dir()]
    assert [folder.name for folder in folders if not (folder / "NOTICE").is_file()] == []


@pytest.mark.slow
def test_the_installed_wheel_runs_its_command(installed: Path) -> None:
    assert "process" in run_installed(installed, "-m", "mocap", "--help")


@pytest.mark.slow
def test_the_installed_wheel_finds_its_own_models(installed: Path) -> None:
    code = "from mocap.io.weights import list_cards\nfor card in list_cards(): print(card.folder)"
    paths = [Path(line) for line in run_installed(installed, "-c", code).splitlines()]
    assert sorted(path.name for path in paths) == sorted(shipped_models())
    assert all(path.is_relative_to(installed / "mocap" / "_models") for path in paths)


@pytest.fixture(scope="module")
def training_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the research part, built from its own project file."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (dependency group test)")
    folder = tmp_path_factory.mktemp("training_dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, capture_output=True, cwd=REPOSITORY / "training")
    (built,) = folder.glob("*.whl")
    return built


def test_the_research_part_is_a_package_of_its_own(training_wheel: Path) -> None:
    assert training_wheel.name == f"opentake_training-{mocap.__version__}-py3-none-any.whl"
    names = set(ZipFile(training_wheel).namelist())
    assert {name.split("/")[0] for name in names} == {
        "training",
        training_wheel.name[: -len("-py3-none-any.whl")] + ".dist-info",
    }
    sources = {path for path, _ in tracked_files() if path.startswith("training/") and path.endswith((".py", ".txt"))}
    assert sources
    assert sources <= names


def test_the_installed_research_part_builds_its_networks(installed: Path, training_wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with ZipFile(training_wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "from mocap.estimate.networks import build_network; print(build_network('training.networks.deeppose:DeepPose'))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(installed)])}
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert ran.stdout.startswith("DeepPose(")


def test_the_version_of_the_package_is_the_version_of_all() -> None:
    """``mocap/__init__.py`` has it; the wheel reads it there, and these files repeat it."""
    assert "version" in project()["project"]["dynamic"]
    manifest = REPOSITORY / "blender_addon" / "mocap_blender" / "blender_manifest.toml"
    addon = tomllib.loads(manifest.read_text(encoding="utf-8"))
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert addon["version"] == str(citation["version"]) == mocap.__version__
    research = tomllib.loads((REPOSITORY / "training" / "pyproject.toml").read_text(encoding="utf-8"))
    assert research["project"]["version"] == mocap.__version__
    assert f"## {mocap.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    for page in (README, *REPOSITORY.glob("docs/**/*.md")):
        assert set(re.findall(r"mocap_blender-([\d.]+\d)", page.read_text(encoding="utf-8"))) <= {mocap.__version__}


def test_the_citation_is_complete_and_of_this_licence() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == project()["project"]["license"]


def test_the_checks_before_a_commit_are_of_the_pinned_versions() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"]: hook for repository in config["repos"] for hook in repository["hooks"]}
    pins = (REPOSITORY / "constraints" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    assert set(hooks["ruff"]["additional_dependencies"] + hooks["ruff-format"]["additional_dependencies"]) <= set(pins)
    assert {"end-of-file-fixer", "mypy"} <= set(hooks)


def test_pinned_versions_are_of_packages_the_project_asks_for() -> None:
    groups = project()["dependency-groups"]
    asked = [Requirement(text) for text in project()["project"]["dependencies"]]
    asked += [Requirement(text) for group in groups.values() for text in group if isinstance(text, str)]
    lines = (REPOSITORY / "constraints" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(pin.name) for pin in pins}
    assert pinned == {canonicalize_name(requirement.name) for requirement in asked}
    for requirement in asked:
        fitting = [pin for pin in pins if canonicalize_name(pin.name) == canonicalize_name(requirement.name)]
        assert any(requirement.specifier.contains(str(pin.specifier).removeprefix("==")) for pin in fitting)


def test_no_file_names_a_package_host() -> None:
    named = [(path, host) for path, text in tracked_files() for host in PACKAGE_HOSTS if host in text]
    assert named == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    found = [(path, match.group()) for path, text in tracked_files() for match in MACHINE_PATH.finditer(text)]
    assert found == []


def test_every_script_of_continuous_integration_is_executable() -> None:
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111
    assert (REPOSITORY / ".ci" / "system_libraries").stat().st_mode & 0o111


@pytest.mark.skipif(sys.platform != "linux", reason="system libraries are looked up on Linux alone")
@pytest.mark.parametrize(("known", "missing"), [("libX11.so.6", False), ("libvulkan.so.1", True)])
def test_missing_system_libraries_are_listed_as_packages(known: str, missing: bool, tmp_path: Path) -> None:
    ldconfig = tmp_path / "ldconfig"
    ldconfig.write_text(f"#!/bin/sh\necho '{known} (libc6,x86-64)'\n")
    ldconfig.chmod(0o755)
    listed = subprocess.run(
        [REPOSITORY / ".ci" / "system_libraries"],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    ).stdout.split()
    assert ("libx11-6" in listed) == missing
    assert {"libgl1", "libxkbcommon0"} <= set(listed)


def readme_commands() -> list[list[str]]:
    """The words of every ``mocap …`` line in the README's code blocks."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = [line.partition("#")[0].split() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [words for words in lines if words[:1] == ["mocap"]]


def commands() -> dict[str, Any]:
    return typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_the_readmes_commands_and_options_exist() -> None:
    assert len(readme_commands()) > 3
    for _, verb, *words in readme_commands():
        options = {option for parameter in commands()[verb].params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= options, f"mocap {verb}"


def test_the_readme_lists_every_option_of_process() -> None:
    text = README.read_text(encoding="utf-8")
    options = [max(parameter.opts, key=len) for parameter in commands()["process"].params]
    assert [option for option in options if option.startswith("--") and f"`{option}" not in text] == []


def test_the_readme_never_installs_somebody_elses_package() -> None:
    text = README.read_text(encoding="utf-8")
    assert re.findall(r"install[^\n]*\bmocap\b(?!/)", text) == []


def test_the_readmes_make_targets_exist() -> None:
    targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = re.findall(r"`?make ([a-z]+)", README.read_text(encoding="utf-8"))
    assert {"demo", "test"} <= set(named) <= set(targets)


def test_the_readmes_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README.read_text(encoding="utf-8"))
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
