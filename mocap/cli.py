"""The command line: parse, call, print. Heavy modules are imported inside the commands, so that --help is instant."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap import __version__
from mocap.cli_annotate import annotate
from mocap.cli_batch import batch
from mocap.cli_evaluate import evaluate
from mocap.cli_options import (
    AllowDamaged,
    Cutoff,
    Device,
    End,
    Estimator,
    FailOn,
    FilterName,
    Fov,
    Height,
    Output,
    People,
    Pitch,
    ProgressMode,
    ProgressOption,
    Roll,
    Start,
    Units,
    UnitsOption,
)
from mocap.cli_report import report
from mocap.errors import MocapError, QualityError, one_line

if TYPE_CHECKING:
    from mocap.reconstruct import SolveSettings
    from mocap.take import Take

EXIT_ERROR, EXIT_QUALITY, EXIT_INTERRUPTED = 1, 3, 130

app = typer.Typer(
    name="mocap",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Single-camera motion capture: a video becomes a take (BVH, JSON) for Blender."""


@app.command()
def process(
    video: Annotated[Path, typer.Argument(help="The clip: anything FFmpeg reads.", show_default=False)],
    output: Output,
    estimator: Estimator = "blazepose-heavy",
    device: Device = "auto",
    people: People = "largest",
    start: Start = None,
    end: End = None,
    height: Height = None,
    fov: Fov = None,
    camera_pitch: Pitch = None,
    camera_roll: Roll = None,
    filter_name: FilterName = None,
    cutoff: Cutoff = None,
    units: UnitsOption = Units.m,
    preview: Annotated[
        Path | None, typer.Option(help="Also write the clip with the skeleton drawn over it (mp4).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw curves before and after filtering (png, svg, pdf).")
    ] = None,
    allow_damaged: AllowDamaged = False,
    fail_on: FailOn = "",
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Turn a video into a take."""
    from mocap import outputs, pipeline
    from mocap.progress import reporter
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
        solve=_solve_settings(None, height, fov, camera_pitch, camera_roll, filter_name, cutoff),
    )
    outputs.check_writable(output, preview=preview, plot=plot, keep=video)
    with reporter(progress.value) as told:
        take, shortfalls = marked(pipeline.process(video, settings, progress=told), fail_on)
        written = outputs.write_take(take, output, units=units.value)
        if preview:
            from mocap.preview import write_preview

            written.append(write_preview(take, video, preview, progress=told))
        if plot:
            written.append(outputs.write_plot(take, plot))
    _announce(take, written, progress)
    if shortfalls:
        raise QualityError(f"{output} is below the quality asked for: {'; '.join(shortfalls)}")


@app.command()
def solve(
    take: Annotated[Path, typer.Argument(help="A take written by `mocap process` (take.json).", show_default=False)],
    output: Output,
    height: Height = None,
    fov: Fov = None,
    camera_pitch: Pitch = None,
    camera_roll: Roll = None,
    filter_name: FilterName = None,
    cutoff: Cutoff = None,
    units: UnitsOption = Units.m,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw curves before and after filtering (png, svg, pdf).")
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Keep the take's motion, and bend it to these corrections (mocap annotate).")
    ] = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Solve a take again with other settings, without the video. Settings that are not given stay as they are in it."""
    from mocap import outputs, pipeline
    from mocap.formats.take_json import read_json

    outputs.check_writable(output, plot=plot)
    old = read_json(take)
    given = (height, fov, camera_pitch, camera_roll, filter_name, cutoff)
    if corrections:
        solved = outputs.corrected(old, corrections, is_alone=all(value is None for value in given))
    else:
        solved = pipeline.solve(old, _solve_settings(old.settings, *given))
    written = outputs.write_take(solved, output, units=units.value)
    if plot:
        written.append(outputs.write_plot(solved, plot))
    _announce(solved, written, progress)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="take.json, a BVH, or labels.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; the suffix picks the format.")],
    units: UnitsOption = Units.m,
    source_units: Annotated[Units, typer.Option(help="Length unit of a BVH that is read.")] = Units.m,
) -> None:
    """Write the BVH of a take, a BVH in another length unit, or labels as .csv, .json (COCO) or .mat (LSP)."""
    from mocap import outputs

    outputs.convert(source, output, units=units.value, source_units=source_units.value)
    typer.echo(f"wrote {output}", err=True)


