"""The comparison as Markdown and as a page with curves and skeletons: text from the scores of runs, nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mocap.evaluate.lsp import LIMBS
from mocap.model.keypoints import LSP_14

Run = dict[str, Any]
Row = Sequence[str]

# The founding report's table: "accuracy" in training and test, percent.
REPORT = {
    "right_knee": (96.86, 86.83), "right_ankle": (98.33, 92.33), "right_hip": (97.00, 73.17),
    "left_hip": (98.14, 70.00), "left_knee": (97.14, 80.50), "left_ankle": (99.14, 91.00),
    "right_wrist": (97.86, 85.67), "right_elbow": (96.79, 85.50), "right_shoulder": (98.21, 86.21),
    "left_shoulder": (98.79, 88.83), "left_elbow": (97.57, 76.50), "left_wrist": (98.50, 73.17),
    "neck": (99.29, 94.33), "head_top": (99.64, 95.00),
}  # fmt: skip

NOTES = """PCK@0.2 (= PDJ@0.2): percent of joints within 0.2 of the torso's longer diagonal (shoulder to the other
side's hip) of the label; AUC: its mean over thresholds from 0 to 0.2; PCP: percent of limbs both of whose
ends lie within half of the limb's length (strict), mean of ten limbs; px: mean distance in pixels of the
picture. Left and right are the person's own. *Same larger* is what the founding report calls accuracy:
Keras's categorical accuracy of two numbers, that is, whether the larger of x and y in the stretched picture
is the same one in prediction and label. It says next to nothing about where a joint is. Runs of one joint have
figures of that joint alone."""


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def number(value: float | None, decimals: int = 1) -> str:
    """A number of a table, or that there is none."""
    return "–" if value is None else f"{value:.{decimals}f}"


def overview(runs: Sequence[Run]) -> str:
    """A row a run: test and training measures, size and speed."""
    head = ("run", "split", "training crops", "epochs", "minutes", "PCK@0.2", "PCK@0.1", "AUC", "PCP", "px",
            "PCK@0.2 training", "same larger", "parameters", "ms an image")  # fmt: skip
    return table(head, [_overview_row(run) for run in runs])


def _overview_row(run: Run) -> Row:
    test, train = run["test"], run.get("train")
    epochs = str(run["epochs"]) + ("" if run["is_done"] else " (not finished)")
    return (
        run["name"],
        run["settings"]["split"],
        str(run["training_crops"]),
        epochs,
        number(run["seconds"] / 60, 0) if run["epochs"] else "–",
        *(number(test[name]["mean"]) for name in ("pck20", "pck10", "auc", "pcp", "pixels")),
        number(train["pck20"]["mean"]) if train else "–",
        number(test["same_larger"]["mean"]) if "same_larger" in test else "–",
        f"{run['parameters']:,}",
        number(run["ms_per_image"]) if run["ms_per_image"] else "–",
    )


def by_joint(runs: Sequence[Run], measure: str, part: str, *, names: Sequence[str] = LSP_14.names) -> str:
    """A row a joint or limb, a column a run."""
    shown = [run for run in runs if part in run and measure in run[part]]
    rows = [[name.replace("_", " "), *(number(run[part][measure][name]) for run in shown)] for name in (*names, "mean")]
    return table(["", *(run["name"] for run in shown)], rows)


def report_table(runs: Sequence[Run]) -> str:
    """The report's own table, beside the same measure of a guess that looks at nothing and of networks."""
    shown = [run for run in runs if run["settings"]["split"] == "random" and "same_larger" in run["test"]]
    head = ["joint", "report, training", "report, test"]
    head += [f"{run['name']}, {part}" for run in shown for part in ("training", "test")]
    rows = []
    for joint in LSP_14.names:
        ours = [number(run[part]["same_larger"][joint]) for run in shown for part in ("train", "test")]
        rows.append([joint.replace("_", " "), *(number(value, 2) for value in REPORT[joint]), *ours])
    return table(head, rows)


def curve_table(runs: Sequence[Run]) -> str:
    """A row a run: PCK@0.2 of training and held-out images, from the first epoch to the last that there was."""
    rows = [
        [run["name"], *(f"{p['epoch']}: {number(p['train_pck'])} / {number(p['held_pck'])}" for p in run["curve"])]
        for run in runs
    ]
    width = max(len(row) for row in rows)
    return table(["run", *[""] * (width - 1)], [[*row, *[""] * (width - len(row))] for row in rows])


def flow_table(flow: dict[str, Any]) -> str:
    """What pooling along optical flow gains and costs."""
    head = ("pooling", "n", "wrist PCK@0.2", "wrist PCK@0.1", "wrist PCK@0.05", "wrist error, % of torso",
            "limbs PCK@0.1", "ms a frame of flow")  # fmt: skip
    names = ("wrist_pck_0.2", "wrist_pck_0.1", "wrist_pck_0.05", "wrist_error_percent", "limbs_pck_0.1", "ms_of_flow")
    return table(head, [(row["pooling"], str(row["n"]), *(number(row[n]) for n in names)) for row in flow["rows"]])


def limb_table(runs: Sequence[Run]) -> str:
    """PCP by limb."""
    return by_joint(runs, "pcp", "test", names=tuple(LIMBS))


def page(markdown: str, pictures: dict[str, list[Path]]) -> str:
    """The same as one page of HTML, with the pictures of each run inside it."""
    parts = [
        "<!doctype html><meta charset='utf-8'><title>Comparison</title><style>body{font:15px sans-serif;margin:2em}"
    ]
    parts += ["table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:2px 8px;text-align:right}"]
    parts += ["td:first-child{text-align:left}img{max-width:100%}</style>", *_blocks(markdown)]
    for name, files in pictures.items():
        parts.append(f"<h2>{html.escape(name)}</h2>")
        for file in files:
            encoded = base64.b64encode(file.read_bytes()).decode()
            parts.append(f"<p><img alt='{file.stem}' src='data:image/png;base64,{encoded}'></p>")
    return "\n".join(parts) + "\n"


def _blocks(markdown: str) -> Iterable[str]:
    """HTML of the headings, tables, code blocks and paragraphs that the comparison is made of."""
    for block in markdown.strip().split("\n\n"):
        if block.startswith("#"):
            level = len(block) - len(block.lstrip("#"))
            yield f"<h{level}>{html.escape(block.lstrip('# '))}</h{level}>"
        elif block.startswith("|"):
            head, _, *rows = (line[2:-2].split(" | ") for line in block.splitlines())
            lines = [("th", head), *(("td", row) for row in rows)]
            cells = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in lines)
            yield "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
        elif block.startswith("```"):
            yield f"<pre>{html.escape(block.strip('`').strip())}</pre>"
        else:
            yield f"<p>{html.escape(block)}</p>"
