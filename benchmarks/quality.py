"""How far takes of made clips are from their exact truth, and what the lifter has to do with it.

    python benchmarks/quality.py FOLDER --takes TAKES [--json FILE]

FOLDER holds NAME.mp4 with NAME.truth.json (``training.render_bodies --test`` makes them). Each clip is processed once
into TAKES, and solved from its keypoints in several ways: with the true height said, with nothing said, with the true
height and lens said; with the true height but only image points for the lifter, only the pose network's own depth, bone
by bone, or feet that are not held. Beside these, the pose network's own 3D is measured without any of our work.
Protocol: mocap/evaluate/metrics/pose.py.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.app import process
from mocap.evaluate.comparison import compare
from mocap.evaluate.metrics.pose import hips_middle
from mocap.evaluate.tracks import PointTrack, capture_of, read_reference
from mocap.io.take_json import read_json, write_json
from mocap.io.truth_json import Truth, read_truth
from mocap.model.errors import MocapError
from mocap.model.rotation import Flags
from mocap.model.take import Take
from mocap.solve.settings import SolveSettings

COLUMNS = {
    "MPJPE": "mpjpe_mm",
    "scaled": "scaled_mpjpe_mm",
    "PA": "pa_mpjpe_mm",
    "world": "world_mpjpe_mm",
    "path %": "root_path_error_percent",
    "accel": "acceleration_error_m_s2",
    "jitter": "jitter",
    "true j.": "reference_jitter",
    "precis.": "contact_precision",
    "recall": "contact_recall",
    "slide": "slide_mm_per_frame",
    "true s.": "true_slide_mm_per_frame",
    "sunk": "worst_penetration_mm",
    "float": "float_mm",
    "rise": "rise_m",
    "true r.": "true_rise_m",
    "jump": "jump_m",
    "true j.m": "true_jump_m",
}
AS_IT_COMES = "the pose network's own 3D as it comes"
IMAGE_ALONE = "true height said, the lifter from image points alone"
SHORTEST_PATH_M = 0.5  # of a root whose path error is a share of something
LEAST_RISE_M = 0.1  # of both soles at once: less is no jump


def main() -> None:
    """Reads the command line, measures, and prints a table for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--takes", type=Path, required=True, help="where takes are, or will be")
    parser.add_argument("--json", type=Path, help="also write all figures there")
    options = parser.parse_args()
    options.takes.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for path in sorted(options.folder.glob("*.truth.json")):
        name, truth = path.name.removesuffix(".truth.json"), read_truth(path)
        take = _take(options.folder / f"{name}.mp4", options.takes / f"{name}.json")
        if take is None:
            continue
        reference = read_reference(path)
        for way, settings in _ways(truth).items():
            solved = process.solve(_flat(take) if way == IMAGE_ALONE else take, settings)
            results.setdefault(way, {})[name] = measured(capture_of(solved, solved.people[0]), reference)
        raw = capture_of(take, take.people[0], keypoints=True)
        results.setdefault(AS_IT_COMES, {})[name] = measured(raw, reference)
    for way, clips in results.items():
        print(f"\n{way}\n{table(clips)}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _take(clip: Path, stored: Path) -> Take | None:
    """The clip's take with keypoints, from the file or from the clip; None where the clip is not there yet."""
    if stored.is_file():
        return read_json(stored)
    if not clip.is_file():
        return None
    try:
        take = process.process(clip, process.CaptureSettings())
    except MocapError as error:  # nobody was found
        print(error)
        return None
    write_json(take, stored)
    return take


def _ways(truth: Truth) -> dict[str, SolveSettings]:
    said = SolveSettings(height_m=truth.height_m)
    ways = {"true height said": said, "nothing said": SolveSettings()}
    if truth.camera is not None:
        degrees = 2 * np.degrees(np.arctan(0.5 * max(truth.camera.size) / truth.camera.K[0, 0]))
        ways["true height and lens said"] = replace(said, fov_degrees=float(degrees))
    return ways | {
        IMAGE_ALONE: said,
        "true height said, the pose network's own depth": replace(said, lifter="network"),
        "true height said, solved bone by bone": replace(said, solver="fast"),
        "true height said, feet not held": replace(said, foot_lock="off"),
        "true height said, the pose network's own depth, bone by bone": replace(said, lifter="network", solver="fast"),
    }


def _flat(take: Take) -> Take:
    """The take without the pose network's own 3D."""
    return replace(take, people=tuple(replace(person, keypoints_3d=None) for person in take.people))


def measured(captured: PointTrack, reference: PointTrack) -> dict[str, float]:
    """The figures of COLUMNS, NaN where there is nothing to measure."""
    compared = compare(captured, reference)
    figures = dict(compared.figures)
    if figures["reference_path_m"] < SHORTEST_PATH_M:
        figures["root_path_error_percent"] = np.nan
    if (feet := compared.feet) is not None:
        own = compare(reference, reference).feet
        scores = feet.scores["all"]
        figures |= {"contact_precision": scores.precision, "contact_recall": scores.recall, "float_mm": feet.float_mm}
        figures["slide_mm_per_frame"] = feet.slide_mm_per_frame
        figures["true_slide_mm_per_frame"] = own.slide_mm_per_frame if own is not None else np.nan
    if captured.soles:
        figures["worst_penetration_mm"] = 1000 * max(0.0, -float(np.nanmin(_lowest(captured))))
        true_rise = float(np.nanmax(_lowest(reference)) - np.nanmin(_lowest(reference)))
        if true_rise >= LEAST_RISE_M:
            figures |= {"rise_m": float(np.nanmax(_lowest(captured))), "true_rise_m": true_rise}
            on_heels = reference.contacts["LeftHeel"] & reference.contacts["RightHeel"]
            figures |= {"jump_m": _jump_m(captured, on_heels), "true_jump_m": _jump_m(reference, on_heels)}
    return {name: float(figures.get(name, np.nan)) for name in COLUMNS.values()}


def _lowest(track: PointTrack) -> np.ndarray:
    """Height (T,) of the lowest point of both soles."""
    return np.min([sole[:, 1] for sole in track.soles.values()], axis=0)


def _jump_m(track: PointTrack, on_heels: Flags) -> float:
    """How high the hips get over where they are at most while both heels are truly down (T,); NaN if never."""
    hips = hips_middle(track.points)[:, 1]
    standing = hips[: len(on_heels)][on_heels[: len(hips)]]
    return float(np.nanmax(hips) - np.nanmax(standing)) if len(standing) else np.nan


def table(clips: dict[str, dict[str, float]]) -> str:
    """A line for each clip, and the means."""
    names = list(COLUMNS.values())
    rows = np.array([[figures[name] for name in names] for figures in clips.values()])
    known = np.isfinite(rows)
    means = np.where(known, rows, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    lines = ["clip  " + "".join(f"{column:>8}" for column in COLUMNS)]
    for name, row in [*zip(clips, rows), ("mean", np.where(known.any(axis=0), means, np.nan))]:
        lines.append(f"{name:6}" + "".join(f"{_cell(value):>8}" for value in row))
    return "\n".join(lines)


def _cell(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


if __name__ == "__main__":
    main()
