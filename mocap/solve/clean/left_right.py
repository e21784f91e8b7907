"""Left/right repair: find the frames in which a pose network exchanged left and right, and exchange them back.

A network exchanges left and right in some frames: of the arms, of the legs, or of the whole body (it detects a back as
a front). The labels jump, the limbs do not. Every frame gets one of STATES, which says whose labels are exchanged. The
chosen states are the path of least cost through all frames (Viterbi 1967): the relabelled body moves smoothly and has
its limbs on the right sides. Costs of movement are negative log likelihoods of a Cauchy distribution about the position
that constant velocity predicts, so that a single outlier has a limited cost. Legs that cross in a side view keep their
speed, so a crossing costs less than a swap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mocap.model.body import BODY, GROUPS
from mocap.model.keypoints import KeypointLayout, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.model.take import SWAPPED_LIMBS, Swap
from mocap.solve.clean import filters

STATES = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]], bool)  # which of GROUPS are exchanged
MISTAKES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])  # in each state, of each of SWAPPED_LIMBS

MAX_ABSENCE_S = 0.2  # across a longer absence, no position can be predicted
NOISE_WINDOW_S = 0.5
NOISE_FLOOR_M = 0.01  # of a good keypoint from frame to frame
DEPTH_NOISE_M = 0.2  # the depth of pose networks is uncertain
SPREAD_OF_BODY_M = 0.43  # root mean square distance of a standing adult's keypoints from their middle
# Costs are negative log likelihoods. Tuned on projected motion capture and on clips with swaps of the network's own.
SWITCH_COST = 3.0
SWAPPED_COST_PER_S = 6.0  # swaps are short
ANATOMY_COST_PER_S = 4.0  # per second, not per frame: neighbouring frames are not independent evidence
MIRROR_COST = 4.0
LIMB_LENGTH_NOISE_M = 0.05
CLEARLY_AHEAD_M = 0.08  # distance of the nose before the ears, and of toes before heels, from which the cost is full


def find_swaps(
    keypoints_2d: Keypoints2D, keypoints_3d: Keypoints3D | None = None, cuts: Sequence[int] = ()
) -> list[Swap]:
    """Find the spans of frames in which the network exchanged left and right.

    Parameters
    ----------
    keypoints_2d, keypoints_3d : of one person, as the network estimated them.
    cuts : frames with which a new scene begins.

    Returns
    -------
    list of Swap
        Sorted; arms and legs may be exchanged in the same frames.

    Notes
    -----
    Only relative labels can be found. The labels of the larger half of a scene are taken as correct: where more than
    half would be exchanged, the other frames are exchanged instead.
    """
    mistakes = np.zeros((len(keypoints_2d), len(SWAPPED_LIMBS)), bool)
    for frames in _segments(keypoints_2d, cuts):
        made = MISTAKES[_states(frames, keypoints_2d, keypoints_3d)].astype(bool)
        mistakes[frames] = made ^ (made.mean(axis=0) > 0.5)  # the larger half is correct
    masks = zip(SWAPPED_LIMBS, mistakes.T)
    found = [Swap(start, end, limb) for limb, mask in masks for start, end in filters.runs(mask)]
    return sorted(found, key=lambda swap: (swap.start, swap.end, swap.limb))


def repair_2d(keypoints: Keypoints2D, swaps: Sequence[Swap]) -> Keypoints2D:
    """Exchange left and right back, in positions and confidence, in the frames of the swaps."""
    order = _order(keypoints.layout, len(keypoints), swaps)
    xy = np.take_along_axis(keypoints.xy, order[..., None], axis=1)
    return replace(keypoints, xy=xy, confidence=np.take_along_axis(keypoints.confidence, order, axis=1))


def repair_3d(keypoints: Keypoints3D, swaps: Sequence[Swap]) -> Keypoints3D:
    """Exchange left and right back in 3D keypoints (camera axes, origin at the middle of the hips).

    A network that detects a back as a front reverses the depth too (the Necker cube). Where a body is a mirror image
    after the exchange, its depth is reversed.
    """
    order = _order(keypoints.layout, len(keypoints), swaps)
    xyz = np.take_along_axis(keypoints.xyz, order[..., None], axis=1)
    for swap in swaps:
        span = slice(swap.start, swap.end)
        if swap.limb == "body" and np.median(_handedness(xyz[span], keypoints.layout)) < 0:
            xyz[span, :, 2] *= -1
    return replace(keypoints, xyz=xyz, confidence=np.take_along_axis(keypoints.confidence, order, axis=1))


def _order(layout: KeypointLayout, frames: int, swaps: Sequence[Swap]) -> npt.NDArray[np.intp]:
    """Index (T, K) of the column from which each keypoint is taken."""
    columns = np.tile(np.arange(len(layout)), (frames, 1))
    for swap in swaps:
        span = slice(swap.start, swap.end)
        for left, right in layout.mirror_pairs:
            if swap.limb in ("body", BODY.group_of(layout.names[left])):
                columns[span, [left, right]] = columns[span, [right, left]]
    return columns


def _segments(keypoints: Keypoints2D, cuts: Sequence[int]) -> Iterator[Array]:
    """Indices of the frames in which the person is visible, in pieces without cuts and long absences."""
    visible = keypoints.confidence.any(axis=1)
    longest = max(1, round(MAX_ABSENCE_S * float(keypoints.fps)))
    for start, end in pairwise([0, *cuts, len(visible)]):
        frames = start + np.flatnonzero(visible[start:end])
        for piece in np.split(frames, np.flatnonzero(np.diff(frames) > longest) + 1):
            if len(piece) >= 3:  # fewer have no velocity
                yield piece


def _states(frames: Array, keypoints_2d: Keypoints2D, keypoints_3d: Keypoints3D | None) -> Array:
    """The state (n,) of each of n frames of a segment."""
    fps, layout = float(keypoints_2d.fps), keypoints_2d.layout
    body = None if keypoints_3d is None else keypoints_3d.xyz[frames]
    points = _body_points(keypoints_2d.xy[frames], body, fps)
    confidence = keypoints_2d.confidence[frames]
    steps = np.diff(frames).astype(float)
    movement = np.zeros((len(frames) - 2, *3 * (len(STATES),)))
    for part, exchanged in zip(GROUPS, STATES.T.astype(int)):
        a, b, c = np.ix_(exchanged, exchanged, exchanged)
        for pair in _steady_pairs(layout, part):
            movement += _pair_costs(points[:, pair], confidence[:, pair], steps, fps)[:, a ^ c, b ^ c]
    a_second = np.tile(SWAPPED_COST_PER_S * MISTAKES.sum(axis=1), (len(frames), 1))
    if body is not None:
        a_second += ANATOMY_COST_PER_S * _anatomy_costs(body, layout)
    return _cheapest_path(movement, a_second * np.append(steps, 1.0)[:, None] / fps)


def _steady_pairs(layout: KeypointLayout, group: str) -> list[tuple[int, int]]:
    """The mirror pairs of one of GROUPS whose movement is used to find swaps."""
    pairs = [pair for pair in layout.mirror_pairs if BODY.group_of(layout.names[pair[0]]) == group]
    return [pair for pair in pairs if layout.names[pair[0]] in BODY.steady_keypoints]


def _body_points(xy: Array, body: Array | None, fps: float) -> Array:
    """Points (n, K, 3): image positions (n, K, 2) scaled to metres, and depth scaled down to the same noise."""
    spread = _spread(xy)
    scale, depth = spread / SPREAD_OF_BODY_M, np.zeros(xy.shape[:2])
    if body is not None:
        body_spread = _spread(body[..., :2])
        scale = np.where(body_spread > 0, spread / np.maximum(body_spread, 1e-9), scale)
        depth = np.nan_to_num(body[..., 2]) * NOISE_FLOOR_M / DEPTH_NOISE_M
    scale = np.maximum(_running_median(scale, fps), 1e-9)
    return np.concatenate([xy / scale[:, None, None], depth[..., None]], axis=-1)


def _spread(xy: Array) -> Array:
    """Root mean square distance (n,) of points (n, K, 2) from their mean, ignoring NaN; 0 without points."""
    known = np.isfinite(xy)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    middle = np.nansum(xy, axis=1, keepdims=True) / count
    return np.asarray(np.sqrt(np.sum(np.where(known, xy - middle, 0.0) ** 2 / count, axis=(1, 2))))


def _running_median(values: Array, fps: float) -> Array:
    from scipy import ndimage

    return np.asarray(ndimage.median_filter(values, size=2 * round(0.5 * NOISE_WINDOW_S * fps) + 1, mode="mirror"))


def _pair_costs(pair: Array, confidence: Array, steps: Array, fps: float) -> Array:
    """Costs (n − 2, 2, 2) of the movement of a mirror pair (n, 2, 3): how far each frame is from its prediction.

    The last two axes: whether the labels two frames before, and one frame before, are exchanged relative to this frame.
    steps: (n − 1,) number of frames from each to the next.
    """
    labelled = np.stack([pair, pair[:, ::-1]], axis=1)
    before, last = labelled[:-2, :, None], labelled[1:-1, None]
    progress = np.minimum(steps[1:] / steps[:-1], 2.0)[:, None, None, None, None]
    error = np.linalg.norm(pair[2:, None, None] - last - progress * (last - before), axis=-1)
    error /= steps[1:, None, None, None]  # (n − 2, 2, 2, 2)
    # the smallest error of all labellings is noise and acceleration, with or without swaps
    noise = _running_median(np.nan_to_num(error.mean(axis=-1).min(axis=(1, 2))), fps)
    noise = np.maximum(1.5 * noise, NOISE_FLOOR_M)[:, None, None, None]
    trust = np.sqrt(confidence.prod(axis=1))
    trust = np.minimum(np.minimum(trust[2:], trust[1:-1]), trust[:-2])
    costs = np.log1p((error / noise) ** 2).sum(axis=-1)
    return np.asarray(np.nan_to_num(costs) * trust[:, None, None])


def _anatomy_costs(body: Array, layout: KeypointLayout) -> Array:
    """Costs (n, S) of each of STATES by anatomy, for a body (n, K, 3): limbs on the wrong side, or a mirror image."""
    trunk, arms, legs = STATES.T.astype(int)
    costs = _handedness(body, layout)[:, None] * trunk
    for kind, limb in (("arm", arms), ("leg", legs)):
        near, far = next(BODY.of_kind(kind)[0].bones())
        near_ends, far_ends = _sides(body, layout, near.keypoint), _sides(body, layout, far.keypoint)
        if near_ends is not None and far_ends is not None:
            costs = costs + _attachment_costs(near_ends, far_ends)[:, limb ^ trunk]
    return np.asarray(costs)


def _sides(body: Array, layout: KeypointLayout, name: str) -> Array | None:
    """The left and right point (n, 2, 3) of that name, None where the layout has none."""
    bare = name.removeprefix("left_")
    sides = [f"left_{bare}", f"right_{bare}"]
    return body[:, [layout.index(side) for side in sides]] if sides[0] in layout.names else None


def _attachment_costs(near: Array, far: Array) -> Array:
    """Costs (n, 2) of joining the far points (n, 2, 3) of a limb to the near ones of the same, and the other side."""
    lengths = np.linalg.norm(np.stack([far - near, far - near[:, ::-1]], axis=1), axis=-1)
    known = lengths[:, 0][np.isfinite(lengths[:, 0])]
    length = np.median(known) if len(known) else 0.0
    return np.asarray(np.nan_to_num(np.log1p(((lengths - length) / LIMB_LENGTH_NOISE_M) ** 2).sum(axis=-1)))


def _handedness(body: Array, layout: KeypointLayout) -> Array:
    """Cost (n,) of mirroring a body (n, K, 3): > 0 where nose and toes point to the front that left and right imply.

    Convention: in camera axes (x right, y down) the front is left-to-right × down.
    """
    shoulders, hips = _sides(body, layout, "shoulder"), _sides(body, layout, "hip")
    if shoulders is None or hips is None:
        return np.zeros(len(body))
    front = np.cross(shoulders[:, 1] - shoulders[:, 0], hips.mean(axis=1) - shoulders.mean(axis=1))
    front /= np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-9)
    ahead = np.zeros(len(body))
    ears, heels, toes = (_sides(body, layout, name) for name in ("ear", "heel", "foot_index"))
    if ears is not None and "nose" in layout.names:
        ahead += np.sum((body[:, layout.index("nose")] - ears.mean(axis=1)) * front, axis=-1)
    if heels is not None and toes is not None:
        ahead += np.sum((toes - heels).mean(axis=1) * front, axis=-1)
    return np.nan_to_num(MIRROR_COST * np.clip(ahead / CLEARLY_AHEAD_M, -1, 1))


def _cheapest_path(movement: Array, staying: Array) -> Array:
    """Viterbi: states (n,) of least total cost: of movement (n − 2, S, S, S), and of each state by itself (n, S)."""
    switching = SWITCH_COST * np.abs(MISTAKES[:, None] - MISTAKES).sum(axis=-1)
    total = staying[0][:, None] + switching + staying[1]
    origins = []
    for triple, stay in zip(movement, staying[2:]):
        candidates = total[:, :, None] + triple
        origins.append(candidates.argmin(axis=0))
        total = candidates.min(axis=0) + switching + stay
    last, now = np.unravel_index(total.argmin(), total.shape)
    path = [int(now), int(last)]
    for origin in reversed(origins):
        path.append(int(origin[path[-1], path[-2]]))
    return np.array(path[::-1])
