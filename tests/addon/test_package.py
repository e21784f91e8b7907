"""What the add-on may not do: need more than Blender, reach for the network, import Blender where it must not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ADDON = Path(__file__).resolve().parents[2] / "blender_addon" / "mocap_blender"
FILES = sorted(ADDON.rglob("*.py"))
BLENDER = {"bpy", "bpy_extras", "mathutils"}
SPDX = "# SPDX-License-Identifier:"
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "webbrowser", "xmlrpc"}


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports; its own are left out."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ADDON).as_posix())
def test_a_file_imports_only_what_blender_brings_and_no_network(path: Path) -> None:
    allowed = (set(sys.stdlib_module_names) | {"numpy"} | BLENDER) - NETWORK
    assert imported(path) <= allowed
    if path.parent.name == "pure":
        assert not imported(path) & BLENDER


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ADDON).as_posix())
def test_a_file_says_its_licence(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first in (f"{SPDX} GPL-3.0-or-later", f"{SPDX} Apache-2.0 OR GPL-3.0-or-later")


def test_the_package_can_be_imported_without_blender() -> None:
    top = ast.parse((ADDON / "__init__.py").read_text(encoding="utf-8")).body
    assert not [node for node in top if isinstance(node, ast.Import)]


def test_nothing_is_installed_into_blender() -> None:
    assert not [path for path in FILES if "pip" in path.read_text(encoding="utf-8").replace("pipx", "").split()]
