"""What can be asked of a whole take: what to capture, how to solve it, what to write. Light: --help needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mocap.io.outlets import OUTLETS
from mocap.model.settings import Option, check, check_fully, option, options_of
from mocap.solve.settings import SolveSettings

FROM_VIDEO = ("process", "batch")  # the commands that have the clip
LATEST_S = 1e9  # no clip is longer; products with a frame rate stay finite


@dataclass(frozen=True)
class CaptureSettings:
    """Which part of the clip to look at, which people, and with which network.

    Times are in seconds after the clip's first image. ``solve`` holds the settings of the stage that follows.

    Raises
    ------
    MocapError
        When made with a value outside its range or choices. The estimator's name is looked up when it is loaded.
    """

    estimator: str = option(
        "blazepose-heavy",
        "estimator",
        "The pose network; blazepose-full and blazepose-lite are faster and less exact. `mocap models` lists all.",
        listed="mocap.estimate:estimator_names",
        commands=FROM_VIDEO,
    )
    device: str = option(
        "auto",
        "device",
        "Where the networks run; auto takes the fastest there is.",
        choices=("auto", "cpu", "cuda", "mps"),
        commands=FROM_VIDEO,
    )
    start_s: float | None = option(
        None,
        "start",
        "Begin at this second of the clip.",
        unit="s",
        low=0.0,
        high=LATEST_S,
        unset="the start of the clip",
        commands=FROM_VIDEO,
    )
    end_s: float | None = option(
        None,
        "end",
        "Stop at this second of the clip.",
        unit="s",
        low=0.0,
        high=LATEST_S,
        unset="the end of the clip",
        commands=FROM_VIDEO,
    )
    allow_damaged: bool = option(
        False, "allow-damaged", "Use what a cut or damaged file still holds.", commands=FROM_VIDEO
    )
    people: str = option(
        "largest",
        "people",
        "Which people to capture: the largest, all, or how many.",
        choices=("largest", "all"),
        counts=True,
        metavar="largest|all|NUMBER",
        commands=FROM_VIDEO,
    )
    fps: float | None = option(
        None,
        "fps",
        "Frames a second of a folder of images that stands in place of a clip.",
        unit="Hz",
        low=1.0,
        high=1000.0,
        unset="30",
        commands=FROM_VIDEO,
    )
    solve: SolveSettings = field(default_factory=SolveSettings)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class OutputSettings:
    """What is written of a take, and when it counts as too poor.

    A file is False (not written), a path, or True: it then lies beside the take and is named after it, as every file of
    a batch is.
    """

    units: str = option(
        "m", "units", "Length unit of the BVH: m suits Blender, cm some other tools.", choices=("m", "cm")
    )
    format: str = option(
        "bvh",
        "format",
        "The format of a batch's takes; take.json is written beside the others.",
        choices=tuple(suffix.removeprefix(".") for suffix in OUTLETS),
        commands=("batch",),
    )
    preview: Path | bool = option(
        False,
        "preview",
        "Also write the clip with the skeleton drawn over it (mp4, mov, mkv).",
        suffix="_preview.mp4",
        commands=FROM_VIDEO,
    )
    plot: Path | bool = option(
        False, "plot", "Also draw curves before and after filtering (png, svg, pdf).", suffix="_curves.png"
    )
    report: Path | bool = option(
        False,
        "report",
        "Also write a report on how good the take is (html for people, json for programs).",
        suffix="_report.html",
        commands=FROM_VIDEO,
    )
    fail_on: str = option(
        "",
        "fail-on",
        "Exit with 3 where the take is worse than these limits: slide=5,unseen=0.2.",
        metavar="LIMITS",
        parsed="mocap.report.thresholds:parse",
        commands=FROM_VIDEO,
    )

    def __post_init__(self) -> None:
        check(self)

    def file(self, key: str, take: Path) -> Path | None:
        """Where a file goes that was asked for.

        Parameters
        ----------
        key : str
            ``preview``, ``plot`` or ``report``.
        take : pathlib.Path
            The take's own file, after which it is named where no path was given.

        Returns
        -------
        pathlib.Path or None
            None where the file was not asked for.
        """
        wanted = getattr(self, key)
        if not isinstance(wanted, bool):
            return Path(wanted)
        suffix = next(declared.suffix for declared in options_of(self) if declared.key == key)
        return take.with_name(take.stem + suffix) if wanted else None


@dataclass(frozen=True)
class TakeSettings:
    """All options of a take: those of the capture, which holds those of the solve, and those of the outputs."""

    capture: CaptureSettings = field(default_factory=CaptureSettings)
    output: OutputSettings = field(default_factory=OutputSettings)

    def changed(self, given: Mapping[str, Any]) -> TakeSettings:
        """The settings with some values replaced.

        Parameters
        ----------
        given : mapping
            Values by the options' names (``camera-pitch``), as the command line and ``mocap.toml`` have them.

        Raises
        ------
        MocapError
            For a value outside its range or choices.
        """
        solve = replace(self.capture.solve, **by_key(SolveSettings, given))
        capture = replace(self.capture, solve=solve, **by_key(CaptureSettings, given))
        return TakeSettings(capture, replace(self.output, **by_key(OutputSettings, given)))

    def values(self) -> dict[str, Any]:
        """All values by the options' names.

        Returns
        -------
        dict
            JSON values, except for a file whose path was given. `changed` takes them back.
        """
        stages = (self.capture, self.capture.solve, self.output)
        return {declared.name: getattr(stage, declared.key) for stage in stages for declared in options_of(stage)}

    def digest(self) -> str:
        """A digest that changes with every setting."""
        import hashlib  # here: --help does without
        import json

        return hashlib.sha256(json.dumps(self.values(), sort_keys=True).encode()).hexdigest()

    def check(self) -> None:
        """Check what needs an import, too: names in tables, limits of quality. Raises MocapError."""
        for stage in (self.capture, self.capture.solve, self.output):
            check_fully(stage)


STAGES = (CaptureSettings, SolveSettings, OutputSettings)  # the dataclasses that hold options


def by_key(stage: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the values of one stage.

    Parameters
    ----------
    stage : type
        A settings dataclass.
    given : mapping
        Values by the options' names, of any stage.

    Returns
    -------
    dict
        Those of the stage, by the names of its fields.
    """
    return {declared.key: given[declared.name] for declared in options_of(stage) if declared.name in given}


def take_options() -> dict[str, Option]:
    """The options of every stage, by name."""
    return {declared.name: declared for stage in STAGES for declared in options_of(stage)}