@app.command()
def validate(
    bvh: Annotated[Path, typer.Argument(help="The BVH to check.", show_default=False)],
    take: Annotated[
        Path | None, typer.Option("--json", help="The take it belongs to. [default: the .json beside it]")
    ] = None,
    units: UnitsOption = Units.m,
) -> None:
    """Check that a BVH is sound: structure, T-pose, lengths, and the round trip against its JSON."""
    from mocap.validate import validate as run_checks

    beside = bvh.with_suffix(".json")
    checks = run_checks(bvh, take or (beside if beside.is_file() else None), units=units.value)
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {one_line(check.detail)}")
    failed = [check.name for check in checks if not check.ok]
    if failed:
        raise QualityError(f"{bvh} fails {len(failed)} of {len(checks)} checks: {', '.join(failed)}")


app.command()(annotate)
app.command()(batch)
app.command()(evaluate)
app.command()(report)


@app.command()
def models() -> None:
    """List the networks, their licences and whether their weights are whole."""
    from mocap.weights import list_cards, weights_file

    damaged = []
    for card in list_cards():
        try:
            weights_file(card.name)
            state = "ok"
        except MocapError as error:
            state = str(error)
            damaged.append(card.name)
        typer.echo(f"{card.name:20} {card.licence:12} commercial use: {card.commercial_use:8} {state}")
        typer.echo(f"{'':20} {card.description}")
    if damaged:
        raise MocapError(f"weights missing or damaged: {', '.join(damaged)}; install the package again")


@app.command()
def doctor() -> None:
    """Check this machine: versions, devices, models, and the command that mends what is missing."""
    from mocap.doctor import diagnose

    findings = diagnose()
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
        if not finding.ok and finding.fix:
            typer.echo(f"      fix: {finding.fix}")
    if broken := [finding.name for finding in findings if not finding.ok]:
        raise MocapError(f"{len(broken)} of {len(findings)} checks failed: {', '.join(broken)}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _solve_settings(
    stored: dict[str, Any] | None,
    height: float | None,
    fov: float | None,
    pitch: float | None,
    roll: float | None,
    filter_name: str | None,
    cutoff: float | None,
) -> SolveSettings:
    """Settings from the stored ones, if any, with those changed that were given."""
    from mocap.reconstruct import SolveSettings

    given = {
        "height_m": height,
        "fov_degrees": fov,
        "camera_pitch_degrees": pitch,
        "camera_roll_degrees": roll,
        "filter_name": filter_name,
        "cutoff_hz": cutoff,
    }
    return SolveSettings.from_json(
        {**(stored or {}), **{key: value for key, value in given.items() if value is not None}}
    )


def _announce(take: Take, written: list[Path], progress: ProgressMode) -> None:
    from mocap.progress import emit

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


def _stop(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; exit 0 done, 1 MocapError, 2 usage, 3 below the quality asked for, 130 interrupted."""
    signal.signal(signal.SIGTERM, _stop)  # a batch system or Blender ends us: tidy up as for Ctrl-C
    wants_json = "--progress=json" in sys.argv or ("--progress" in sys.argv and "json" in sys.argv)
    try:
        app()
    except MocapError as error:
        message = one_line(str(error))
        if wants_json:
            from mocap.progress import emit

            emit("error", message=message)
        typer.echo(f"error: {message}", err=True)
        sys.exit(EXIT_QUALITY if isinstance(error, QualityError) else EXIT_ERROR)
    except SystemExit as stop:  # Typer turns Ctrl-C into this
        if stop.code == EXIT_INTERRUPTED:
            typer.echo("stopped: nothing was left half-written", err=True)
        raise


if __name__ == "__main__":
    main()
