"""The hosted workflows: they are read, what they run exists, and their parts are pinned."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))

# What a runner has, or what one of our dependencies installs.
PROGRAMS = {"python", "sudo", "gh", "ruff", "lint-imports", "mocap", "make"}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def commands(path: Path) -> list[list[str]]:
    """The words of every command of a workflow; ``&&`` parts them."""
    lines = [line for step in steps(path) for line in step.get("run", "").splitlines()]
    return [shlex.split(part) for line in lines for part in line.split(" && ")]


def targets() -> set[str]:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))


def missing(words: list[str]) -> list[str]:
    """What a command names and the repository lacks."""
    program, *rest = words
    if program == "make":
        return [word for word in rest if word not in targets()]
    named = [word for word in words if word.startswith(".ci/") or word.endswith((".py", ".txt"))]
    named += re.findall(r"\$\((\.ci/\w+)\)", " ".join(rest))
    known = program in PROGRAMS or (REPOSITORY / program).is_file()
    return [word for word in named if not (REPOSITORY / word).is_file()] + ([] if known else [program])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_only_what_exists(path: Path) -> None:
    assert commands(path)
    assert [name for words in commands(path) for name in missing(words)] == []


def test_a_target_that_does_not_exist_is_found() -> None:
    assert missing(["make", "nothing"]) == ["nothing"]
    assert missing(["python", ".ci/nothing.py"]) != []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_major_version(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", action)] == []


def test_every_system_and_python_is_tried() -> None:
    matrix = read(REPOSITORY / ".github" / "workflows" / "ci.yml")["jobs"]["quick"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = Requirement(f"python{project['requires-python']}").specifier
    assert set(matrix["python"]) == {f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}")}


def test_the_quick_tests_are_those_of_make_check() -> None:
    quick = re.search(r"^QUICK := (.+)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    run = [words for words in commands(REPOSITORY / ".github" / "workflows" / "ci.yml") if "pytest" in words]
    assert [words[words.index("-m", 2) + 1] for words in run] == [quick[1] if quick else ""]


def test_publishing_asks_for_no_password_and_waits_for_the_tests() -> None:
    jobs = read(REPOSITORY / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["index"]["permissions"] == {"id-token": "write"}
    assert all(jobs[name]["needs"] == "build" for name in ("index", "page"))
    assert "secrets." not in (REPOSITORY / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mark for programs")
def test_scripts_that_workflows_start_are_executable() -> None:
    programs = {words[0] for path in WORKFLOWS for words in commands(path) if words[0].startswith(".ci/")}
    assert [name for name in programs if not (REPOSITORY / name).stat().st_mode & 0o111] == []


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.name != "config.yml"], ids=lambda path: path.name)
def test_a_template_asks_for_something_and_labels_its_answers(path: Path) -> None:
    template = read(path)
    assert {"name", "description", "body"} <= set(template)
    identifiers = [part["id"] for part in template["body"]]
    assert len(identifiers) == len(set(identifiers)) > 0


def test_the_bug_template_asks_for_the_clip_and_the_doctor() -> None:
    bug = read(REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "bug.yml")
    assert {"clip", "doctor"} <= {part["id"] for part in bug["body"]}
