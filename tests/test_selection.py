"""How tests are chosen and started: the quick selection, and Ctrl-C under a shell that ignores it."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

CHILD = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
BELOW_PYTEST = f"""
import subprocess, sys
import conftest
conftest.hear_ctrl_c()
print(subprocess.run([sys.executable, "-c", {CHILD!r}], capture_output=True, text=True).stdout)
"""


def test_every_slow_path_is_there() -> None:
    found = importlib.util.spec_from_file_location("root_conftest", TESTS / "conftest.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert [path for path in module.SLOW if not (TESTS / path).exists()] == []


def test_the_quick_selection_does_not_import_slow_files() -> None:
    slow = "tests/test_cli.py"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", "-m", "not slow", slow]
    collected = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert "::" not in collected.stdout
    assert "collected 0 items" in collected.stdout or "no tests collected" in collected.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ignored signals that children inherit")
def test_programs_that_tests_start_hear_ctrl_c_though_the_shell_ignored_it() -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    command = [sys.executable, "-c", BELOW_PYTEST]
    run = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, preexec_fn=ignore, check=True)
    assert run.stdout.strip() == "True"
