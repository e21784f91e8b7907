"""Closed forms of arms and legs: two-bone inverse kinematics, twist, hands and feet."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mocap.model import rotation
from mocap.model.parts import Joint, Part
from mocap.model.rotation import Array
from mocap.solve import joint_limits
from mocap.solve.closed_form.pose import TWIST_SIGMA_S, Pose, clear_bend, cosine, perpendicular, swing, unit

FOOT_HINT_WEIGHT = 0.4  # of the foot's direction, in the twist of its thigh
REACH_SLACK = 0.05  # of a limb's reach; a smaller difference is noise, and would make straight limbs bend and jitter
LIKELY_BEND_M = 0.01  # weight of the usual bend (knees forwards, elbows backwards) against the middle keypoint
FOREARM_TWIST_FRACTION = 0.5  # of the hand's twist, so that skin between elbow and wrist does not wring


def solve_arm(pose: Pose, part: Part) -> None:
    """Aim collar bone, upper arm and forearm; rotate the hand to its knuckles where the layout has them."""
    shoulder, upper, lower, hand = part.joints
    p, along = pose.points, np.array([1.0 if part.side == "left" else -1.0, 0.0, 0.0])
    chest = pose.frames["UpperChest"]
    clavicle = p[upper.keypoint] - pose.position(shoulder.name)
    pose.frames[shoulder.name] = joint_limits.clamp_swing(chest, along, clavicle, shoulder.name)
    backwards = -chest[..., 2]
    first, second = _bend_limb(pose, (upper, lower, hand), backwards)
    frame = pose.steady_twist(pose.frames[shoulder.name], along, first, [(second, clear_bend(first, second))])
    pose.frames[upper.name] = frame
    pose.frames[lower.name] = untwisted = swing(frame, along, second)
    index, pinky = f"{part.side}_index", f"{part.side}_pinky"
    if not p.has(index, pinky):
        pose.frames[hand.name] = untwisted
        return
    across = p[index] - p[pinky]  # palm down at rest: the thumb's side is in front, +Z
    thumb_side = [(across, np.full(len(across), 1.0))]
    twisted = pose.steady_twist(untwisted, along, untwisted @ along, thumb_side)
    low, high = rotation.matrix_to_wxyz(untwisted), rotation.matrix_to_wxyz(twisted)
    half = rotation.slerp(low, high, np.full(len(twisted), FOREARM_TWIST_FRACTION))
    pose.frames[lower.name] = rotation.wxyz_to_matrix(half)
    knuckles = 0.5 * (p[index] + p[pinky]) - p[hand.keypoint]
    pose.frames[hand.name] = pose.steady_twist(twisted, along, knuckles, thumb_side)


def solve_leg(pose: Pose, part: Part) -> None:
    """Aim thigh and shin; rotate the foot to its toes where the layout has them."""
    upper, lower, foot, toes = part.joints
    p, along = pose.points, np.array([0.0, -1.0, 0.0])
    forwards = pose.frames["Hips"][..., 2]
    thigh, shin = _bend_limb(pose, (upper, lower, foot), forwards)
    hints = [(-shin, clear_bend(thigh, shin))]
    heel, tip = (contact.keypoint for contact in part.contacts)
    has_foot = p.has(heel, tip)
    if has_foot:
        pointing = p[tip] - p[heel]
        hints.append((pointing, np.full(len(pointing), FOOT_HINT_WEIGHT)))
    frame = pose.steady_twist(pose.frames["Hips"], along, thigh, hints)
    pose.frames[upper.name] = frame
    shin_frame = rotation.frame_from_axes(-shin, frame[..., 0], axes="yx")
    pose.frames[lower.name] = shin_frame
    foot_frame = _foot(pose, foot.name, tip, shin_frame) if has_foot else shin_frame
    pose.frames[foot.name] = pose.frames[toes.name] = foot_frame


def _bend_limb(pose: Pose, joints: tuple[Joint, Joint, Joint], likely: Array) -> tuple[Array, Array]:
    """Two-bone inverse kinematics: both bones (T, 3) of a limb, from the skeleton's own joint to the end's keypoint.

    A limb bends in the plane of its middle keypoint, or, where it is almost straight, towards ``likely`` (T, 3). Its
    reach follows from the angle between the keypoints' bones. Where the end is clearly nearer or farther than that, the
    angle changes instead of the end, since bone lengths and image positions are more certain than depth.
    """
    first, middle, end = (pose.points[joint.keypoint] for joint in joints)
    start = pose.position(joints[0].name)
    skeleton = pose.skeleton
    a, b = (np.linalg.norm(skeleton.offsets[skeleton.index(joint.name)]) for joint in joints[1:])
    reach = np.sqrt(a * a + b * b + 2 * a * b * cosine(middle - first, end - middle))
    excess = np.linalg.norm(end - start, axis=-1) / reach - 1.0
    reach = np.clip(
        reach * (1.0 + np.sign(excess) * np.maximum(np.abs(excess) - REACH_SLACK, 0.0)),
        0.2 * (a + b),
        0.999 * (a + b),
    )
    towards = unit(end - start)
    bend = _bend_direction(pose, perpendicular(middle - start, towards), (middle - first, end - middle), likely)
    bend = unit(perpendicular(bend, towards))
    along = (a * a - b * b + reach * reach) / (2 * reach)  # of the middle joint, by the law of cosines
    upper = along[:, None] * towards + np.sqrt(np.maximum(a * a - along * along, 0.0))[:, None] * bend
    return upper, reach[:, None] * towards - upper


def _bend_direction(pose: Pose, visible: Array, bones: tuple[Array, Array], likely: Array) -> Array:
    """The direction (T, 3) in which a limb bends: that of its keypoints where it is clear, else their mean in time."""
    steady = gaussian_filter1d(visible + LIKELY_BEND_M * likely, TWIST_SIGMA_S * pose.fps, axis=0, mode="nearest")
    clear = clear_bend(*bones)[:, None]
    return np.asarray(clear * unit(visible) + (1.0 - clear) * unit(steady))


def _foot(pose: Pose, foot: str, tip: str, shin_frame: Array) -> Array:
    """The foot's frame (T, 3, 3): toes point at their keypoint, with the least twist against the shin."""
    rest = pose.skeleton.end_of_chain(foot)
    pointing = pose.points[tip] - pose.position(foot)
    at_rest = rotation.frame_from_axes(rest, np.array([1.0, 0.0, 0.0]), axes="zx")
    return np.asarray(rotation.frame_from_axes(pointing, shin_frame[..., 0], axes="zx") @ at_rest.T)
