"""The entry point of the command line. Heavy modules are imported in the commands, so that --help is fast."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mocap import __version__
from mocap.cli.annotate import annotate
from mocap.cli.batch import batch
from mocap.cli.evaluate import evaluate
from mocap.cli.listing import options
from mocap.cli.options import Units, UnitsOption
from mocap.cli.report import report
from mocap.cli.take import process, solve
from mocap.model.errors import MocapError, QualityError, one_line

EXIT_ERROR, EXIT_QUALITY, EXIT_INTERRUPTED = 1, 3, 130

EXAMPLES = {
    "process": (
        "mocap process walk.mp4 -o walk.bvh --height 1.75 --preview walk_preview.mp4",
        "mocap process walk.mp4 -o walk.bvh --start 2 --end 8 --people all",
    ),
    "solve": (
        "mocap solve walk.json -o taller.bvh --height 1.82 --camera-pitch 15",
        "mocap solve walk.json -o corrected.bvh --corrections walk.corrections.csv",
    ),
    "batch": ("mocap batch clips/ -o takes/ --recursive --preview --report", "mocap batch clips/ -o takes/ --dry-run"),
    "report": ("mocap report walk.json -o walk.html --video walk.mp4", "mocap report walk.json --fail-on slide=5"),
    "evaluate": ("mocap evaluate walk.json --reference markers.trc --offset auto",),
    "annotate": ("mocap annotate photos/ -o labels.csv --estimator blazepose-heavy", "mocap annotate walk.json"),
    "convert": ("mocap convert walk.json -o walk_cm.bvh --units cm", "mocap convert labels.csv -o labels.json"),
    "validate": ("mocap validate walk.bvh", "mocap validate walk_cm.bvh --units cm --json walk.json"),
    "models": ("mocap models",),
    "options": ("mocap options", "mocap options --json"),
    "doctor": ("mocap doctor",),
    "version": ("mocap version",),
}

app = typer.Typer(
    name="mocap",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(body: Callable[..., None]) -> Callable[..., None]:
    """Decorator: add a command to the command line.

    Parameters
    ----------
    body : callable
        The command. The first line of its docstring is the summary in `mocap --help`, complete.

    Returns
    -------
    callable
        ``body``. Its ``EXAMPLES`` are shown below its options.
    """
    name = body.__name__
    summary = (body.__doc__ or "").partition("\n")[0]
    lines = "\n".join(f"  {example}" for example in EXAMPLES[name])
    heading = "Examples:" if len(EXAMPLES[name]) > 1 else "Example:"
    app.command(name, short_help=summary, epilog=f"\b\n{heading}\n{lines}")(body)
    return body


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def begin(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show messages that help to find the cause of a problem.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only errors, no warnings.")] = False,
) -> None:
    """Motion capture with a single camera: make a take (BVH, JSON) for Blender from a video."""
    if verbose and quiet:
        raise typer.BadParameter("give --verbose or --quiet, not both")
    if verbose or quiet:
        import logging

        logging.basicConfig(format="%(levelname)s: %(message)s")
        logging.getLogger("mocap").setLevel(logging.DEBUG if verbose else logging.ERROR)


for one in (process, solve, batch, report, evaluate, annotate):
    command(one)


@command
def convert(
    source: Annotated[Path, typer.Argument(help="take.json, a BVH, or labels.", metavar="SOURCE", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; its suffix selects the format.")
    ],
    units: UnitsOption = Units.m,
    source_units: Annotated[Units, typer.Option(metavar="m|cm", help="Length unit of a BVH that is read.")] = Units.m,
) -> None:
    """Convert a take to BVH, a BVH to another unit, or labels to another format.

    Labels are .csv, .json (COCO) or .mat (LSP).
    """
    from mocap.app import outputs

    written, note = outputs.convert(source, output, units=units.value, source_units=source_units.value)
    if note:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"wrote {', '.join(map(str, written))}", err=True)


@command
def validate(
    bvh: Annotated[Path, typer.Argument(help="The BVH to check.", metavar="BVH", show_default=False)],
    take: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="The take it belongs to. [default: the .json beside it]"),
    ] = None,
    units: UnitsOption = Units.m,
) -> None:
    """Check that other programs will read a BVH correctly.

    Checks are its structure, T-pose and bone lengths, and whether it agrees with the take's JSON.
    """
    from mocap.report.validate import validate as run_checks

    beside = bvh.with_suffix(".json")
    checks = run_checks(bvh, take or (beside if beside.is_file() else None), units=units.value)
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {one_line(check.detail)}")
    failed = [check.name for check in checks if not check.ok]
    if failed:
        raise QualityError(f"{bvh} fails {len(failed)} of {len(checks)} checks: {', '.join(failed)}")


@command
def models() -> None:
    """List the networks, their licences and the state of their files."""
    from mocap.io.weights import NotDownloadedError, check_model, list_cards

    damaged = []
    for card in list_cards():
        try:
            check_model(card.name)
            state = "ok"
        except NotDownloadedError:
            state = f"not downloaded; fetch it with: {card.download}"
        except MocapError as error:
            state = str(error)
            damaged.append(card.name)
        typer.echo(f"{card.name:20} {card.licence:12} commercial use: {card.commercial_use:8} {state}")
        gives = f"; gives {', '.join(card.parts)} ({card.keypoints})" if card.parts else ""
        typer.echo(f"{'':20} {card.description}{gives}")
    if damaged:
        raise MocapError(f"weights or graphs missing or damaged: {', '.join(damaged)}; install the package again")


command(options)


@command
def doctor() -> None:
    """Check this machine, and show how to install what is missing."""
    from mocap.app.doctor import diagnose

    findings = diagnose()
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name}: {finding.detail}")
        if not finding.ok and finding.fix:
            typer.echo(f"      fix: {finding.fix}")
    if broken := [finding.name for finding in findings if not finding.ok]:
        raise MocapError(f"{len(broken)} of {len(findings)} checks failed: {', '.join(broken)}")


@command
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _stop(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 MocapError, 2 usage, 3 quality too low, 130 interrupted."""
    signal.signal(signal.SIGTERM, _stop)  # sent by a batch system or Blender: clean up as after Ctrl-C
    wants_json = "--progress=json" in sys.argv or ("--progress" in sys.argv and "json" in sys.argv)
    try:
        app()
    except MocapError as error:
        message = one_line(str(error))
        if wants_json:
            from mocap.app.progress import emit

            emit("error", message=message)
        typer.echo(f"error: {message}", err=True)
        sys.exit(EXIT_QUALITY if isinstance(error, QualityError) else EXIT_ERROR)
    except SystemExit as stop:  # Typer converts Ctrl-C to this
        if stop.code == EXIT_INTERRUPTED:
            typer.echo("stopped: nothing was left half-written", err=True)
        raise


if __name__ == "__main__":
    main()
