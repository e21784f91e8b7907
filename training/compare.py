"""Writes docs/dev/comparison.md, and a page with curves and skeletons, from the scores that there are.

    python -m training.compare runs --page comparison.html

Scores of runs are first collected into training/results, which is under version control, so that a machine can add its
own to those of others; what has not been run is said, with the command that would.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mocap.io.files import atomic_path
from training import comparison_page as pages
from training.settings import PRESETS

RESULTS = Path(__file__).parent / "results"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "dev" / "comparison.md"
FLOW = "flow"
OTHERS = (  # besides presets
    *(f"cascade-{size}{stage}" for size in ("", "small-") for stage in (2, 3)),
    "blazepose-lsp.evaluate",
    "blazepose-heavy.evaluate",
    FLOW,
)
ORDER = ("constant", "deeppose", "cascade", "alexnet", "resnet34", "heatmap", "spatialnet", "blazepose")
COMMANDS = """```
python -m training.constant --lsp lsp_dataset.zip -o runs
python -m training.train PRESET --lsp lsp_dataset.zip --lspet lspet_dataset.zip -o runs --workers 8
python -m training.cascade --lsp lsp_dataset.zip --lspet lspet_dataset.zip -o runs        # --small on a processor
python -m training.blazepose_finetune store blazepose-heavy --lsp lsp_dataset.zip --lspet lspet_dataset.zip -o maps
python -m training.blazepose_finetune train blazepose-heavy maps -o runs/blazepose-lsp --minutes 60
python -m training.export runs/NAME NAME
mocap evaluate --lsp lsp_dataset.zip --estimator NAME --json runs/NAME/evaluate.json
python -m training.flow_comparison pose2sim_s00 -o runs/flow
python -m training.compare runs
```"""


def collect(runs: Path, results: Path) -> None:
    """Copies the scores of runs, whole or begun, into the folder of results."""
    results.mkdir(parents=True, exist_ok=True)
    for path in sorted([*runs.glob("*/scores.json"), *runs.glob("*/flow.json"), *runs.glob("*/evaluate.json")]):
        values = json.loads(path.read_text(encoding="utf-8"))
        name = f"{path.parent.name}.evaluate" if path.stem == "evaluate" else path.parent.name
        with atomic_path(results / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_results(results: Path) -> dict[str, dict[str, Any]]:
    """All results by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))}


def place(name: str) -> tuple[int, str]:
    """Where a run stands in the tables."""
    return next((i for i, kind in enumerate(ORDER) if name.startswith(kind)), len(ORDER)), name


def as_run(name: str, values: dict[str, Any]) -> pages.Run:
    """What ``mocap evaluate --lsp`` measured, in the form of a run's scores."""
    measures = {"pck20": "pck", "auc": "auc", "pcp": "pcp"}
    test = {ours: values[theirs] | {"mean": values["mean"][theirs]} for ours, theirs in measures.items()}
    detected = pages.number(values["mean_pck_from_detections_alone"])
    return {"name": name, "images": values["images"], "test": test, "detected": detected}


def document(results: dict[str, dict[str, Any]]) -> str:
    """The comparison in Markdown."""
    runs = sorted((v for v in results.values() if "settings" in v), key=lambda run: place(run["name"]))
    found = [as_run(n.removesuffix(".evaluate"), v) for n, v in results.items() if n.endswith(".evaluate")]
    missing = [name for name in (*PRESETS, *OTHERS) if name not in results]
    unfinished = [run["name"] for run in runs if not run["is_done"]]
    parts = [
        "# Networks compared on Leeds Sports Pose",
        "Written by `python -m training.compare` from the results in `training/results`; do not edit it by hand.",
        pages.NOTES,
        "## Networks on the pictures as they are",
        "The person fills the picture, as the dataset's pictures show people; no detector is involved. "
        "The official test half has 1000 pictures, the random one 600. Minutes are of training, on "
        + _devices(runs)
        + ".",
        pages.overview(runs),
        *_joint_sections(runs),
        *_estimator_sections(found),
        *_flow_sections(results.get(FLOW)),
        "## What has not been run",
        _said(missing, unfinished),
        *_curve_sections([run for run in runs if not run["is_done"] and run.get("curve")]),
        "## Commands",
        "With a GPU each line is one run to its end; interrupted, it goes on where it was. On a processor, `--minutes` "
        "ends a run by the clock: the tables say after how many.",
        COMMANDS,
    ]
    return "\n\n".join(parts) + "\n"


