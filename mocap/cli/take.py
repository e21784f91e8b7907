"""The commands ``mocap process``, which makes a take, and ``mocap solve``, which solves its motion again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.options import Given, Output, ProgressMode, ProgressOption, with_take_options
from mocap.model.errors import MocapError, QualityError, one_line

if TYPE_CHECKING:
    from mocap.app.process import Progress
    from mocap.app.settings import TakeSettings
    from mocap.model.take import Take


@with_take_options("process")
def process(
    video: Annotated[
        Path,
        typer.Argument(
            help="The clip: a video that FFmpeg can read, or a folder of images.", metavar="VIDEO", show_default=False
        ),
    ],
    output: Output,
    given: Given,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Make a take from a video.

    A mocap.toml beside the clip sets options of the same names (height = 1.8); the command line has priority.
    """
    from mocap.app import outputs
    from mocap.app import process as pipeline
    from mocap.app.progress import reporter
    from mocap.report.quality import marked

    settings = _settings_for(video, given)
    wanted = settings.output
    files = {key: wanted.file(key, output) for key in ("preview", "plot", "report")}
    outputs.check_writable(output, preview=files["preview"], plot=files["plot"], keep=video)
    _check_report(files["report"], output)
    with reporter(progress.value) as listener:
        take, shortfalls = marked(pipeline.process(video, settings.capture, progress=listener), wanted.fail_on)
        written = outputs.write_take(take, output, units=wanted.units)
        written += _write_extras(take, video, files, wanted.fail_on, listener)
    _announce(take, written, progress)
    if shortfalls:
        raise QualityError(f"{output} is below the required quality: {'; '.join(shortfalls)}")


def _settings_for(video: Path, given: Given) -> TakeSettings:
    """All settings of a clip: the given ones, then those of a mocap.toml beside it, which are listed on stderr."""
    from mocap.app.settings import TakeSettings
    from mocap.app.settings_file import beside

    settings = TakeSettings().changed(given)
    settings.check()
    added, line = beside(video, given)
    if line:
        typer.echo(one_line(line), err=True)
    return settings.changed(added)


def _check_report(path: Path | None, output: Path) -> None:
    """Raise MocapError for a report that cannot be written, or that would overwrite the take's JSON."""
    if path is None:
        return
    from mocap.report.page import check_output

    check_output(path)
    if path.resolve() == output.with_suffix(".json").resolve():
        raise MocapError(f"cannot write {path}: that is the take itself; choose another name for the report")


def _write_extras(
    take: Take, video: Path, files: dict[str, Path | None], fail_on: str, listener: Progress
) -> list[Path]:
    """Write preview, curves and report if they are wanted; returns their paths."""
    written = []
    if preview := files["preview"]:
        from mocap.report.preview import write_preview

        written.append(write_preview(take, video, preview, progress=listener))
    if plot := files["plot"]:
        from mocap.app.outputs import write_plot

        written.append(write_plot(take, plot))
    if report := files["report"]:
        from mocap.report import page, thresholds

        limits = thresholds.parse(fail_on) if fail_on else thresholds.MEASURES
        written.append(page.write_report(take, report, clip=video, limits=limits, progress=listener))
    return written


@with_take_options("solve", unset="as in the take")
def solve(
    take: Annotated[
        Path,
        typer.Argument(help="A take written by `mocap process` (take.json).", metavar="TAKE", show_default=False),
    ],
    output: Output,
    given: Given,
    keep_contacts: Annotated[
        bool,
        typer.Option(
            "--keep-contacts",
            help="Use the contacts of the take, which you can edit in its JSON, instead of detecting them again.",
        ),
    ] = False,
    corrections: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the take's motion, and change it to follow these corrections (of mocap annotate).",
        ),
    ] = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Solve a take again with other settings, without the video.

    Settings that are not given stay as they are in the take.
    """
    from mocap.app import outputs
    from mocap.app import process as pipeline
    from mocap.app.settings import TakeSettings, by_key
    from mocap.io.take_json import read_json
    from mocap.solve.settings import SolveSettings

    wanted = TakeSettings().changed(given).output
    plot = wanted.file("plot", output)
    outputs.check_writable(output, plot=plot)
    old, changes = read_json(take), by_key(SolveSettings, given)
    if corrections:
        solved = outputs.corrected(old, corrections, is_alone=not changes)
    else:
        settings = SolveSettings.from_json(old.settings | changes)
        solved = pipeline.solve(old, settings, keeps_contacts=keep_contacts)
    written = outputs.write_take(solved, output, units=wanted.units)
    if plot:
        written.append(outputs.write_plot(solved, plot))
    _announce(solved, written, progress)


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
