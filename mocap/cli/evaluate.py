"""The command ``mocap evaluate``. Heavy modules are imported in functions, so that --help is fast."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.options import Device

if TYPE_CHECKING:
    from mocap.evaluate.tables import Table


def evaluate(
    take: Annotated[
        Path | None, typer.Argument(help="The take to measure: take.json or a BVH.", metavar="TAKE", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The reference: markers (.trc), a BVH, or ground truth (.json).")
    ] = None,
    person: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Which person of the take, by id. [default: the first]")
    ] = None,
    keypoints: Annotated[
        bool, typer.Option("--keypoints", help="Measure the network's own 3D keypoints instead of the solved motion.")
    ] = False,
    offset: Annotated[
        str,
        typer.Option(
            metavar="SECONDS|auto",
            help="Time in the clip of the reference's start, or auto: the best fit within 1 s.",
        ),
    ] = "0",
    reference_unit: Annotated[
        float, typer.Option(metavar="METRES", help="Length in metres of one unit of a reference BVH.")
    ] = 1.0,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all results to this file.")
    ] = None,
    lsp: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Measure a pose network on labelled images instead: lsp_dataset.zip, unchanged."
        ),
    ] = None,
    estimator: Annotated[str, typer.Option(metavar="NAME", help="With --lsp: the pose network.")] = "blazepose-heavy",
    split: Annotated[
        str, typer.Option(metavar="test|train|all", help="With --lsp: which part of the images.")
    ] = "test",
    every: Annotated[int, typer.Option(metavar="NUMBER", help="With --lsp: every n-th image.")] = 1,
    threshold: Annotated[
        float, typer.Option(metavar="SCORE", help="With --lsp: the lowest score of a detection.")
    ] = 0.1,
    device: Device = "auto",
) -> None:
    """Measure a take against a reference, or a pose network on labelled images."""
    if (lsp is None) == (take is None or reference is None) or (lsp and (take or reference)):
        raise typer.BadParameter("give a take and its --reference, or --lsp")
    if json_path:
        from mocap.io.files import check_target

        check_target(json_path)
    if lsp:
        values, tables = _lsp(lsp, estimator, device, split=(split, every), threshold=threshold)
    elif take and reference:
        values, tables = _compare(take, reference, person, keypoints=keypoints, timing=(offset, reference_unit))
    typer.echo(_text(tables))
    if json_path:
        _write_json(values, json_path)


def _compare(
    take: Path, reference: Path, person: int | None, *, keypoints: bool, timing: tuple[str, float]
) -> tuple[dict[str, Any], list[Table]]:
    from mocap.evaluate import comparison, report, tracks

    offset, metres_a_unit = timing
    captured = tracks.read_capture(take, person=person, keypoints=keypoints)
    truth = tracks.read_reference(reference, metres_a_unit=metres_a_unit)
    offset_s = comparison.find_offset(captured, truth) if offset == "auto" else _seconds(offset)
    compared = comparison.compare(captured, truth, offset_s=offset_s)
    return report.comparison_json(compared), report.comparison_tables(compared)


def _lsp(
    path: Path, estimator: str, device: str, *, split: tuple[str, int], threshold: float
) -> tuple[dict[str, Any], list[Table]]:
    from mocap.app.progress import reporter
    from mocap.estimate import create_estimator
    from mocap.evaluate import lsp, report

    images = lsp.images_of(*split)
    lsp.read_labels(path)  # fails before the networks are loaded
    network = create_estimator(estimator, device=device)
    detector = lsp.sensitive_detector(threshold, device=device)
    with reporter("auto") as progress:
        scores = lsp.evaluate_lsp(
            path,
            images,
            detector=detector,
            estimator=network,
            progress=lambda done, total: progress("estimate", done, total),
        )
    title = {"network": estimator, "split": split[0], "every": split[1], "detection_threshold": threshold}
    return title | report.lsp_json(scores), report.lsp_tables(scores)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"--offset: expected seconds or auto, got '{text}'") from None


def _text(tables: Sequence[Table]) -> str:
    from mocap.evaluate.tables import drawn, plain

    return drawn(tables) if sys.stdout.isatty() else plain(tables)


def _write_json(values: dict[str, Any], path: Path) -> None:
    from mocap.io.files import atomic_path

    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
