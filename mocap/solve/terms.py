"""What a refined motion is fitted to: a list of small terms, each with its residuals and analytic derivatives.

Residuals are divided by their standard deviations, which are metres, sines and metres a second of a body of usual size,
so that terms of different kinds can be weighed against each other.
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

SEEN_M = 0.012  # of a keypoint in the picture, at the body's distance
DEPTH_M = 0.07  # of a keypoint's depth about the hips, as the lifter judges it
HINGE = 0.05  # sine of the angle by which a limb leaves the plane of its hinge
EXTENDED = float(np.sin(np.radians(5.0)))  # sine of the angle by which a hinge may bend the wrong way
SOLE_M = 0.002  # of the height of a point that stands
UNDER_M = 0.002  # of a point's depth under the floor
TOUCHING_M = 0.0015  # over the floor: what the fit has put there stays, else its steps would go to and fro
TILT = 0.05  # sine of the sideways tilt of a sole that lies on the floor
STANDING_M_S = 0.01  # speed of a point that stands

ACTIVE = BODY.optimised
UNKNOWNS = 3 + 3 * len(ACTIVE)  # of a frame: the root's place and a rotation vector for each of ACTIVE


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one person in T frames.

    Parameters
    ----------
    image : cleaned keypoints.
    depth : (T, K) metres of the keypoints in front of the camera, NaN = unknown.
    stands : (T, N) weights 0..1 with which contact points are held.
    grounds : (T, N) height in metres of the ground under each, NaN = unknown.
    falls : (T,) flags of the frames in which nothing holds the root up.
    """

    image: Keypoints2D
    depth: Array
    camera: Camera
    stands: Array
    grounds: Array
    falls: Flags

    def part(self, start: int, stop: int) -> Evidence:
        """The frames [start, stop)."""
        span, image = slice(start, stop), self.image
        image = replace(image, xy=image.xy[span], confidence=image.confidence[span])
        parts = {name: getattr(self, name)[span] for name in ("depth", "stands", "grounds", "falls")}
        return replace(self, image=image, **parts)


@dataclass(frozen=True, eq=False)
class Rows:
    """residuals (T, R) over their standard deviations, derivatives (T, R, UNKNOWNS); whether outliers are likely."""

    residuals: Array
    jacobian: Array
    has_outliers: bool = False


class Posed:
    """The skeleton at roots (T, 3) and local rotations (T, J, 4): where its points are, and how they move.

    An angle's unknown is a rotation vector in the frame of the joint's parent, applied after the joint's own rotation.
    """

    def __init__(self, skeleton: Skeleton, root: Array, local_wxyz: Array) -> None:
        self.skeleton = skeleton
        local = rotation.wxyz_to_matrix(local_wxyz)
        self._frames, self._joints = np.empty_like(local), np.empty(local.shape[:3])
        for j, parent in enumerate(skeleton.parents):
            self._frames[:, j] = local[:, j] if parent < 0 else self._frames[:, parent] @ local[:, j]
            here = root if parent < 0 else self._joints[:, parent] + self._frames[:, parent] @ skeleton.offsets[j]
            self._joints[:, j] = here

    def point(self, joint: str, offset: Array) -> tuple[Array, Array]:
        """Places (T, 3) of a point that hangs on a joint at an offset (3,), and derivatives (T, 3, UNKNOWNS)."""
        j = self.skeleton.index(joint)
        place = self._joints[:, j] + self._frames[:, j] @ offset
        jacobian = self._turned(j, lambda pivot: place - self._joints[:, pivot])
        jacobian[:, :, :3] = np.eye(3)
        return place, jacobian

    def direction(self, joint: str, axis: Array) -> tuple[Array, Array]:
        """World directions (T, 3) of an axis (3,) of a joint, and derivatives (T, 3, UNKNOWNS)."""
        j = self.skeleton.index(joint)
        way = self._frames[:, j] @ axis
        return way, self._turned(j, lambda _pivot: way)

    def _turned(self, joint: int, lever: Callable[[int], Array]) -> Array:
        """Derivatives (T, 3, UNKNOWNS) by the angles: each axis of a pivot's parent, crossed with the lever (T, 3)."""
        jacobian = np.zeros((len(self._joints), 3, UNKNOWNS))
        above = {joint}
        while self.skeleton.parents[joint] >= 0:
            joint = self.skeleton.parents[joint]
            above.add(joint)
        for a, name in enumerate(ACTIVE):
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
        """Places and derivatives of the keypoints that the skeleton has, by name."""
        found = {keypoint: self.point(joint, np.zeros(3)) for joint, keypoint in BODY.keypoint_of_joint.items()}
        for point, keypoint in CONTACT_KEYPOINTS.items():
            found[keypoint] = self.point(*contact_offsets(self.skeleton)[point])
        return found


def _seen(posed: Posed, evidence: Evidence) -> list[tuple[Array, Array, Array, int]]:
    """Camera-frame places (T, 3), derivatives (T, 3, D) and weights (T,) of keypoints in view, and their columns."""
    turn, layout = evidence.camera.T_world_camera[:3, :3], evidence.image.layout
    found = []
    for name, (place, jacobian) in posed.keypoints.items():
        if name in layout.names:
            k = layout.index(name)
            weight = np.where(np.isfinite(evidence.depth[:, k]), evidence.image.confidence[:, k], 0.0)
            found.append((evidence.camera.to_camera(place), turn.T @ jacobian, weight, k))
    return found


