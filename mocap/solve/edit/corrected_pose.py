"""The corrected pose of one frame: keypoints are where somebody placed them, and the rest changes as little as it can.

A small non-linear least-squares problem over the root and all joints of the frame (Levenberg-Marquardt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mocap.model import kinematics, rotation
from mocap.model.body import BODY
from mocap.model.camera import Camera
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.solve import joint_limits
from mocap.solve.contact.points import contact_points

# Standard deviations of the residuals: placed keypoints are the most certain, depth the least.
PLACED_M, HIDDEN_M = 0.002, 0.01  # placed keypoints, visible and occluded, in the image at the body's distance
ACROSS_M, DEPTH_M = 0.03, 0.12  # joints that nobody placed, from their old positions, across the view and along it
CONTACT_M, PENETRATION_M = 0.004, 0.01  # contact points from their old positions, and depth under the floor
SHIFT_M = 0.15  # the root's shift
LIMIT_RADIANS = 0.03  # rotation beyond a joint's range
STEP = 1e-5  # of a parameter, for finite differences
MOST_STEPS, TOLERANCE = 60, 1e-4  # of the solver; it ends at a smaller relative change of cost or parameters


@dataclass(frozen=True, eq=False)
class Placed:
    """A keypoint that somebody placed.

    Parameters
    ----------
    joint, offset : the point of the body: index of a joint, and (3,) metres in its frame.
    xy : (2,) where it was placed, pixels.
    is_hidden : whether it is occluded, and thus less certain.
    """

    joint: int
    offset: Array
    xy: Array
    is_hidden: bool = False


@dataclass(frozen=True, eq=False)
class PoseChange:
    """The change of a pose: shift (3,) of the root, metres, and a rotation vector (J, 3) in each joint's own frame."""

    shift: Array
    rotations: Array


def nearest_pose(
    motion: Motion, frame: int, camera: Camera, *, placed: Sequence[Placed], in_contact: Sequence[str]
) -> PoseChange:
    """Find the smallest change of a frame's pose that moves keypoints to where they were placed.

    Parameters
    ----------
    motion : world frame.
    frame : index of the frame.
    camera : of the placed keypoints.
    placed : the keypoints.
    in_contact : names of contact points on the ground; they do not move, unless their leg has a placed keypoint.
    """
    from scipy.optimize import least_squares  # a third of a second to import, only needed here

    problem = _Problem(motion, frame, camera, placed, in_contact)
    found = least_squares(
        lambda x: problem.residuals(x[None])[0],
        np.zeros(problem.size),
        jac=problem.jacobian,
        method="lm",
        max_nfev=MOST_STEPS,
        ftol=TOLERANCE,
        xtol=TOLERANCE,
    )
    return problem.change(found.x)


