"""The shape of the code: which way imports point, what a light start loads, how long a function may be."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "mocap"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"numpy", "torch", "cv2", "scipy", "openvino", "av", "matplotlib"}
LONGEST_FILE, LONGEST_FUNCTION = 320, 45  # lines; of a function without its docstring
MOST_PARAMETERS = 6  # without self; the commands have one for every option
HELP_SECONDS = 0.3
COMMANDS = "cli/"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[str, Function]]:
    """Every function with its place, methods and inner functions included."""
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, Function):
                yield f"{name(path)}:{node.lineno} {node.name}", node


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"""
import sys
try:
    {statement}
except SystemExit:
    pass
print("loaded:", *sys.modules, file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    line = next(line for line in ran.stderr.splitlines() if line.startswith("loaded:"))
    return {module.partition(".")[0] for module in line.split()[1:]}


def test_imports_keep_the_contracts() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("import-linter is not installed (dependency group lint)")
    ran = subprocess.run(
        [program, "--no-logo", "--no-cache"], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import mocap").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_by("sys.argv = ['mocap', '--help']; from mocap.cli.main import main; main()")
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "command",
    [
        "process",
        "annotate",
        "batch",
        "solve",
        "convert",
        "validate",
        "report",
        "evaluate",
        "models",
        "options",
        "doctor",
        "version",
    ],
)
def test_the_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    loaded = loaded_by(f"sys.argv = ['mocap', '{command}', '--help']; from mocap.cli.main import main; main()")
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.slow
def test_training_and_networks_load_without_video_blender_and_openvino() -> None:
    """Of training's modules only those that render bodies or read TensorFlow Lite files ask for more."""
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed (extra train)")
    own = {"render_bodies", "posed_body", "convert_blazepose", "tflite_reader"}
    files = [
        path
        for folder in ("training", "mocap/estimate/networks")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
    ]
    modules = [".".join(path.relative_to(REPOSITORY).with_suffix("").parts) for path in files if path.stem not in own]
    absent = "sys.modules.update(dict.fromkeys(('av', 'bpy', 'openvino')))"
    loaded = loaded_by(f"{absent}; import {', '.join(name.removesuffix('.__init__') for name in modules)}")
    assert {"torch", "training"} <= loaded


def test_estimators_are_listed_without_a_network_runtime() -> None:
    assert loaded_by("import mocap.estimate").isdisjoint({"torch", "openvino"})


@pytest.mark.slow
def test_help_is_there_at_once() -> None:
    def start() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mocap", "--help"], capture_output=True, check=True, cwd=REPOSITORY)
        return time.perf_counter() - began

    assert any(start() < HELP_SECONDS for _ in range(10))  # a busy machine may need more than one try


def test_files_are_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {file: length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = {place: (f.end_lineno or f.lineno) - first_line(place, f) + 1 for place, f in functions()}
    assert {place: length for place, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def first_line(place: str, function: Function) -> int:
    """Line from which a function's length is counted: docstrings and a command's long list of options do not count."""
    if ast.get_docstring(function):
        return (function.body[0].end_lineno or function.lineno) + 1
    return function.body[0].lineno if place.startswith(COMMANDS) else function.lineno


def test_functions_take_few_parameters() -> None:
    counts = {place: len(parameters(f)) for place, f in functions() if not place.startswith(COMMANDS)}
    assert {place: count for place, count in counts.items() if count > MOST_PARAMETERS} == {}


def parameters(function: Function) -> list[str]:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [argument for argument in names if argument not in ("self", "cls")]


def test_what_is_public_says_what_it_is() -> None:
    bare = [name(path) for path in MODULES if not ast.get_docstring(tree(path))]
    for path in MODULES:
        bare += [f"{name(path)} {node.name}" for node in public_nodes(tree(path)) if not ast.get_docstring(node)]
    assert bare == []


def public_nodes(parent: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Public functions, classes and methods; a network's ``forward`` is told by its class."""
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") and node.name != "forward":
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_nodes(node)


def test_nothing_catches_everything() -> None:
    broad = [
        f"{name(path)}:{handler.lineno}"
        for path in MODULES
        for handler in ast.walk(tree(path))
        if isinstance(handler, ast.ExceptHandler) and {"Exception", "BaseException", ""} & set(caught(handler))
    ]
    assert broad == []


def caught(handler: ast.ExceptHandler) -> list[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return ["" if kind is None else ast.unparse(kind) for kind in kinds]


def test_only_the_command_line_prints() -> None:
    calls = [(name(path), node) for path in MODULES for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    prints = [file for file, call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert set(prints) <= {"cli/main.py"}


def test_no_module_is_a_drawer_for_the_rest() -> None:
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert names.isdisjoint({"utils", "util", "common", "core", "helpers", "misc"})