def reprojection(posed: Posed, evidence: Evidence) -> Rows:
    """Keypoints lie in the picture where they are seen: across the ray, in metres at the keypoint's distance."""
    rays = evidence.camera.rays(evidence.image.xy)
    residuals, jacobians = [], []
    for place, jacobian, weight, k in _seen(posed, evidence):
        scale = weight / SEEN_M
        distance = np.nan_to_num(evidence.depth[:, k], nan=1.0)
        z = np.maximum(place[:, 2], 0.1)
        for i in (0, 1):
            off = place[:, i] / z - np.where(weight > 0, rays[:, k, i], 0.0)
            residuals.append(scale * distance * off)
            across = jacobian[:, i] - (place[:, i] / z)[:, None] * jacobian[:, 2]
            jacobians.append((scale * distance / z)[:, None] * across)
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1), has_outliers=True)


def relative_depth(posed: Posed, evidence: Evidence) -> Rows:
    """Keypoints are as far behind the hips' middle as the lifter judges them to be."""
    seen = _seen(posed, evidence)
    layout = evidence.image.layout
    hips = [layout.index(f"{side}_hip") for side in SIDES]
    at_hips = evidence.depth[:, hips].mean(axis=1)
    (left, d_left), (right, d_right) = (posed.keypoints[f"{side}_hip"] for side in SIDES)
    behind = evidence.camera.T_world_camera[:3, 2]
    at_middle, d_middle = evidence.camera.to_camera(0.5 * (left + right))[:, 2], 0.5 * behind @ (d_left + d_right)
    residuals, jacobians = [], []
    for place, jacobian, weight, k in seen:
        scale = np.where(np.isfinite(at_hips), weight, 0.0) / DEPTH_M
        off = place[:, 2] - at_middle - np.nan_to_num(evidence.depth[:, k] - at_hips)
        residuals.append(scale * off)
        jacobians.append(scale[:, None] * (jacobian[:, 2] - d_middle))
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1), has_outliers=True)


def hinges(posed: Posed, evidence: Evidence) -> Rows:
    """Knees and elbows bend about one axis, and one way."""
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
    """The axis (3,) that a hinge's bone stays across, and the direction (3,) it must not bend to."""
    assert hinge.limit is not None  # a hinge
    axis = np.array(hinge.limit.hinge)
    forbidden = -np.cross(axis, end.rest)
    return np.abs(axis), forbidden / np.linalg.norm(forbidden)


def soles(posed: Posed, evidence: Evidence) -> Rows:
    """Points that stand are at the height of the ground, the others not under it; soles that lie on it do not tilt."""
    residuals, jacobians = [], []
    for i, keypoint in enumerate(CONTACT_KEYPOINTS.values()):
        place, jacobian = posed.keypoints[keypoint]
        known = np.isfinite(evidence.grounds[:, i])
        off = place[:, 1] - np.nan_to_num(evidence.grounds[:, i])
        under = np.where(off < TOUCHING_M, 1 / UNDER_M, 0.0)
        scale = known * np.where(evidence.stands[:, i] > 0, 1 / SOLE_M, under)
        residuals.append(scale * off)
        jacobians.append(scale[:, None] * jacobian[:, 1])
    for first, big in ((0, "Left"), (2, "Right")):
        side, d_side = posed.direction(f"{big}Foot", np.array([1.0, 0.0, 0.0]))
        scale = evidence.stands[:, first] * evidence.stands[:, first + 1] / TILT
        residuals.append(scale * side[:, 1])
        jacobians.append(scale[:, None] * d_side[:, 1])
    return Rows(np.stack(residuals, axis=1), np.stack(jacobians, axis=1))


def depth_under_ground(posed: Posed, evidence: Evidence) -> float:
    """How far the deepest point of a sole is under its ground, in metres; 0 if none is."""
    heights = np.stack([posed.keypoints[keypoint][0][:, 1] for keypoint in CONTACT_KEYPOINTS.values()], axis=1)
    return max(0.0, float(np.max(np.nan_to_num(evidence.grounds - heights, nan=0.0), initial=0.0)))


TERMS = (reprojection, relative_depth, hinges, soles)


def standing(posed: Posed, evidence: Evidence) -> tuple[Array, Array]:
    """Places (T, 12) of the soles' points and derivatives (T, 12, D), over the step that a standing one may make."""
    step = STANDING_M_S / float(evidence.image.fps)
    parts = [posed.keypoints[keypoint] for keypoint in CONTACT_KEYPOINTS.values()]
    return np.concatenate([p for p, _ in parts], axis=1) / step, np.concatenate([j for _, j in parts], axis=1) / step


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.sum(a * b, axis=-1))


def _along(direction: Array, jacobian: Array) -> Array:
    """Derivatives (T, D) of a vector with derivatives (T, 3, D), along directions (T, 3)."""
    return np.asarray(np.einsum("ti,tid->td", direction, jacobian))
