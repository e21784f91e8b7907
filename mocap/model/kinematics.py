"""Forward kinematics, bone lengths and velocities."""

from __future__ import annotations

import numpy as np

from mocap.model import rotation
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton


def world_rotations(skeleton: Skeleton, local_wxyz: Array) -> Array:
    """World orientations (T, J, 4) of all joints from their rotations (T, J, 4) relative to the parent."""
    world = np.array(local_wxyz, float)
    for j, parent in enumerate(skeleton.parents):
        if parent >= 0:
            world[:, j] = rotation.multiply(world[:, parent], local_wxyz[:, j])
    return world


def local_rotations(skeleton: Skeleton, world_wxyz: Array) -> Array:
    """Rotations (T, J, 4) relative to the parent from world orientations; the inverse of ``world_rotations``."""
    local = np.array(world_wxyz, float)
    for j, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, j] = rotation.multiply(rotation.conjugate(world_wxyz[:, parent]), world_wxyz[:, j])
    return local


def forward_kinematics(skeleton: Skeleton, root_world: Array, world_wxyz: Array) -> Array:
    """Forward kinematics: joint positions from the root's position and the joints' orientations.

    Parameters
    ----------
    skeleton : J joints.
    root_world : (T, 3) metres, world frame.
    world_wxyz : (T, J, 4) orientations in the world.

    Returns
    -------
    Array (T, J, 3), metres, world frame.
    """
    positions = np.empty((len(root_world), len(skeleton), 3))
    for j, parent in enumerate(skeleton.parents):
        if parent < 0:
            positions[:, j] = root_world
        else:
            positions[:, j] = positions[:, parent] + rotation.rotate(world_wxyz[:, parent], skeleton.offsets[j])
    return positions


def joint_positions(motion: Motion) -> Array:
    """Joint positions (T, J, 3) in metres, world frame."""
    return forward_kinematics(motion.skeleton, motion.root_world, world_rotations(motion.skeleton, motion.local_wxyz))


def end_positions(motion: Motion) -> dict[str, Array]:
    """End Site positions (T, 3) in metres, world frame, by the name of their leaf joint."""
    world = world_rotations(motion.skeleton, motion.local_wxyz)
    joints = forward_kinematics(motion.skeleton, motion.root_world, world)
    return {
        name: joints[:, j] + rotation.rotate(world[:, j], end)
        for name, end in motion.skeleton.ends.items()
        for j in [motion.skeleton.index(name)]
    }


def bone_lengths(skeleton: Skeleton) -> Array:
    """Distance (J,) in metres of every joint from its parent; 0 for the root."""
    lengths = np.linalg.norm(skeleton.offsets, axis=-1)
    lengths[0] = 0.0
    return np.asarray(lengths)


def velocities(positions: Array, fps: float) -> Array:
    """Velocities by central differences.

    Parameters
    ----------
    positions : (T, ...), any unit.
    fps : frames per second.

    Returns
    -------
    Array (T, ...), units per second; zero for a single frame.
    """
    if len(positions) < 2:
        return np.zeros_like(positions)
    return np.asarray(np.gradient(positions, 1.0 / fps, axis=0))
