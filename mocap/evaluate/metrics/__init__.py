"""Error measures of a motion, or of keypoints in images, against a reference: functions of arrays.

``pose``: joint errors. ``movement``: acceleration, jitter and path. ``feet``: foot skating, penetration and contacts.
``image``: keypoints in two dimensions.
"""

from __future__ import annotations

from mocap.evaluate.metrics.feet import (
    ContactScores,
    contact_scores,
    float_mm,
    penetration_mm,
    slide_m_s,
    slide_mm_per_frame,
)
from mocap.evaluate.metrics.image import LARGEST_THRESHOLD, auc, errors_in_torsos, limbs_correct, pck, torso_diameters
from mocap.evaluate.metrics.movement import (
    acceleration_error_m_s2,
    jitter,
    path_length_m,
    resample,
    root_path_error_percent,
)
from mocap.evaluate.metrics.pose import (
    EVALUATION_POINTS,
    Fit,
    about_hips,
    clip_rotation,
    clip_similarity,
    evaluation_points,
    frames_with_all,
    hips_middle,
    mean_mm,
    mpjpe_mm,
    pa_mpjpe_mm,
    residuals,
    scaled_mpjpe_mm,
    scaled_world_mpjpe_mm,
    world_mpjpe_mm,
)

__all__ = [
    "EVALUATION_POINTS",
    "LARGEST_THRESHOLD",
    "ContactScores",
    "Fit",
    "about_hips",
    "acceleration_error_m_s2",
    "auc",
    "clip_rotation",
    "clip_similarity",
    "contact_scores",
    "errors_in_torsos",
    "evaluation_points",
    "float_mm",
    "frames_with_all",
    "hips_middle",
    "jitter",
    "limbs_correct",
    "mean_mm",
    "mpjpe_mm",
    "pa_mpjpe_mm",
    "path_length_m",
    "pck",
    "penetration_mm",
    "resample",
    "residuals",
    "root_path_error_percent",
    "scaled_mpjpe_mm",
    "scaled_world_mpjpe_mm",
    "slide_m_s",
    "slide_mm_per_frame",
    "torso_diameters",
    "world_mpjpe_mm",
]
