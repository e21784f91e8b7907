# SPDX-License-Identifier: GPL-3.0-or-later
"""The mocap program as a process of its own: found, asked for its version, run, listened to, ended."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import CommandError

INSTALL_LINE = "pipx install opentake"
OLDEST = (0, 1)
VERSION_TIMEOUT_S = 60  # the first start of a fresh installation is slow
PATIENCE_S = 5  # for a process that was asked to end


@dataclass(frozen=True)
class Event:
    """What the program says. kind: progress (stage, done, total), done (outputs), or error (message)."""

    kind: str
    stage: str = ""
    done: int = 0
    total: int = 0
    outputs: tuple[str, ...] = ()
    message: str = ""


def usual_places() -> list[Path]:
    """Where installers put programs, those of the user first."""
    home, windows = Path.home(), os.name == "nt"
    name = "mocap.exe" if windows else "mocap"
    folders = [home / ".local" / "bin", home / "opentake" / ("Scripts" if windows else "bin")]
    if windows:
        roaming = Path(os.environ.get("APPDATA", home))
        folders += sorted((roaming / "Python").glob("Python3*/Scripts"), reverse=True)
        folders += sorted((home / "AppData/Local/Programs/Python").glob("Python3*/Scripts"), reverse=True)
    else:
        folders += sorted((home / "Library/Python").glob("3.*/bin"), reverse=True)
        folders += [Path("/", "opt", "homebrew", "bin"), Path("/usr/local/bin")]  # Homebrew, and by hand
    return [folder / name for folder in folders]


def find(preferred: str = "") -> Path:
    """The program: the one the user named, the one on the PATH, or one in a usual place. Raises CommandError."""
    if preferred:
        path = Path(preferred).expanduser()
        if path.is_file():
            return path
        raise CommandError(f"there is no program {path}; correct the path in the add-on's preferences")
    found = shutil.which("mocap")
    candidates = [Path(found)] if found else []
    for path in candidates + usual_places():
        if path.is_file():
            return path
    raise CommandError(f"the mocap program is not installed; in a terminal: {INSTALL_LINE}")


def check_version(program: Path) -> str:
    """The program's version. Raises CommandError if it does not answer or is too old."""
    try:
        asked = [str(program), "--version"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, **_quiet())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"{program} does not start ({error}); install it anew: {INSTALL_LINE}") from error
    version = done.stdout.strip().split()[-1] if done.stdout.strip() else ""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if done.returncode != 0 or len(numbers) < 2:
        raise CommandError(f"{program} is not the mocap program; name the right one in the add-on's preferences")
    if numbers < OLDEST:
        raise CommandError(f"{program} is version {version}, too old for this add-on: {INSTALL_LINE} --force")
    return version


class Run:
    """A running ``mocap process``. ``events`` never waits, so a timer of Blender can ask for them."""

    def __init__(self, program: Path, clip: Path, output: Path, extra: list[str] | None = None) -> None:
        command = [str(program), "process", str(clip), "-o", str(output), "--progress", "json", *(extra or [])]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **_quiet()
            )
        except OSError as error:
            raise CommandError(f"{program} does not start ({error})") from error
        self._lines: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(self._process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=_read, args=(self._process.stderr, self._said.append), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def events(self) -> Iterator[Event]:
        """What was said since the last call; the last event of a run is "done" or "error"."""
        ended = self._process.poll() is not None
        if ended:
            for reader in self._readers:
                reader.join(PATIENCE_S)
        finished = False
        while not self._lines.empty():
            event = _event(self._lines.get())
            if event is not None:
                finished = finished or event.kind != "progress"
                yield event
        if ended and not finished and not self._has_finished:
            self._has_finished = True
            last = self._said[-1].strip() if self._said else f"it ended with status {self._process.returncode}"
            yield Event("error", message=f"mocap: {last}")
        self._has_finished = self._has_finished or finished

    _has_finished = False

    def cancel(self) -> None:
        """Ends the program; it leaves nothing half-written."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._has_finished = True


def _read(stream, put) -> None:
    for line in stream:
        put(line)


def _event(line: str) -> Event | None:
    """The event of a line of JSON; None for anything else, which newer programs may say."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    if said.get("event") == "progress":
        return Event("progress", str(said.get("stage", "")), int(said.get("done", 0)), int(said.get("total", 0)))
    if said.get("event") == "done":
        return Event("done", outputs=tuple(str(path) for path in said.get("outputs", ())))
    if said.get("event") == "error":
        return Event("error", message=str(said.get("message", "it failed")))
    return None


def _quiet() -> dict:
    """Keeps a console window from opening on Windows."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
