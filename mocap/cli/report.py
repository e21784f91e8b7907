"""The command ``mocap report``. Heavy modules are imported in functions, so that --help is fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mocap.cli.options import FailOn, ProgressMode, ProgressOption
from mocap.model.errors import QualityError


def report(
    take: Annotated[Path, typer.Argument(help="A take (take.json).", metavar="TAKE", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write: .html for people, .json for programs."),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The clip, for images in the report. [default: the file of its name beside the take]"
        ),
    ] = None,
    fail_on: FailOn = "",
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Measure the quality of a take: visibility, jitter, foot skating and others.

    Without --output the results are only printed.
    """
    from mocap.app.progress import reporter
    from mocap.io.take_json import read_json
    from mocap.report import page, quality, thresholds

    limits = thresholds.parse(fail_on) if fail_on else thresholds.MEASURES
    if output:
        page.check_output(output)
    read = read_json(take)
    people = quality.measure(read)
    grade = thresholds.grade(people, limits)
    for person in people:
        for name, value in person.measures.items():
            shown = "-" if value is None else f"{value:.4g}"
            typer.echo(f"person {person.person}  {name:13} {shown:>8} {limits[name].unit:22} {limits[name].text}")
    typer.echo(f"verdict: {grade.verdict}")
    if output:
        beside = take.parent / read.source.name
        clip = video or (beside if beside.is_file() else None)
        with reporter(progress.value) as listener:
            page.write_report(read, output, clip=clip, limits=limits, progress=listener)
        typer.echo(f"wrote {output}", err=True)
    if fail_on and grade.reasons:
        raise QualityError(f"{take} is below the required quality: {'; '.join(grade.reasons)}")
