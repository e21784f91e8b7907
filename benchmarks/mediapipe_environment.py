"""MediaPipe with its heavy network, in an environment of its own: it needs another NumPy than mocap may have."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGES = ("mediapipe==0.10.21", "numpy<2", "jax")
NETWORKS = (
    "@mediapipe/pose@0.5.1675469404"  # the wheel lacks the heavy network; MediaPipe's package for browsers has it
)
HEAVY = "pose_landmark_heavy.tflite"


def mediapipe_python(folder: Path) -> Path:
    """The Python of an environment that runs MediaPipe's heavy pipeline, made in ``folder`` unless it is there.

    Needs Python 3.11 or 3.12, pip's package index, and npm with its registry.
    """
    python = folder / "mediapipe" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    mark = folder / "mediapipe" / "complete"
    if mark.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "mediapipe"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    where = "import importlib.util as u; print(u.find_spec('mediapipe').submodule_search_locations[0])"
    found = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    _fetch_heavy(folder, Path(found.stdout.strip()) / "modules" / "pose_landmark" / HEAVY)
    mark.touch()
    return python


def _fetch_heavy(folder: Path, target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"npm is needed to fetch {NETWORKS}; install Node.js")
    packed = subprocess.run([npm, "pack", "--silent", NETWORKS], cwd=folder, check=True, capture_output=True, text=True)
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        member = archive.extractfile(f"package/{HEAVY}")
        if member is None:
            raise SystemExit(f"{NETWORKS} has no {HEAVY}")
        target.write_bytes(member.read())
