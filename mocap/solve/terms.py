"""The terms of the trajectory optimisation: functions that give residuals and their analytic derivatives.

Every residual is divided by its standard deviation (metres, sines of angles or metres per second, for a body of usual
size), so that terms of different kinds can be added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mocap.model import rotation
from mocap.model.body import BODY
from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D
from mocap.model.parts import SIDES, Joint
from mocap.model.rotation import Array, Flags
from mocap.model.skeleton import Skeleton
from mocap.solve.contact.points import CONTACT_KEYPOINTS, contact_offsets

# Standard deviations of residuals:
IMAGE_M = 0.012  # of a keypoint's image position, at the body's distance
DEPTH_M = 0.07  # of a keypoint's depth relative to the hips, as the lifter estimates it
HINGE = 0.05  # of the sine of the angle by which a limb leaves the plane of its hinge
SOLE_M = 0.002  # of the height of a point in contact
PENETRATION_M = 0.002  # of the depth of a point under the floor
TILT = 0.05  # of the sine of the sideways tilt of a sole that lies on the floor
SLIDE_M_S = 0.01  # of the speed of a point in contact
# Thresholds:
EXTENDED = float(np.sin(np.radians(5.0)))  # sine of the angle by which a hinge may bend backwards
TOUCHING_M = 0.0015  # over the floor: points below count as under it, or steps of the solver would alternate

OPTIMISED_JOINTS = BODY.optimised
UNKNOWNS = 3 + 3 * len(OPTIMISED_JOINTS)  # of a frame: the root's position, and a rotation vector for each joint


@dataclass(frozen=True, eq=False)
class Evidence:
    """The observations of one person in T frames, with K keypoints and N contact points.

    Parameters
    ----------
    image : cleaned keypoints, pixels.
    depth : (T, K) depth of the keypoints in the camera's frame, metres, NaN = unknown.
    camera : of the image, in the world of the motion.
    contact_weights : (T, N) in 0..1: how firmly contact points are locked, 0 without contact.
    ground_heights : (T, N) height of the ground under each, metres, NaN = unknown.
    is_falling : (T,) flags of the frames in which the root falls freely.
    """

    image: Keypoints2D
    depth: Array
    camera: Camera
    contact_weights: Array
    ground_heights: Array
    is_falling: Flags

    def part(self, start: int, stop: int) -> Evidence:
        """The frames [start, stop)."""
        span, image = slice(start, stop), self.image
        image = replace(image, xy=image.xy[span], confidence=image.confidence[span])
        names = ("depth", "contact_weights", "ground_heights", "is_falling")
        return replace(self, image=image, **{name: getattr(self, name)[span] for name in names})


@dataclass(frozen=True, eq=False)
class Rows:
    """The R residuals of a term in each of T frames.

    Parameters
    ----------
    residuals : (T, R), divided by their standard deviations.
    jacobian : (T, R, UNKNOWNS) derivatives by the unknowns of the same frame.
    has_outliers : whether outliers are likely, so that large residuals get Huber weights.
    """

    residuals: Array
    jacobian: Array
    has_outliers: bool = False


class Posed:
    """Forward kinematics with derivatives by the unknowns, for T frames.

    Parameters
    ----------
    skeleton : J joints.
    root : (T, 3) metres.
    local_wxyz : (T, J, 4).

    Notes
    -----
    Convention: the unknowns of a joint are a rotation vector in the frame of its parent, applied after the joint's own
    rotation.
    """

    def __init__(self, skeleton: Skeleton, root: Array, local_wxyz: Array) -> None:
        self.skeleton = skeleton
        local = rotation.wxyz_to_matrix(local_wxyz)
        self._frames, self._joints = np.empty_like(local), np.empty(local.shape[:3])
        for j, parent in enumerate(skeleton.parents):
            self._frames[:, j] = local[:, j] if parent < 0 else self._frames[:, parent] @ local[:, j]
            position = root if parent < 0 else self._joints[:, parent] + self._frames[:, parent] @ skeleton.offsets[j]
            self._joints[:, j] = position

    def point(self, joint: str, offset: Array) -> tuple[Array, Array]:
        """Positions (T, 3) of a point at an offset (3,) in a joint's frame, and derivatives (T, 3, UNKNOWNS)."""
        j = self.skeleton.index(joint)
        position = self._joints[:, j] + self._frames[:, j] @ offset
        jacobian = self._rotation_jacobian(j, lambda pivot: position - self._joints[:, pivot])
        jacobian[:, :, :3] = np.eye(3)
        return position, jacobian

    def direction(self, joint: str, axis: Array) -> tuple[Array, Array]:
        """World directions (T, 3) of an axis (3,) of a joint, and derivatives (T, 3, UNKNOWNS)."""
        j = self.skeleton.index(joint)
        direction = self._frames[:, j] @ axis
        return direction, self._rotation_jacobian(j, lambda _pivot: direction)

    def _rotation_jacobian(self, joint: int, lever: Callable[[int], Array]) -> Array:
        """Derivatives (T, 3, UNKNOWNS) by rotations: axes of each pivot's parent × the lever (T, 3) from the pivot."""
        jacobian = np.zeros((len(self._joints), 3, UNKNOWNS))
        above = {joint}
        while self.skeleton.parents[joint] >= 0:
            joint = self.skeleton.parents[joint]
            above.add(joint)
        for a, name in enumerate(OPTIMISED_JOINTS):
            pivot = self.skeleton.index(name)
            if pivot not in above:
                continue
            parent = self.skeleton.parents[pivot]
            axes = np.eye(3)[None] if parent < 0 else self._frames[:, parent]
            x, y, z = (lever(pivot)[:, i, None] for i in range(3))
            columns = slice(3 + 3 * a, 6 + 3 * a)
            jacobian[:, 0, columns] = axes[:, 1] * z - axes[:, 2] * y
            jacobian[:, 1, columns] = axes[:, 2] * x - axes[:, 0] * z
            jacobian[:, 2, columns] = axes[:, 0] * y - axes[:, 1] * x
        return jacobian

    @cached_property
    def keypoints(self) -> dict[str, tuple[Array, Array]]:
        """Positions (T, 3) and derivatives (T, 3, UNKNOWNS) of the keypoints that the skeleton has, by name."""
        found = {keypoint: self.point(joint, np.zeros(3)) for joint, keypoint in BODY.keypoint_of_joint.items()}
        for point, keypoint in CONTACT_KEYPOINTS.items():
            found[keypoint] = self.point(*contact_offsets(self.skeleton)[point])
        return found


