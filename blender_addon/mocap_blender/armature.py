# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature of Blender as plain bones."""

from __future__ import annotations

import numpy as np

from .pure.bones import Bone, Bones


def bones_of(armature) -> Bones:
    """The bones of an armature object at rest, in its own space, in its own order."""
    found: Bones = {}
    for bone in armature.data.bones:
        matrix = np.array(bone.matrix_local.to_3x3(), dtype=float)
        found[bone.name] = Bone(
            bone.name,
            bone.parent.name if bone.parent else None,
            np.array(bone.head_local, dtype=float),
            np.array(bone.tail_local, dtype=float),
            matrix / np.linalg.norm(matrix, axis=0),
            deform=bone.use_deform,
            inherits_rotation=bone.use_inherit_rotation,
        )
    return found
