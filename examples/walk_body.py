"""The example's person: a free body with clothes, and the points of it that the truth file names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import anny
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PHENOTYPE = {
    "gender": 0.3,
    "age": 0.67,
    "muscle": 0.55,
    "weight": 0.5,
    "height": 0.4,
    "proportions": 0.7,
    "caucasian": 0.6,
    "asian": 0.3,
    "african": 0.3,
}
SOLE_M = 0.012  # thickness of the shoes' soles: the floor lies this far under the bare foot

_SIDE = ("Shoulder", "Arm", "ForeArm", "Hand")
_LEG = ("UpLeg", "Leg", "Foot", "ToeBase")
PARENTS: dict[str, str | None] = {
    "Hips": None,
    "Spine": "Hips",
    "Spine1": "Spine",
    "Spine2": "Spine1",
    "Neck": "Spine2",
    "Head": "Neck",
    **{f"{s}{j}": f"{s}{p}" if p else "Spine2" for s in ("Left", "Right") for j, p in zip(_SIDE, ("", *_SIDE))},
    **{f"{s}{j}": f"{s}{p}" if p else "Hips" for s in ("Left", "Right") for j, p in zip(_LEG, ("", *_LEG))},
}
JOINTS = tuple(PARENTS)

# truth point: the joint that carries it; those of _AT_JOINT are that joint's centre, the others lie on the skin
_AT_JOINT = {"shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot"}
_AT_JOINT |= {"ball": "ToeBase"}
_ON_SKIN = {"heel": "Foot", "toe": "ToeBase", "ear": "Head", "eye": "Head"}


@dataclass(frozen=True, eq=False)
class Body:
    """A body in its rest pose, metres, +Y up, facing +Z, the soles of its shoes on y = 0.

    vertices: (V, 3). faces: (F, 3) indices. colours: (F, 3) linear RGB. weights: (V, J) skinning weights that sum to
    1. joints: (J, 3) centres in the order of JOINTS. points: truth point -> (joint it moves with, place (3,)).
    """

    vertices: Array
    faces: NDArray[np.int64]
    colours: Array
    weights: Array
    joints: Array
    points: dict[str, tuple[str, Array]]

    @property
    def height_m(self) -> float:
        """From the ground to the top of the head, in shoes."""
        return float(self.points["head_top"][1][1])

    def joint(self, name: str) -> Array:
        """The rest centre (3,) of a joint."""
        return self.joints[JOINTS.index(name)]


@dataclass(frozen=True, eq=False)
class Skin:
    """The bare body: vertices (V, 3), faces (F, 3), weights (V, J), joints (J, 3), keypoints by COCO name (3,).

    heads: (3,) of every bone of the rig, fingers too.
    """

    vertices: Array
    faces: NDArray[np.int64]
    weights: Array
    joints: Array
    keypoints: dict[str, Array]
    heads: dict[str, Array]


@cache
def _model() -> anny.Anny:
    return anny.Anny(rig="mixamo", phenotype_blendshapes="original", phenotypes="all")


def bare_skin(phenotype: dict[str, float] | None = None) -> Skin:
    """The body of ``anny`` with its Mixamo rig; axes turned to +Y up, facing +Z, bare feet on SOLE_M.

    phenotype: what differs from PHENOTYPE.
    """
    model = _model()
    rest = model(phenotype_kwargs=PHENOTYPE | (phenotype or {}))
    regressor = anny.KeypointsRegressor.coco(model)
    vertices = _y_up(rest["rest_vertices"][0].numpy())
    lift = np.array([0.0, SOLE_M - vertices[:, 1].min(), 0.0])
    bones = [label.removeprefix("mixamorig:") for label in model.bone_labels]
    heads = dict(zip(bones, _y_up(rest["rest_bone_heads"][0].numpy()) + lift))
    keypoints = dict(zip(regressor.labels, _y_up(regressor({"vertices": rest["rest_vertices"]})[0].numpy()) + lift))
    weights = _weights_of_joints(model, bones)
    return Skin(vertices + lift, model.faces.numpy(), weights, _joint_centres(heads, keypoints), keypoints, heads)


def _y_up(p: Array) -> Array:
    """(x, y, z) with z up and −y forward becomes (x, z, −y)."""
    return np.stack([p[..., 0], p[..., 2], -p[..., 1]], axis=-1).astype(np.float64)


def _weights_of_joints(model: anny.Anny, bones: list[str]) -> Array:
    """Skinning weights (V, J); the fingers move with the hand."""
    carrier = {b: JOINTS.index(b) if b in JOINTS else JOINTS.index(b.split("Hand")[0] + "Hand") for b in bones}
    columns = np.array([carrier[bone] for bone in bones])
    dense = np.zeros((len(model.template_vertices), len(JOINTS)))
    rows = np.arange(len(dense))[:, None]
    np.add.at(dense, (rows, columns[model.vertex_bone_indices.numpy()]), model.vertex_bone_weights.numpy())
    return np.asarray(dense / dense.sum(axis=1, keepdims=True))


def _joint_centres(heads: dict[str, Array], keypoints: dict[str, Array]) -> Array:
    """The rig's joint centres (J, 3), left and right made mirror images; the hips as far apart as the regressor says.

    The rig's own hips are 23.5 cm apart on this body; hip joint centres of people are nearer 18.
    """
    mirror = np.array([-1.0, 1.0, 1.0])
    centres = {}
    for name in JOINTS:
        twin = name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left")
        centres[name] = (heads[name] + mirror * heads[twin]) / 2
    centres["LeftUpLeg"][0] = keypoints["left_hip"][0]
    centres["RightUpLeg"][0] = -keypoints["left_hip"][0]
    return np.array([centres[name] for name in JOINTS])


def truth_points(skin: Skin) -> dict[str, tuple[str, Array]]:
    """Each truth point: the joint it moves with and its place (3,) in the rest pose."""
    points: dict[str, tuple[str, Array]] = {}
    for side in ("left", "right"):
        prefix = side.capitalize()
        for point, joint in _AT_JOINT.items():
            points[f"{side}_{point}"] = (prefix + joint, skin.joints[JOINTS.index(prefix + joint)])
        for point, joint in _ON_SKIN.items():
            carrier = joint if joint == "Head" else prefix + joint
            points[f"{side}_{point}"] = (carrier, _skin_point(skin, side, point))
    points["nose"] = ("Head", skin.keypoints["nose"])
    points["neck"] = ("Neck", skin.joints[JOINTS.index("Neck")])
    points["head_top"] = ("Head", skin.vertices[skin.vertices[:, 1].argmax()])
    return points


def _skin_point(skin: Skin, side: str, point: str) -> Array:
    if point in ("ear", "eye"):
        return skin.keypoints[f"{side}_{point}"]
    foot = skin.vertices[(skin.vertices[:, 0] > 0) == (side == "left")]
    sole = foot[foot[:, 1] < SOLE_M + 0.05]  # the heel bulges furthest back about 3 cm above the ground
    return np.asarray(sole[sole[:, 2].argmin() if point == "heel" else sole[:, 2].argmax()])


def posed(body: Body, rotations: Array, root: Array) -> tuple[Array, Array]:
    """Joint centres (J, 3) and vertices (V, 3) under world rotations from rest (J, 3, 3), hips at root (3,)."""
    centres = posed_joints(body.joints, rotations, root)
    moves = np.concatenate([rotations, _offsets(body.joints, rotations, centres)[..., None]], axis=2)
    blended = (body.weights @ moves.reshape(len(moves), 12)).reshape(-1, 3, 4)
    return centres, np.einsum("vab,vb->va", blended[..., :3], body.vertices) + blended[..., 3]


def posed_joints(joints: Array, rotations: Array, root: Array) -> Array:
    """Joint centres (J, 3) by forward kinematics."""
    centres = np.zeros_like(joints)
    centres[0] = root
    for j, name in enumerate(JOINTS[1:], start=1):
        parent = JOINTS.index(PARENTS[name] or "")
        centres[j] = centres[parent] + rotations[parent] @ (joints[j] - joints[parent])
    return centres


def posed_points(body: Body, rotations: Array, root: Array) -> Array:
    """The truth points (N, 3) in the world, in the order of ``body.points``."""
    centres = posed_joints(body.joints, rotations, root)
    offsets = _offsets(body.joints, rotations, centres)
    carriers = [(JOINTS.index(joint), place) for joint, place in body.points.values()]
    return np.array([rotations[j] @ place + offsets[j] for j, place in carriers])


def _offsets(joints: Array, rotations: Array, centres: Array) -> Array:
    return np.asarray(centres - np.einsum("jab,jb->ja", rotations, joints))