def _observed(posed: Posed, evidence: Evidence) -> list[tuple[Array, Array, Array, int]]:
    """Positions (T, 3) and derivatives (T, 3, D) in the camera's frame, weights (T,) and columns of keypoints that the
    image has; the weight is 0 where a keypoint is not visible."""
    R_world_camera, layout = evidence.camera.T_world_camera[:3, :3], evidence.image.layout
    found = []
    for name, (position, jacobian) in posed.keypoints.items():
        if name in layout.names:
            k = layout.index(name)
            weight = np.where(np.isfinite(evidence.depth[:, k]), evidence.image.confidence[:, k], 0.0)
            found.append((evidence.camera.to_camera(position), R_world_camera.T @ jacobian, weight, k))
    return found


def reprojection(posed: Posed, evidence: Evidence) -> Rows:
    """Reprojection term: distance of each keypoint from its ray, along x and y, in metres at the keypoint's depth."""
    rays = evidence.camera.rays(evidence.image.xy)
    residuals, jacobians = [], []
    for position, jacobian, weight, k in _observed(posed, evidence):
        scale = weight / IMAGE_M
        distance = np.nan_to_num(evidence.depth[:, k], nan=1.0)
        z = np.maximum(position[:, 2], 0.1)
        for i in (0, 1):
            error = position[:, i] / z - np.where(weight > 0, rays[:, k, i], 0.0)
            residuals.append(scale * distance * error)
            across = jacobian[:, i] - (position[:, i] / z)[:, None] * jacobian[:, 2]
            jacobians.append((scale * distance / z)[:, None] * across)
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1), has_outliers=True)


def relative_depth(posed: Posed, evidence: Evidence) -> Rows:
    """Depth term: depth of each keypoint relative to the middle of the hips, minus the lifter's estimate of it."""
    layout = evidence.image.layout
    hips = [layout.index(f"{side}_hip") for side in SIDES]
    at_hips = evidence.depth[:, hips].mean(axis=1)
    (left, d_left), (right, d_right) = (posed.keypoints[f"{side}_hip"] for side in SIDES)
    behind = evidence.camera.T_world_camera[:3, 2]
    at_middle, d_middle = evidence.camera.to_camera(0.5 * (left + right))[:, 2], 0.5 * behind @ (d_left + d_right)
    residuals, jacobians = [], []
    for position, jacobian, weight, k in _observed(posed, evidence):
        scale = np.where(np.isfinite(at_hips), weight, 0.0) / DEPTH_M
        error = position[:, 2] - at_middle - np.nan_to_num(evidence.depth[:, k] - at_hips)
        residuals.append(scale * error)
        jacobians.append(scale[:, None] * (jacobian[:, 2] - d_middle))
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1), has_outliers=True)