def _devices(runs: Sequence[pages.Run]) -> str:
    return " or ".join(sorted({run["device"] for run in runs if run["seconds"]}))


def _joint_sections(runs: Sequence[pages.Run]) -> list[str]:
    return [
        "## By joint: PCK@0.2, test",
        pages.by_joint(runs, "pck20", "test"),
        "## By joint: PCK@0.2, training",
        pages.by_joint(runs, "pck20", "train"),
        "## By joint: mean pixels, test",
        pages.by_joint(runs, "pixels", "test"),
        "## By limb: PCP, test",
        pages.limb_table(runs),
        '## The founding report\'s "accuracy"',
        "The report's numbers beside the same measure, on a random 70/30 split too, of the mean place of each joint, "
        "which looks at no picture. Most of the report's test figures are what this guess reaches.",
        pages.report_table(runs),
    ]


def _estimator_sections(found: Sequence[pages.Run]) -> list[str]:
    if not found:
        return []
    measures = ("pck20", "auc", "pcp")
    rows = [
        [run["name"], str(run["images"]), *(pages.number(run["test"][m]["mean"]) for m in measures), run["detected"]]
        for run in found
    ]
    return [
        "## Estimators, which find the people themselves",
        "As `mocap evaluate --lsp` measures them on the official test half: they look from the detection nearest to "
        "the middle and from the whole picture, and at both in a mirror; the look that the others agree with most "
        "counts, and whoever is not found counts as wrong. The last column is what the detection alone would give.",
        pages.table(("estimator", "pictures", "PCK@0.2", "AUC", "PCP", "PCK@0.2 from detections"), rows),
        "By joint, PCK@0.2:",
        pages.by_joint(found, "pck20", "test"),
    ]


def _flow_sections(flow: dict[str, Any] | None) -> list[str]:
    if flow is None:
        return []
    return [
        "## Flow pooling on video",
        f"Two views of a man on a beam, {flow['frames']} frames, truth projected from markers; heatmaps of "
        f"{flow['network']} ({flow['ms_of_heatmaps']:.0f} ms a frame) in one crop a clip; n frames before and after. "
        "Learnt pooling is fitted on the other view.",
        pages.flow_table(flow),
    ]


def _curve_sections(runs: Sequence[pages.Run]) -> list[str]:
    if not runs:
        return []
    return [
        "PCK@0.2 as these went: the epoch, training pictures (changed ones, where the run changes them) and pictures "
        "held back (in the report's protocol, which holds none back, the test pictures).",
        pages.curve_table(runs),
    ]


def _said(missing: Sequence[str], unfinished: Sequence[str]) -> str:
    if not missing and not unfinished:
        return "Everything has been run to its end."
    parts = [f"Not run at all: {', '.join(missing)}."] if missing else []
    parts += [f"Begun and not finished, scored as far as they came: {', '.join(unfinished)}."] if unfinished else []
    return " ".join(parts)


def main() -> None:
    """Reads the command line, collects, and writes the document and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="?", help="folder of runs to collect scores from")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("-o", "--output", type=Path, default=DOCUMENT)
    parser.add_argument(
        "--page", type=Path, help="also write a page with curves and skeletons (pictures of LSP: keep it)"
    )
    options = parser.parse_args()
    if options.runs:
        collect(options.runs, options.results)
    text = document(read_results(options.results))
    with atomic_path(options.output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if options.page:
        folders = sorted(options.runs.iterdir()) if options.runs else []
        pictures = {folder.name: sorted(folder.glob("*.png")) for folder in folders if list(folder.glob("*.png"))}
        with atomic_path(options.page) as temporary:
            temporary.write_text(pages.page(text, pictures), encoding="utf-8")


if __name__ == "__main__":
    main()
