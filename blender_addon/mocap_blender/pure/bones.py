# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an armature's bones at rest, without Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone at rest, in the armature's own space.

    head, tail: (3,) places. matrix: (3, 3) axes as columns, without scale. parent: its name or None.
    inherits_rotation: whether it turns with its parent. deform: whether a mesh follows it.
    """

    name: str
    parent: str | None
    head: np.ndarray
    tail: np.ndarray
    matrix: np.ndarray
    deform: bool = True
    inherits_rotation: bool = True


Bones = dict[str, Bone]


def children_of(bones: Bones) -> dict[str, list[str]]:
    """Names of the children of every bone, in the armature's order."""
    children: dict[str, list[str]] = {name: [] for name in bones}
    for bone in bones.values():
        if bone.parent in children:
            children[bone.parent].append(bone.name)
    return children


def ancestors_of(name: str, bones: Bones) -> list[str]:
    """The bone's parent, that one's parent, and so on up."""
    found = []
    parent = bones[name].parent
    while parent is not None:
        found.append(parent)
        parent = bones[parent].parent
    return found
