"""Installs a built wheel into a clean environment, and tests the installed program from outside the repository.

    python .ci/test_wheel.py dist [--constraints constraints/cpu.txt]

Only the standard library is used here. The environment is removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CLIP = REPOSITORY / "examples" / "walk.mp4"


def main() -> None:
    """Reads the command line, and tests the one wheel of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the wheel is")
    parser.add_argument(
        "--constraints", type=Path, help="versions to install; without it, the newest that the wheel allows"
    )
    arguments = parser.parse_args()
    (wheel,) = arguments.folder.glob("opentake-*.whl")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        check(install(wheel.resolve(), Path(folder), arguments.constraints), Path(folder))


def install(wheel: Path, folder: Path, constraints: Path | None) -> Path:
    """The Python of a new environment that holds the wheel and what it asks for."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    held = ["--constraint", str(constraints.resolve())] if constraints else []
    subprocess.run([python, "-m", "pip", "install", "--quiet", *held, wheel], check=True)
    return python


def check(python: Path, folder: Path) -> None:
    """Runs the program, as a user has it, on the example clip; raises where something is wrong."""
    run(python, folder, "-m", "pip", "check")
    where = run(python, folder, "-c", "import mocap; print(mocap.__file__)").strip()
    assert Path(where).is_relative_to(folder.resolve()), f"not the installed package: {where}"
    for command in (["version"], ["--help"], ["models"], ["doctor"]):
        run(python, folder, "-m", "mocap", *command)
    take = folder / "walk.bvh"
    run(python, folder, "-m", "mocap", "process", str(CLIP), "-o", str(take), "--end", "1")
    run(python, folder, "-m", "mocap", "validate", str(take))
    assert json.loads(take.with_suffix(".json").read_text(encoding="utf-8"))["people"], "nobody was found"


def run(python: Path, folder: Path, *arguments: str) -> str:
    """What a command prints; its output is shown and the test ends where it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MOCAP_MODELS")}
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    sys.stdout.write(f"{' '.join(arguments)}: {done.returncode}\n")
    if done.returncode != 0:
        sys.exit(done.stdout)
    return done.stdout


if __name__ == "__main__":
    main()
