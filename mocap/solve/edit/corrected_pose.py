"""The pose of one frame that shows keypoints where somebody placed them, and is otherwise the pose that it was."""

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

# How far each thing may be from what it should be at the cost of one: what is placed holds, depth gives way first.
PLACED_M, HIDDEN_M = 0.002, 0.01  # across the line of sight, at the body's distance
ACROSS_M, DEPTH_M = 0.03, 0.12  # of the joints that nobody placed, against where they were
STANDING_M, SUNK_M = 0.004, 0.01
SHIFT_M = 0.15
LIMIT_RADIANS = 0.03  # beyond a joint's range
STEP = 1e-5  # of a parameter, for differences
MOST_STEPS, ENOUGH = 60, 1e-4  # steps of the solver, and the relative gain from which on it goes on


@dataclass(frozen=True, eq=False)
class Placed:
    """A point of the body, by its offset (3,) in a joint's frame, that is seen at xy (2,), pixels."""

    joint: int
    offset: Array
    xy: Array
    is_hidden: bool = False


@dataclass(frozen=True, eq=False)
class PoseChange:
    """What is added to a pose: the root's shift (3,) in metres, and a turn (J, 3) of each joint in its own frame."""

    shift: Array
    turns: Array


def nearest_pose(
    motion: Motion, frame: int, camera: Camera, *, placed: Sequence[Placed], standing: Sequence[str]
) -> PoseChange:
    """The least change of a frame's pose that brings points to where they were placed.

    standing: contact points on the ground, which stay where they are unless that leg was placed.
    """
    from scipy.optimize import least_squares  # a third of a second that nobody else needs

    problem = _Problem(motion, frame, camera, placed, standing)
    found = least_squares(
        lambda x: problem.residuals(x[None])[0],
        np.zeros(problem.size),
        jac=problem.jacobian,
        method="lm",
        max_nfev=MOST_STEPS,
        ftol=ENOUGH,
        xtol=ENOUGH,
    )
    return problem.change(found.x)


class _Problem:
    """Residuals of B candidates (B, 3 + 3·J) at once: the root's shift, then the joints' turns."""

    def __init__(
        self, motion: Motion, frame: int, camera: Camera, placed: Sequence[Placed], standing: Sequence[str]
    ) -> None:
        self._skeleton, self._camera, self._placed = motion.skeleton, camera, placed
        self._root, self._local = motion.root_world[frame], motion.local_wxyz[frame]
        self.size = 3 + 3 * len(self._skeleton)
        _, world, joints = self._body(np.zeros((1, self.size)))
        self._joints = camera.to_camera(joints[0])
        self._sole_anchors = _sole_anchors(motion, frame, world[0], joints[0])
        self._soles_before = self._soles(world, joints)[0]
        legs = {side for side in ("Left", "Right") for point in placed if self._is_of_leg(point.joint, side)}
        self._standing = [
            i for i, name in enumerate(self._sole_anchors) if name in standing and not name.startswith(tuple(legs))
        ]
        fixed = {point.joint for point in placed if not np.any(point.offset)}
        self._free = [j for j in range(len(self._skeleton)) if j not in fixed]
        self._metres_per_pixel = self._joints[:, 2].mean() / camera.K[0, 0]
        self._turn_scale = np.array([BODY.by_name[name].give for name in self._skeleton.names])
        self._outside = self._beyond_limits(self._local[None])[0]

    def _is_of_leg(self, joint: int, side: str) -> bool:
        leg = next(part for part in BODY.of_kind("leg") if part.side == side.lower())
        return self._skeleton.names[joint] in [below.name for below in leg.joints[1:]]

    def change(self, x: Array) -> PoseChange:
        """What the parameters (3 + 3·J,) say."""
        return PoseChange(x[:3], x[3:].reshape(-1, 3))

    def _body(self, x: Array) -> tuple[Array, Array, Array]:
        """Local and world orientations (B, J, 4) and positions (B, J, 3) of every candidate."""
        turns = rotation.rotvec_to_wxyz(x[:, 3:].reshape(len(x), -1, 3))
        local = rotation.multiply(self._local, turns)
        world = kinematics.world_rotations(self._skeleton, local)
        return local, world, kinematics.forward_kinematics(self._skeleton, self._root + x[:, :3], world)

    def _soles(self, world: Array, joints: Array) -> Array:
        """The soles' points (B, 4, 3), each fixed to a joint."""
        points = [joints[:, j] + rotation.rotate(world[:, j], offset) for j, offset in self._sole_anchors.values()]
        return np.stack(points, axis=1)

    def residuals(self, x: Array) -> Array:
        """(B, R) of candidates (B, 3 + 3·J)."""
        local, world, joints = self._body(x)
        soles = self._soles(world, joints)
        count = len(x)
        parts = [self._off_placed(world, joints)]
        moved = self._camera.to_camera(joints[:, self._free]) - self._joints[self._free]
        parts.append(moved / np.array([ACROSS_M, ACROSS_M, DEPTH_M]))
        parts.append(x[:, 3:].reshape(count, -1, 3) / self._turn_scale[:, None])
        parts.append(x[:, :3] / SHIFT_M)
        parts.append((soles - self._soles_before)[:, self._standing] / STANDING_M)
        parts.append(np.minimum(soles[..., 1] - np.minimum(0.0, self._soles_before[:, 1]), 0.0) / SUNK_M)
        parts.append((self._beyond_limits(local) - self._outside) / LIMIT_RADIANS)
        return np.concatenate([part.reshape(count, -1) for part in parts], axis=1)

    def _off_placed(self, world: Array, joints: Array) -> Array:
        off = []
        for point in self._placed:
            place = joints[:, point.joint] + rotation.rotate(world[:, point.joint], point.offset)
            scale = self._metres_per_pixel / (HIDDEN_M if point.is_hidden else PLACED_M)
            off.append(scale * (self._camera.project(place) - point.xy))
        return np.stack(off, axis=1)

    def _beyond_limits(self, local: Array) -> Array:
        """How far (B, J, 3) joints are outside of their range, as rotation vectors."""
        clamped = joint_limits.clamp_to_limits(self._skeleton, local)
        return rotation.wxyz_to_rotvec(rotation.multiply(rotation.conjugate(clamped), local))

    def jacobian(self, x: Array) -> Array:
        """Central differences (R, 3 + 3·J), every parameter in one batch."""
        steps = STEP * np.eye(self.size)
        values = self.residuals(np.concatenate([x + steps, x - steps]))
        return np.asarray((values[: self.size] - values[self.size :]).T / (2 * STEP))


def _sole_anchors(motion: Motion, frame: int, world: Array, joints: Array) -> dict[str, tuple[int, Array]]:
    """The joint that each point of the soles is fixed to, and its offset (3,) in that joint's frame."""
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
