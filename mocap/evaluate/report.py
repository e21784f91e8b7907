"""Reports of an evaluation, as tables for people and as JSON values for programs, with points and alignments named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from mocap.evaluate.comparison import FPS, Comparison, FootMeasures, JointErrors
from mocap.evaluate.lsp import LIMBS, LspScores
from mocap.evaluate.metrics import EVALUATION_POINTS, ContactScores
from mocap.evaluate.tables import Table
from mocap.model.keypoints import LSP_14
from mocap.model.rotation import Array

ALIGNMENTS = {
    "mpjpe_mm": "hips' middle in every frame, one rotation for the whole clip, no scale",
    "scaled_mpjpe_mm": "hips' middle in every frame, one rotation and one scale for the whole clip",
    "pa_mpjpe_mm": "one similarity a frame",
    "world_mpjpe_mm": "one rigid transform for the whole clip, no scale",
    "scaled_world_mpjpe_mm": "one similarity for the whole clip",
    "acceleration_error_m_s2": "about the hips' middle, one rotation for the whole clip; at 30 fps",
    "jitter": "none; at 30 fps",
    "reference_jitter": "none; at 30 fps",
    "reference_path_m": "none; hips' middle at 30 fps",
    "root_path_error_percent": "hips' middle, one rigid transform for the whole clip; at 30 fps; of the path's length",
}
_MOVEMENT = {
    "acceleration_error_m_s2": "acceleration error, m/s²",
    "jitter": "jitter, 10 m/s³",
    "reference_jitter": "the reference's jitter, 10 m/s³",
    "reference_path_m": "length of the reference's path, m",
    "root_path_error_percent": "root path error, % of that length",
}
_FEET = {
    "slide_mm_per_frame": "slide in the reference's contacts, mm a frame at 30 fps",
    "slide_cm_per_contact_s": "slide in the reference's contacts, cm a contact second",
    "own_slide_mm_per_frame": "slide in its own contacts, mm a frame at 30 fps",
    "penetration_mm": "penetration in the reference's contacts, mm",
    "float_mm": "float in the reference's contacts, mm",
}
_LSP_NOTES = (
    "person-centric left and right; nobody seen counts as wrong; from the detection nearest to the image's middle and "
    "from the whole image, both also in a mirror: the look that the others agree with most",
    "PCK@0.2 = PDJ@0.2: within 0.2 of the torso's longer diagonal; AUC: the mean of PCK over thresholds 0 to 0.2",
    "neck = shoulders' middle + 0.24 × (ears' middle − it), head top = + 1.75 ×",
    "PCP: strict, both ends within half of the limb's length; the trunk joins the middles of shoulders and hips",
)


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Tables of positions, errors by joint and axis, movement and feet."""
    tables = [_positions(comparison), *_joints(comparison), _movement(comparison)]
    return [*tables, *_feet(comparison.feet)] if comparison.feet else tables


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; a measure without a value is null."""
    feet = comparison.feet
    return {
        "captured": comparison.captured,
        "reference": comparison.reference,
        "offset_s": comparison.offset_s,
        "frames": comparison.frames,
        "frames_compared": comparison.compared,
        "points": list(EVALUATION_POINTS),
        "figures": {
            name: {"value": _or_null(value), "alignment": ALIGNMENTS[name]}
            for name, value in comparison.figures.items()
        },
        "scale": comparison.fits["scaled"].scale,
        "joints": {fit: _joint_json(errors) for fit, errors in comparison.joints.items()},
        "feet": _feet_json(feet) if feet else None,
    }


def lsp_tables(scores: LspScores) -> list[Table]:
    """Tables of PCK and AUC by joint, and of PCP by limb."""
    passes = ", ".join(f"{value:.2f}" for value in scores.pck_by_pass)
    rows = [
        [name.replace("_", " "), *_cells(values, 1)]
        for name, *values in zip(LSP_14.names, scores.pck, scores.visible_pck, scores.auc)
    ]
    means = _cells((scores.pck.mean(), float(np.nanmean(scores.visible_pck)), scores.auc.mean()), 2)
    by_joint = Table(
        f"Leeds Sports Pose: {scores.images} images, a person found in {scores.found}",
        ("joint, %", "PCK@0.2", "of visible", "AUC"),
        [*rows, ["mean", *means]],
        (f"mean PCK@0.2 after each pass: {passes}; from detections alone: {scores.detected_pck:.2f}", *_LSP_NOTES[:3]),
    )
    limbs = [[name, *_cells([value], 1)] for name, value in zip(LIMBS, scores.pcp)]
    arms_and_legs = scores.pcp[2:].mean()
    by_limb = Table(
        "Limbs",
        ("limb, %", "PCP@0.5"),
        [*limbs, ["mean of 10", *_cells([scores.pcp.mean()], 2)], ["arms and legs", *_cells([arms_and_legs], 2)]],
        _LSP_NOTES[3:],
    )
    return [by_joint, by_limb]


def lsp_json(scores: LspScores) -> dict[str, Any]:
    """The scores as JSON values."""
    return {
        "images": scores.images,
        "seen": scores.found,
        "mean": {"pck": float(scores.pck.mean()), "auc": float(scores.auc.mean()), "pcp": float(scores.pcp.mean())},
        "mean_pck_after_each_look": list(scores.pck_by_pass),
        "mean_pck_from_detections_alone": scores.detected_pck,
        "pck": _named(LSP_14.names, scores.pck),
        "pck_of_visible": _named(LSP_14.names, scores.visible_pck),
        "auc": _named(LSP_14.names, scores.auc),
        "pcp": _named(LIMBS, scores.pcp),
        "definitions": list(_LSP_NOTES),
    }


def _positions(comparison: Comparison) -> Table:
    figures, scale = comparison.figures, comparison.fits["scaled"].scale
    rows = [
        ["MPJPE", *_cells((figures["mpjpe_mm"], figures["scaled_mpjpe_mm"]), 1)],
        ["PA-MPJPE", *_cells((figures["pa_mpjpe_mm"],), 1), ""],
        ["world MPJPE", *_cells((figures["world_mpjpe_mm"], figures["scaled_world_mpjpe_mm"]), 1)],
    ]
    notes = (
        f"captured: {comparison.captured}",
        f"reference: {comparison.reference}; its time 0 is at {comparison.offset_s:+.4f} s of the clip",
        f"{comparison.compared} of the reference's {comparison.frames} frames compared, the take resampled to them",
        f"14 points: {', '.join(dict.fromkeys(name.split('_', 1)[1] for name in EVALUATION_POINTS))}, left and right",
        f"MPJPE: {ALIGNMENTS['mpjpe_mm']}",
        f"PA: {ALIGNMENTS['pa_mpjpe_mm']}. World: {ALIGNMENTS['world_mpjpe_mm']}",
    )
    return Table("Positions, mm", ("", "own scale", f"one scale a clip (× {scale:.3f})"), rows, notes)


def _joints(comparison: Comparison) -> Iterable[Table]:
    titles = {
        "own": f"By joint, mm: {ALIGNMENTS['mpjpe_mm']}",
        "scaled": f"By joint, mm: {ALIGNMENTS['scaled_mpjpe_mm']}",
    }
    for fit, title in titles.items():
        errors = comparison.joints[fit]
        rows = [
            [name.replace("_", " "), *_cells([distance, *by_axis, *bias], 0)]
            for name, distance, by_axis, bias in zip(EVALUATION_POINTS, errors.distance, errors.by_axis, errors.bias)
        ]
        means = [errors.distance.mean(), *errors.by_axis.mean(axis=0), *errors.bias.mean(axis=0)]
        columns = ("point", "mean", "|x|", "|y|", "|z|", "x", "y", "z")
        notes = ("|x|: mean absolute error along the reference's x; x: mean of captured − reference",)
        yield Table(title, columns, [*rows, ["mean", *_cells(means, 0)]], notes)


def _movement(comparison: Comparison) -> Table:
    rows = [[label, *_cells([comparison.figures[name]], 2)] for name, label in _MOVEMENT.items()]
    notes = [f"{label.split(',')[0]}: {ALIGNMENTS[name]}" for name, label in _MOVEMENT.items() if "error" in name]
    return Table(f"Movement, at {FPS:g} fps, own scale", ("", "value"), rows, notes)


def _feet(feet: FootMeasures) -> list[Table]:
    rows = [[label, *_cells([getattr(feet, name)], 1)] for name, label in _FEET.items()]
    scores = [[name, *_cells((100 * s.precision, 100 * s.recall), 0)] for name, s in feet.scores.items()]
    return [
        Table(f"Feet, at {FPS:g} fps, own scale", ("", "value"), rows, ("floor: y = 0 of the take",)),
        Table(f"Contacts, at {FPS:g} fps", ("point", "precision, %", "recall, %"), scores),
    ]


def _joint_json(errors: JointErrors) -> dict[str, Any]:
    return {
        name: {"mean_mm": float(distance), "by_axis_mm": by_axis.tolist(), "bias_mm": bias.tolist()}
        for name, distance, by_axis, bias in zip(EVALUATION_POINTS, errors.distance, errors.by_axis, errors.bias)
    }


def _feet_json(feet: FootMeasures) -> dict[str, Any]:
    return {name: _or_null(getattr(feet, name)) for name in _FEET} | {
        "contacts": {name: _scores_json(scores) for name, scores in feet.scores.items()}
    }


def _scores_json(scores: ContactScores) -> dict[str, float | None]:
    return {name: _or_null(value) for name, value in scores._asdict().items()}


def _named(names: Iterable[str], values: Array) -> dict[str, float | None]:
    return {name: _or_null(float(value)) for name, value in zip(names, values)}


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cells(values: Iterable[float], decimals: int) -> list[str]:
    return [f"{value:.{decimals}f}" if math.isfinite(value) else "–" for value in values]
