"""The command ``mocap batch``. Heavy modules are imported in functions, so that --help is fast."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.options import Given, ProgressMode, ProgressOption, with_take_options
from mocap.model.errors import MocapError, QualityError, one_line

if TYPE_CHECKING:
    from mocap.app.batch.local import Engine
    from mocap.app.batch.manifest import Entry
    from mocap.app.batch.plan import Task
    from mocap.app.batch.run import MakeEngine, Summary


class EngineName(StrEnum):
    """Where the work runs."""

    local = "local"
    dask = "dask"


@with_take_options("batch")
def batch(
    clips: Annotated[Path, typer.Argument(help="The folder with the clips.", metavar="FOLDER", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="The folder for the takes; created if it does not exist."
        ),
    ],
    given: Given,
    pattern: Annotated[str | None, typer.Option(metavar="NAMES", help='Only clips with such names: "*_a.mp4".')] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Also clips in subfolders; takes get the same subfolders.")
    ] = False,
    workers: Annotated[
        str,
        typer.Option(
            metavar="auto|NUMBER", help="Number of clips at a time on this machine; auto: one for each processor core."
        ),
    ] = "auto",
    engine: Annotated[
        EngineName, typer.Option(metavar="local|dask", help="Use the cores of this machine, or a Dask cluster.")
    ] = EngineName.local,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="With --engine dask: the address of its scheduler, tcp://host:8786."),
    ] = None,
    retries: Annotated[
        int,
        typer.Option(min=0, metavar="NUMBER", help="Further attempts for a clip whose worker crashed or was too slow."),
    ] = 2,
    timeout: Annotated[float | None, typer.Option(min=0.1, metavar="SECONDS", help="Longest time for a clip.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Process clips again that failed before.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the clips that would be processed, and why.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Only list the clips that were processed so far.")] = False,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Make takes from all videos of a folder.

    Unchanged clips are not processed again. A mocap.toml among the clips overrides options for its folder
    (height = 1.8) or for one clip ([clip."walk.mp4"]). With --report an index.html lists all takes, the worst first.
    """
    from mocap.app.batch.board import board
    from mocap.app.batch.clips import find_clips
    from mocap.app.batch.manifest import read_entries
    from mocap.app.batch.plan import Folders, plan
    from mocap.app.batch.run import run
    from mocap.app.settings import TakeSettings

    if status:
        return typer.echo(_status(read_entries(output).values()))
    settings = TakeSettings().changed(given)
    make_engine = _engine(engine, scheduler, workers, timeout)
    found = find_clips(clips, output, pattern=pattern, recursive=recursive)

    def tasks(entries: dict[str, Entry]) -> list[Task]:
        return plan(found, Folders(clips, output), entries, settings, retry_failed=retry_failed)

    if dry_run:
        return typer.echo(_plan(tasks(read_entries(output))))
    with board(progress.value) as shown:
        summary = run(output, clips, tasks, make_engine, shown, retries=retries)
    return _announce(summary, output, progress, has_index=bool(settings.output.report))


def _engine(name: EngineName, scheduler: str | None, workers: str, timeout_s: float | None) -> MakeEngine:
    """A function that makes the engine; it is called only if there is work."""
    if (name is EngineName.dask) != (scheduler is not None):
        raise typer.BadParameter("--engine dask and --scheduler ADDRESS go together")
    if workers != "auto" and not (workers.isdecimal() and int(workers) > 0):
        raise typer.BadParameter(f"--workers: expected auto or a number from 1, got '{workers}'")

    def make(logs: Path, jobs: int) -> Engine:
        if scheduler is not None:
            from mocap.app.batch.cluster import DaskEngine

            return DaskEngine(scheduler, timeout_s=timeout_s)
        from mocap.app.batch.local import LocalEngine, core_count

        count = core_count() if workers == "auto" else int(workers)
        return LocalEngine(logs, workers=min(count, jobs), timeout_s=timeout_s)

    return make


def _plan(tasks: Sequence[Task]) -> str:
    lines = [f"{one_line(task.clip.name)}: {task.reason or 'unchanged'}" for task in tasks]
    return "\n".join([*lines, f"{sum(bool(task.reason) for task in tasks)} of {len(tasks)} clips would be processed"])


def _status(entries: Collection[Entry]) -> str:
    lines = [
        f"{entry.state:8} {one_line(entry.clip)}{f': {entry.error}' if entry.error else ''}"
        + (f" ({entry.frames} frames, {entry.seconds:.1f} s)" if entry.frames else "")
        for entry in entries
    ]
    states = [entry.state for entry in entries]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return "\n".join([*lines, ", ".join(counts) or "no batch was run in this folder"])


def _announce(summary: Summary, output: Path, progress: ProgressMode, *, has_index: bool) -> None:
    """Print one line for each failure, and the totals; raise the error that gives the exit status."""
    if has_index:
        from mocap.report.index import write_index

        typer.echo(f"wrote {write_index(output, [*summary.finished, *summary.skipped])}", err=True)
    counts = {state: summary.count(state) for state in ("done", "below", "failed")}
    if progress is ProgressMode.json:
        from mocap.app.progress import emit

        emit("done", **counts, skipped=len(summary.skipped))
    for entry in [*summary.finished, *summary.skipped]:
        if entry.error:
            typer.echo(f"{entry.state}: {one_line(entry.clip)}: {entry.error}", err=True)
    total = sum(counts.values())
    text = f"{output}: {counts['done'] + counts['below']} of {total} takes, {len(summary.finished)} clips processed now"
    typer.echo(text, err=True)
    if counts["failed"]:
        raise MocapError(f"{counts['failed']} of {total} clips failed; fix them, or try again with --retry-failed")
    if counts["below"]:
        raise QualityError(f"{counts['below']} of {total} takes are below the required quality")
