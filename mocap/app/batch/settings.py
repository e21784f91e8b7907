"""What is asked for each clip: the options of the command line, overridden by ``mocap.toml`` files."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mocap.model.errors import MocapError, unknown_name

if TYPE_CHECKING:
    from mocap.app.process import CaptureSettings

OVERRIDES_FILE = "mocap.toml"
CLIP_TABLE = "clip"


@dataclass(frozen=True)
class TakeSettings:
    """The options of ``mocap process`` that make a take, by their names; None is "not given".

    preview, report: whether they are written, too. fail_on: thresholds, as on the command line; "" for none.
    """

    estimator: str = "blazepose-heavy"
    device: str = "auto"
    people: str = "largest"
    start: float | None = None
    end: float | None = None
    height: float | None = None
    fov: float | None = None
    camera: str | None = None
    camera_pitch: float | None = None
    camera_roll: float | None = None
    filter: str | None = None
    cutoff: float | None = None
    solve: str | None = None
    foot_lock: str | None = None
    units: str = "m"
    allow_damaged: bool = False
    preview: bool = False
    fail_on: str = ""
    report: bool = False

    def digest(self) -> str:
        """Changes with every setting."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def capture(self) -> CaptureSettings:
        """The settings as the pipeline takes them. Raises MocapError for values out of range."""
        from mocap.app.process import CaptureSettings
        from mocap.solve.settings import SolveSettings

        solve = {
            "height_m": self.height,
            "fov_degrees": self.fov,
            "camera_pitch_degrees": self.camera_pitch,
            "camera_roll_degrees": self.camera_roll,
            "filter_name": self.filter,
            "cutoff_hz": self.cutoff,
            "camera_motion": self.camera,
            "solver": self.solve,
            "foot_lock": self.foot_lock,
        }
        return CaptureSettings(
            estimator=self.estimator,
            device=self.device,
            start_s=self.start,
            end_s=self.end,
            allow_damaged=self.allow_damaged,
            people=self.people,
            solve=SolveSettings.from_json({key: value for key, value in solve.items() if value is not None}),
        )

    def check(self) -> None:
        """Raise MocapError for what can be told to be wrong without a clip."""
        from mocap.estimate import estimator_card
        from mocap.report import thresholds

        self.capture()
        estimator_card(self.estimator)
        if self.units not in ("m", "cm"):
            raise unknown_name("unit", self.units, ["m", "cm"])
        if self.fail_on:
            thresholds.parse(self.fail_on)


class Overrides:
    """The ``mocap.toml`` files of a tree of clips, each read once.

    Its keys are the options' names, as on the command line, and hold for the clips in its folder and below; a deeper
    file wins. A table ``[clip."walk.mp4"]`` holds for one clip beside the file, and wins over all.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {}

    def settings(self, clip: Path, base: TakeSettings) -> TakeSettings:
        """``base`` with what the files say of a clip (its path from the root). Raises MocapError naming the file."""
        chosen: dict[str, Any] = {}
        for folder in reversed(clip.parents):
            chosen |= self._file(folder)[0]
        chosen |= self._file(clip.parent)[1].get(clip.name, {})
        return replace(base, **chosen)

    def _file(self, folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Settings for the folder, and by clip; empty where there is no file."""
        if folder not in self._read:
            path = self._root / folder / OVERRIDES_FILE
            self._read[folder] = _parse(path) if path.is_file() else ({}, {})
        return self._read[folder]


def _parse(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MocapError(f"{path} cannot be read: {error}") from error
    clips = content.pop(CLIP_TABLE, {})
    if not isinstance(clips, dict) or not all(isinstance(table, dict) for table in clips.values()):
        raise MocapError(f'{path}: expected tables like [{CLIP_TABLE}."walk.mp4"]')
    for clip in clips:
        if not (path.parent / clip).is_file():
            raise MocapError(f"{path}: there is no clip '{clip}' beside it")
    return _options(content, path), {clip: _options(table, path) for clip, table in clips.items()}


def _options(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """The table with the fields' names for keys. Raises MocapError for unknown keys and values of another kind."""
    kinds = {field.name.replace("_", "-"): str(field.type) for field in fields(TakeSettings)}
    chosen = {}
    for key, value in table.items():
        if key not in kinds:
            raise MocapError(f"{path}: unknown key '{key}'; known are: {', '.join(kinds)}")
        chosen[key.replace("-", "_")] = _of_kind(value, kinds[key], f"{path}: {key}")
    return chosen


def _of_kind(value: Any, kind: str, where: str) -> Any:
    wanted = kind.partition(" ")[0]
    if wanted == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted == "str" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # people = 2
    if type(value).__name__ != wanted:
        names = {"str": "a text", "float": "a number", "bool": "true or false"}
        raise MocapError(f"{where}: expected {names[wanted]}, not {value!r}")
    return value