def hinges(posed: Posed, evidence: Evidence) -> Rows:
    """Hinge term: knees and elbows bend about one axis only, and not backwards."""
    residuals, jacobians = [], []
    for before, hinge, end in BODY.hinges:
        across, forbidden = _hinge_axes(hinge, end)
        offset = posed.skeleton.offsets[posed.skeleton.index(end.name)]
        bone, d_bone = posed.direction(hinge.name, offset / np.linalg.norm(offset))
        side, d_side = posed.direction(before.name, across)
        residuals.append(_dot(side, bone) / HINGE)
        jacobians.append((_along(bone, d_side) + _along(side, d_bone)) / HINGE)
        front, d_front = posed.direction(before.name, forbidden)
        excess = _dot(front, bone) - EXTENDED
        beyond = (excess > 0) / HINGE
        residuals.append(beyond * excess)
        jacobians.append(beyond[:, None] * (_along(bone, d_front) + _along(front, d_bone)))
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1))


def _hinge_axes(hinge: Joint, end: Joint) -> tuple[Array, Array]:
    """The axis (3,) of a hinge, perpendicular to its bone, and the direction (3,) to which it must not bend."""
    assert hinge.limit is not None  # a hinge
    axis = np.array(hinge.limit.hinge)
    forbidden = -np.cross(axis, end.rest)
    return np.abs(axis), forbidden / np.linalg.norm(forbidden)


def soles(posed: Posed, evidence: Evidence) -> Rows:
    """Ground term: points in contact are at the ground's height, no other is under it, and soles on it do not tilt."""
    residuals, jacobians = [], []
    for i, keypoint in enumerate(CONTACT_KEYPOINTS.values()):
        position, jacobian = posed.keypoints[keypoint]
        known = np.isfinite(evidence.ground_heights[:, i])
        height = position[:, 1] - np.nan_to_num(evidence.ground_heights[:, i])
        under = np.where(height < TOUCHING_M, 1 / PENETRATION_M, 0.0)
        scale = known * np.where(evidence.contact_weights[:, i] > 0, 1 / SOLE_M, under)
        residuals.append(scale * height)
        jacobians.append(scale[:, None] * jacobian[:, 1])
    for first, big in ((0, "Left"), (2, "Right")):
        side, d_side = posed.direction(f"{big}Foot", np.array([1.0, 0.0, 0.0]))
        scale = evidence.contact_weights[:, first] * evidence.contact_weights[:, first + 1] / TILT
        residuals.append(scale * side[:, 1])
        jacobians.append(scale[:, None] * d_side[:, 1])
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1))


def penetration(posed: Posed, evidence: Evidence) -> float:
    """How far the deepest contact point is under its ground, metres; 0 if none is."""
    heights = np.stack([posed.keypoints[keypoint][0][:, 1] for keypoint in CONTACT_KEYPOINTS.values()], axis=1)
    return max(0.0, float(np.max(np.nan_to_num(evidence.ground_heights - heights, nan=0.0), initial=0.0)))


TERMS = (reprojection, relative_depth, hinges, soles)


def foot_lock(posed: Posed, evidence: Evidence) -> tuple[Array, Array]:
    """Foot lock: the steps of contact points from frame to frame, whose differences are the residuals.

    Returns
    -------
    Positions (T, 3·N) of the contact points and derivatives (T, 3·N, UNKNOWNS), both divided by the standard deviation
    of a step in contact.
    """
    step = SLIDE_M_S / float(evidence.image.fps)
    parts = [posed.keypoints[keypoint] for keypoint in CONTACT_KEYPOINTS.values()]
    return np.concatenate([p for p, _ in parts], axis=1) / step, np.concatenate([j for _, j in parts], axis=1) / step


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.sum(a * b, axis=-1))


def _along(direction: Array, jacobian: Array) -> Array:
    """Derivatives (T, D) of a vector with derivatives (T, 3, D), along directions (T, 3)."""
    return np.asarray(np.einsum("ti,tid->td", direction, jacobian))
