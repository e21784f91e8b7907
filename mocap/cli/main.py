"""The command line: parse, call, print. Heavy modules are imported inside the commands, so that --help is instant."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from mocap import __version__
from mocap.cli.annotate import annotate
from mocap.cli.batch import batch
from mocap.cli.evaluate import evaluate
from mocap.cli.options import Units, UnitsOption
from mocap.cli.report import report
from mocap.cli.take import process, solve
from mocap.model.errors import MocapError, QualityError, one_line

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


for command in (process, solve, batch, report, evaluate, annotate):
    app.command()(command)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="take.json, a BVH, or labels.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; the suffix picks the format.")],
    units: UnitsOption = Units.m,
    source_units: Annotated[Units, typer.Option(help="Length unit of a BVH that is read.")] = Units.m,
) -> None:
    """Write the BVH of a take, a BVH in another length unit, or labels as .csv, .json (COCO) or .mat (LSP)."""
    from mocap.app import outputs

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
    from mocap.report.validate import validate as run_checks

    beside = bvh.with_suffix(".json")
    checks = run_checks(bvh, take or (beside if beside.is_file() else None), units=units.value)
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {one_line(check.detail)}")
    failed = [check.name for check in checks if not check.ok]
    if failed:
        raise QualityError(f"{bvh} fails {len(failed)} of {len(checks)} checks: {', '.join(failed)}")


@app.command()
def models() -> None:
    """List the networks, their licences and whether their weights and graphs are whole."""
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


@app.command()
def doctor() -> None:
    """Check this machine: versions, devices, models, and the command that mends what is missing."""
    from mocap.app.doctor import diagnose

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
            from mocap.app.progress import emit

            emit("error", message=message)
        typer.echo(f"error: {message}", err=True)
        sys.exit(EXIT_QUALITY if isinstance(error, QualityError) else EXIT_ERROR)
    except SystemExit as stop:  # Typer turns Ctrl-C into this
        if stop.code == EXIT_INTERRUPTED:
            typer.echo("stopped: nothing was left half-written", err=True)
        raise


if __name__ == "__main__":
    main()
