"""What is written down of a training: a line of CSV an epoch, and curves as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from mocap.io.files import atomic_path
from mocap.model.keypoints import LSP_14

Row = dict[str, float]
# by joint: the loss in training, PCK@0.2 of training and of validation or test images, the report's measure of both
SERIES = ("loss", "train_pck", "held_pck", "train_same", "held_same")


def row_of(epoch: int, seconds: float, **series: np.ndarray) -> Row:
    """A line of the record: the epoch, its seconds and a number by series and joint."""
    numbers = {
        f"{kind} {joint}": round(float(v), 6) for kind, vs in series.items() for joint, v in zip(LSP_14.names, vs)
    }
    return {"epoch": epoch, "seconds": round(seconds, 2), **numbers}


def write_rows(rows: list[Row], path: Path) -> None:
    """The record as CSV."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def append_row(path: Path, row: Row) -> None:
    """A line more of a record that grows as it goes, begun with its heads; shown as well."""
    row = {name: round(value, 5) for name, value in row.items()}
    is_new = not path.is_file()
    with path.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def read_rows(path: Path) -> list[Row]:
    """The lines of a record."""
    with path.open(newline="") as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def curve_of(rows: list[Row], points: int = 7) -> list[Row]:
    """Some epochs from the first to the last, with the mean PCK@0.2 of training and of held-out images."""
    chosen = sorted({round(i) for i in np.linspace(0, len(rows) - 1, points)}) if rows else []
    return [
        {"epoch": int(rows[i]["epoch"]), **{kind: round(mean_of(rows[i], kind), 2) for kind in SERIES[1:3]}}
        for i in chosen
    ]


def mean_of(row: Row, kind: str) -> float:
    """The mean of a series over the joints that have a number."""
    return float(np.nanmean([value for name, value in row.items() if name.startswith(f"{kind} ")]))


def draw_curves(rows: list[Row], path: Path, title: str) -> None:
    """Loss, PCK@0.2 and the report's measure by joint over the epochs; matplotlib (extra ``plot``) draws them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 3 * len(LSP_14) / 2), layout="constrained")
    figure.suptitle(title)
    epochs = [row["epoch"] for row in rows]
    panels = figure.subplots(len(LSP_14) // 2, 4)
    for k, joint in enumerate(LSP_14.names):
        loss, right = panels[k // 2][2 * (k % 2) : 2 * (k % 2) + 2]
        loss.plot(epochs, [row[f"loss {joint}"] for row in rows], label="loss, training")
        loss.set_yscale("log")
        for kind, label in (
            ("train_pck", "PCK@0.2, training"),
            ("held_pck", "PCK@0.2, held out"),
            ("train_same", "report's accuracy, training"),
            ("held_same", "report's accuracy, held out"),
        ):
            right.plot(epochs, [row[f"{kind} {joint}"] for row in rows], label=label)
        right.set_ylim(0, 100)
        loss.set_title(joint.replace("_", " "))
        right.set_title(f"{joint.replace('_', ' ')}, %")
    panels[0][0].legend(fontsize=7)
    panels[0][1].legend(fontsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=70)
