"""The options that several commands share, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mocap.io.outlets import known_suffixes


class ProgressMode(StrEnum):
    """How progress is reported."""

    auto = "auto"
    bar = "bar"
    json = "json"
    none = "none"


class Units(StrEnum):
    """Length units of a BVH."""

    m = "m"
    cm = "cm"


class SolverName(StrEnum):
    """How keypoints become motion."""

    refined = "refined"
    fast = "fast"


class CameraMotion(StrEnum):
    """Whether the camera turned while it filmed."""

    auto = "auto"
    static = "static"
    moving = "moving"


class FootLock(StrEnum):
    """Whether standing feet are held still."""

    auto = "auto"
    off = "off"


Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help=f"Where to write; the suffix picks the format: {known_suffixes()}. take.json is written beside others.",
    ),
]
ProgressOption = Annotated[
    ProgressMode, typer.Option("--progress", help="Progress on a terminal, as JSON Lines on stdout, or none.")
]
UnitsOption = Annotated[
    Units, typer.Option("--units", help="Length unit of the BVH: m suits Blender, cm some other tools.")
]
Estimator = Annotated[str, typer.Option(help="The pose network; `mocap models` lists them.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
People = Annotated[str, typer.Option(help="Whom to capture: largest, all, or how many.")]
Start = Annotated[float | None, typer.Option(help="Begin at this second of the clip.")]
End = Annotated[float | None, typer.Option(help="Stop at this second of the clip.")]
AllowDamaged = Annotated[bool, typer.Option("--allow-damaged", help="Take what a cut or damaged file still holds.")]
Fov = Annotated[
    float | None,
    typer.Option("--fov", help="Angle of view of the picture's longer side, degrees. [as the file tells, else 55]"),
]
Pitch = Annotated[
    float | None, typer.Option("--camera-pitch", help="How far the camera looks down, degrees. [as people stand]")
]
Roll = Annotated[
    float | None,
    typer.Option("--camera-roll", help="How far the camera is turned clockwise, degrees. [as people stand]"),
]
Height = Annotated[float | None, typer.Option("--height", help="The person's height in metres; fixes the scale.")]
FilterName = Annotated[
    str | None,
    typer.Option("--filter", help="butterworth, savgol, gaussian, kalman, one_euro or none. [a new take: butterworth]"),
]
Cutoff = Annotated[float | None, typer.Option("--cutoff", help="The filter's -3 dB frequency in Hz. [a new take: 6]")]
CameraOption = Annotated[
    CameraMotion | None,
    typer.Option(
        "--camera", help="Whether the camera stood still or turned. [a new take: auto, as the background shows]"
    ),
]
Solver = Annotated[
    SolverName | None,
    typer.Option("--solve", help="Fitted to all the evidence at once, or bone by bone. [a new take: refined]"),
]
FootLockOption = Annotated[
    FootLock | None, typer.Option("--foot-lock", help="Hold feet still that stand, or not. [a new take: auto]")
]
FailOn = Annotated[
    str, typer.Option(help='Exit with 3 where a take is worse than that: "slide=5,unseen=0.2".', show_default=False)
]