class _Problem:
    """The residuals, for B candidates (B, 3 + 3·J) at once: the root's shift, then the joints' rotation vectors."""

    def __init__(
        self, motion: Motion, frame: int, camera: Camera, placed: Sequence[Placed], in_contact: Sequence[str]
    ) -> None:
        self._skeleton, self._camera, self._placed = motion.skeleton, camera, placed
        self._root, self._local = motion.root_world[frame], motion.local_wxyz[frame]
        self.size = 3 + 3 * len(self._skeleton)
        _, world, joints = self._body(np.zeros((1, self.size)))
        self._joints = camera.to_camera(joints[0])
        self._sole_anchors = _sole_anchors(motion, frame, world[0], joints[0])
        self._soles_before = self._soles(world, joints)[0]
        legs = {side for side in ("Left", "Right") for point in placed if self._is_of_leg(point.joint, side)}
        self._in_contact = [
            i for i, name in enumerate(self._sole_anchors) if name in in_contact and not name.startswith(tuple(legs))
        ]
        fixed = {point.joint for point in placed if not np.any(point.offset)}
        self._free = [j for j in range(len(self._skeleton)) if j not in fixed]
        self._metres_per_pixel = self._joints[:, 2].mean() / camera.K[0, 0]
        self._rotation_sigma = np.array([BODY.by_name[name].give for name in self._skeleton.names])
        self._outside = self._beyond_limits(self._local[None])[0]

    def _is_of_leg(self, joint: int, side: str) -> bool:
        leg = next(part for part in BODY.of_kind("leg") if part.side == side.lower())
        return self._skeleton.names[joint] in [below.name for below in leg.joints[1:]]

    def change(self, x: Array) -> PoseChange:
        """The change of the pose for parameters (3 + 3·J,)."""
        return PoseChange(x[:3], x[3:].reshape(-1, 3))

    def _body(self, x: Array) -> tuple[Array, Array, Array]:
        """Local and world orientations (B, J, 4) and positions (B, J, 3) of every candidate."""
        local = rotation.multiply(self._local, rotation.rotvec_to_wxyz(x[:, 3:].reshape(len(x), -1, 3)))
        world = kinematics.world_rotations(self._skeleton, local)
        return local, world, kinematics.forward_kinematics(self._skeleton, self._root + x[:, :3], world)

    def _soles(self, world: Array, joints: Array) -> Array:
        """Positions (B, 4, 3) of the contact points, each fixed to a joint."""
        points = [joints[:, j] + rotation.rotate(world[:, j], offset) for j, offset in self._sole_anchors.values()]
        return np.stack(points, axis=1)

    def residuals(self, x: Array) -> Array:
        """Residuals (B, R) of candidates (B, 3 + 3·J)."""
        local, world, joints = self._body(x)
        soles = self._soles(world, joints)
        count = len(x)
        parts = [self._placed_errors(world, joints)]
        moved = self._camera.to_camera(joints[:, self._free]) - self._joints[self._free]
        parts.append(moved / np.array([ACROSS_M, ACROSS_M, DEPTH_M]))
        parts.append(x[:, 3:].reshape(count, -1, 3) / self._rotation_sigma[:, None])
        parts.append(x[:, :3] / SHIFT_M)
        parts.append((soles - self._soles_before)[:, self._in_contact] / CONTACT_M)
        parts.append(np.minimum(soles[..., 1] - np.minimum(0.0, self._soles_before[:, 1]), 0.0) / PENETRATION_M)
        parts.append((self._beyond_limits(local) - self._outside) / LIMIT_RADIANS)
        return np.concatenate([part.reshape(count, -1) for part in parts], axis=1)

    def _placed_errors(self, world: Array, joints: Array) -> Array:
        """Residuals (B, N, 2) of the placed keypoints in the image."""
        errors = []
        for point in self._placed:
            position = joints[:, point.joint] + rotation.rotate(world[:, point.joint], point.offset)
            scale = self._metres_per_pixel / (HIDDEN_M if point.is_hidden else PLACED_M)
            errors.append(scale * (self._camera.project(position) - point.xy))
        return np.stack(errors, axis=1)

    def _beyond_limits(self, local: Array) -> Array:
        """Rotation vectors (B, J, 3) from the range of each joint to its rotation; 0 inside the range."""
        clamped = joint_limits.clamp_to_limits(self._skeleton, local)
        return rotation.wxyz_to_rotvec(rotation.multiply(rotation.conjugate(clamped), local))

    def jacobian(self, x: Array) -> Array:
        """Derivatives (R, 3 + 3·J) by central differences, all parameters in one batch."""
        steps = STEP * np.eye(self.size)
        values = self.residuals(np.concatenate([x + steps, x - steps]))
        return np.asarray((values[: self.size] - values[self.size :]).T / (2 * STEP))


def _sole_anchors(motion: Motion, frame: int, world: Array, joints: Array) -> dict[str, tuple[int, Array]]:
    """The joint that each contact point is fixed to, and its offset (3,) in that joint's frame."""
    now = slice(frame, frame + 1)
    alone = replace(
        motion,
        root_world=motion.root_world[now],
        local_wxyz=motion.local_wxyz[now],
        confidence=motion.confidence[now],
    )
    anchors = {}
    for name, point in contact_points(alone).items():
        joint = motion.skeleton.index(name.replace("Heel", "Foot"))
        anchors[name] = joint, rotation.rotate(rotation.conjugate(world[joint]), point[0] - joints[joint])
    return anchors
