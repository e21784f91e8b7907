"""``mocap process`` and ``mocap solve``: a take is made, or its motion is made anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.options import (
    AllowDamaged,
    CameraOption,
    Cutoff,
    Device,
    End,
    Estimator,
    FailOn,
    FilterName,
    FootLockOption,
    Fov,
    Height,
    Output,
    People,
    Pitch,
    ProgressMode,
    ProgressOption,
    Roll,
    Solver,
    Start,
    Units,
    UnitsOption,
)
from mocap.model.errors import QualityError, one_line

if TYPE_CHECKING:
    from mocap.model.take import Take
    from mocap.solve.reconstruct import SolveSettings


def process(
    video: Annotated[
        Path, typer.Argument(help="The clip: anything FFmpeg reads, or a folder of images.", show_default=False)
    ],
    output: Output,
    estimator: Estimator = "blazepose-heavy",
    device: Device = "auto",
    people: People = "largest",
    start: Start = None,
    end: End = None,
    height: Height = None,
    fov: Fov = None,
    camera: CameraOption = None,
    camera_pitch: Pitch = None,
    camera_roll: Roll = None,
    filter_name: FilterName = None,
    cutoff: Cutoff = None,
    solver: Solver = None,
    foot_lock: FootLockOption = None,
    units: UnitsOption = Units.m,
    preview: Annotated[
        Path | None, typer.Option(help="Also write the clip with the skeleton drawn over it (mp4).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw curves before and after filtering (png, svg, pdf).")
    ] = None,
    allow_damaged: AllowDamaged = False,
    fps: Annotated[float | None, typer.Option(help="Frames a second of a folder of images. [default: 30]")] = None,
    fail_on: FailOn = "",
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Turn a video into a take."""
    from mocap.app import outputs
    from mocap.app import process as pipeline
    from mocap.app.progress import reporter
    from mocap.report.quality import marked
    from mocap.report.thresholds import parse

    if fail_on:
        parse(fail_on)
    settings = pipeline.CaptureSettings(
        estimator=estimator,
        device=device,
        start_s=start,
        end_s=end,
        allow_damaged=allow_damaged,
        people=people,
        fps=fps,
        solve=_solve_settings(
            None,
            height_m=height,
            fov_degrees=fov,
            camera_pitch_degrees=camera_pitch,
            camera_roll_degrees=camera_roll,
            filter_name=filter_name,
            cutoff_hz=cutoff,
            solver=solver,
            camera_motion=camera,
            foot_lock=foot_lock,
        ),
    )
    outputs.check_writable(output, preview=preview, plot=plot, keep=video)
    with reporter(progress.value) as told:
        take, shortfalls = marked(pipeline.process(video, settings, progress=told), fail_on)
        written = outputs.write_take(take, output, units=units.value)
        if preview:
            from mocap.report.preview import write_preview

            written.append(write_preview(take, video, preview, progress=told))
        if plot:
            written.append(outputs.write_plot(take, plot))
    _announce(take, written, progress)
    if shortfalls:
        raise QualityError(f"{output} is below the quality asked for: {'; '.join(shortfalls)}")


def solve(
    take: Annotated[Path, typer.Argument(help="A take written by `mocap process` (take.json).", show_default=False)],
    output: Output,
    height: Height = None,
    fov: Fov = None,
    camera: CameraOption = None,
    camera_pitch: Pitch = None,
    camera_roll: Roll = None,
    filter_name: FilterName = None,
    cutoff: Cutoff = None,
    solver: Solver = None,
    foot_lock: FootLockOption = None,
    units: UnitsOption = Units.m,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw curves before and after filtering (png, svg, pdf).")
    ] = None,
    keep_contacts: Annotated[
        bool, typer.Option("--keep-contacts", help="Feet stand when the take's contacts say so: edit them in its JSON.")
    ] = False,
    corrections: Annotated[
        Path | None, typer.Option(help="Keep the take's motion, and bend it to these corrections (mocap annotate).")
    ] = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Solve a take again with other settings, without the video. Settings that are not given stay as they are in it."""
    from mocap.app import outputs
    from mocap.app import process as pipeline
    from mocap.io.take_json import read_json

    outputs.check_writable(output, plot=plot)
    old = read_json(take)
    given = {
        "height_m": height,
        "fov_degrees": fov,
        "camera_pitch_degrees": camera_pitch,
        "camera_roll_degrees": camera_roll,
        "filter_name": filter_name,
        "cutoff_hz": cutoff,
        "solver": solver,
        "camera_motion": camera,
        "foot_lock": foot_lock,
    }
    if corrections:
        solved = outputs.corrected(old, corrections, is_alone=all(value is None for value in given.values()))
    else:
        solved = pipeline.solve(old, _solve_settings(old.settings, **given), keeps_contacts=keep_contacts)
    written = outputs.write_take(solved, output, units=units.value)
    if plot:
        written.append(outputs.write_plot(solved, plot))
    _announce(solved, written, progress)


def _solve_settings(stored: dict[str, Any] | None, **given: float | str | bool | None) -> SolveSettings:
    """Settings from the stored ones, if any, with those changed that were given."""
    from mocap.solve.reconstruct import SolveSettings

    return SolveSettings.from_json(
        {**(stored or {}), **{key: value for key, value in given.items() if value is not None}}
    )


def _announce(take: Take, written: list[Path], progress: ProgressMode) -> None:
    from mocap.app.progress import emit

    if progress is ProgressMode.json:
        emit(
            "done",
            outputs=[str(path) for path in written],
            frames=take.frames,
            fps=str(take.fps),
            warnings=take.warnings,
        )
    for warning in take.warnings:
        typer.echo(f"warning: {one_line(warning)}", err=True)
    for person in take.people:
        for gap in person.gaps:
            where = f"person {person.id}, frames {gap.start} to {gap.end - 1}"
            typer.echo(f"note: {where}: {one_line(gap.reason)}; the nearest pose is held", err=True)
    typer.echo(f"wrote {', '.join(map(str, written))}: {take.frames} frames at {float(take.fps):.6g} fps", err=True)
