"""Clothes for the bare body: offset and smoothed skin for cloth and hair, a hull for the shoes, a colour a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, cKDTree
from walk_body import JOINTS, SOLE_M, Array, Body, Skin, truth_points

COLOURS = {  # linear RGB
    "skin": (0.58, 0.33, 0.22),
    "lips": (0.45, 0.16, 0.13),
    "brow": (0.16, 0.09, 0.06),
    "eye": (0.75, 0.75, 0.75),
    "iris": (0.03, 0.02, 0.015),
    "hair": (0.04, 0.022, 0.012),
    "shirt": (0.045, 0.17, 0.36),
    "trousers": (0.055, 0.055, 0.065),
    "shoes": (0.62, 0.60, 0.56),
}
THICKNESS_M = {"shirt": 0.010, "trousers": 0.009, "hair": 0.016}
SMOOTHING = {"shirt": 12, "trousers": 8, "hair": 6}
HEM_REACH_M = 0.02  # vertices this near are moved onto a hem, so that it is a line and not a saw
SHOE_MARGIN_M = 0.006


def dressed(skin: Skin, palette: dict[str, tuple[float, ...]] = COLOURS) -> Body:
    """The body in shirt, trousers, shoes and hair; the bare feet are left out. palette: of all keys of COLOURS."""
    skin, region = _regions(skin)
    vertices = _with_cloth(skin, region)
    keep = region != "feet"
    faces, colours = skin.faces[keep], np.array([palette[name] for name in region[keep]])
    weights = skin.weights
    for side in ("Left", "Right"):
        shoe, shoe_faces = _shoe(skin, side)
        faces = np.concatenate([faces, shoe_faces + len(vertices)])
        colours = np.concatenate([colours, np.tile(palette["shoes"], (len(shoe_faces), 1))])
        vertices = np.concatenate([vertices, shoe])
        weights = np.concatenate([weights, _shoe_weights(skin, side, shoe)])
    return Body(vertices, faces, colours, weights, skin.joints, truth_points(skin))


@dataclass(frozen=True, eq=False)
class Hem:
    """Where a garment ends: it covers the faces of ``owners`` whose ``field`` (metres, positive inside) is positive.

    uphill: the unit direction (3,) in which the field grows; vertices at the hem are moved along it onto field 0.
    """

    garment: str
    owners: tuple[str, ...]
    field: Callable[[Array], Array]
    uphill: Array


def _hems(skin: Skin) -> list[Hem]:
    """The garments from the feet up; later ones lie over earlier ones."""
    joint = dict(zip(JOINTS, skin.joints))
    up, tilt = np.array([0.0, 1.0, 0.0]), 0.35
    ankle, belt, neck = joint["LeftFoot"][1] - 0.01, joint["Hips"][1] + 0.065, joint["Neck"][1] - 0.012
    feet = ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
    legs = ("LeftUpLeg", "LeftLeg", "RightUpLeg", "RightLeg", "Hips", "Spine")
    chest = ("Spine", "Spine1", "Spine2", "LeftShoulder", "RightShoulder")
    return [
        Hem("trousers", feet, lambda p: p[:, 1] - ankle, up),
        Hem("feet", feet, lambda p: ankle - p[:, 1], -up),
        Hem("shirt", (*legs, *chest), lambda p: neck - p[:, 1] + tilt * (0.03 - p[:, 2]).clip(-0.12, 0.04), -up),
        Hem("trousers", legs, lambda p: belt - p[:, 1], -up),
        *(_sleeve(joint, side) for side in ("Left", "Right")),
        _scalp(skin.keypoints["left_eye"]),
    ]


def _sleeve(joint: dict[str, Array], side: str) -> Hem:
    shoulder, elbow = joint[side + "Arm"], joint[side + "ForeArm"]
    along = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    end = 0.62 * np.linalg.norm(elbow - shoulder)
    return Hem("shirt", (side + "Arm",), lambda p: end - (p - shoulder) @ along, -along)


def _scalp(eye: Array) -> Hem:
    """The hairline: high on the brow, down behind the ears to the nape."""

    def field(p: Array) -> Array:
        behind = eye[2] - p[:, 2]
        front = p[:, 1] - eye[1] - 0.047 + 0.45 * (behind - 0.02).clip(0.0, 0.085)
        return np.where(behind > 0.105, p[:, 1] - eye[1] + 0.075, front)

    return Hem("hair", ("Head",), field, np.array([0.0, 1.0, 0.0]))


def _regions(skin: Skin) -> tuple[Skin, NDArray[np.str_]]:
    """The skin with its vertices on the hems, and the region's name of every face (F,)."""
    vertices = skin.vertices.copy()
    owner = np.array(JOINTS)[skin.weights[skin.faces].mean(axis=1).argmax(axis=1)]
    region = np.full(len(skin.faces), "skin", dtype="<U8")
    for hem in _hems(skin):
        ours = np.isin(owner, hem.owners)
        inside = ours & (hem.field(skin.vertices[skin.faces].mean(axis=1)) > 0)
        region[inside] = hem.garment
        at_hem = np.intersect1d(skin.faces[inside], skin.faces[~inside])
        gap = hem.field(vertices[at_hem])
        near = np.abs(gap) < HEM_REACH_M
        vertices[at_hem[near]] -= gap[near, None] * hem.uphill
    region = _face_regions(skin, skin.vertices[skin.faces].mean(axis=1), owner == "Head", region)
    return replace(skin, vertices=vertices), region


def _face_regions(skin: Skin, centre: Array, head: NDArray[np.bool_], region: NDArray[np.str_]) -> NDArray[np.str_]:
    """Brows, lips, ears and eyes, placed from the keypoints of eyes, ears and nose."""
    eye, ear, nose = (skin.keypoints[name] for name in ("left_eye", "left_ear", "nose"))
    above, behind, aside = centre[:, 1] - eye[1], eye[2] - centre[:, 2], np.abs(centre[:, 0])
    in_ear = (np.abs(centre - [0, ear[1], ear[2] - 0.01])[:, 1:] < [0.035, 0.022]).all(axis=1) & (aside > 0.066)
    region[head & in_ear] = "skin"
    in_brow = (np.abs(above - 0.02) < 0.0035) & (np.abs(aside - eye[0]) < 0.021) & (behind < 0.03)
    region[head & in_brow] = "brow"
    in_lips = (np.abs(centre[:, 1] - nose[1] + 0.037) < 0.008) & (aside < 0.023) & (behind < 0.02)
    region[head & in_lips] = "lips"
    return _eye_regions(skin, centre, region)


def _eye_regions(skin: Skin, centre: Array, region: NDArray[np.str_]) -> NDArray[np.str_]:
    """Eyeballs are pieces of the mesh of their own: white, with a dark disc in front."""
    for side in ("left_eye", "right_eye"):
        eye = skin.keypoints[side]
        ball = _eyeball_faces(skin, eye)
        front = np.linalg.norm((centre - eye)[:, :2], axis=1) < 0.0058
        region[ball] = "eye"
        region[ball & front] = "iris"
    return region


def _eyeball_faces(skin: Skin, eye: Array) -> NDArray[np.bool_]:
    pieces = _pieces(skin)
    near = np.linalg.norm(skin.vertices - eye, axis=1) < 0.03
    small = np.bincount(pieces)[pieces] < 400
    chosen = set(pieces[near & small].tolist())
    return np.isin(pieces[skin.faces[:, 0]], list(chosen))


def _pieces(skin: Skin) -> NDArray[np.int64]:
    """The connected piece (V,) each vertex belongs to."""
    return np.asarray(connected_components(_neighbours(skin.faces, len(skin.vertices)), directed=False)[1], np.int64)


def _neighbours(faces: NDArray[np.int64], count: int) -> csr_matrix:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    links = coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count)).tocsr()
    links.data[:] = 1.0
    return csr_matrix(links)


def _with_cloth(skin: Skin, region: NDArray[np.str_]) -> Array:
    """Vertices (V, 3) with those of cloth and hair smoothed and moved out along their normals."""
    vertices = skin.vertices.copy()
    links = _neighbours(skin.faces, len(vertices))
    degree = np.asarray(links.sum(axis=1)).clip(1)
    for name, thickness in THICKNESS_M.items():
        inside = np.unique(skin.faces[region == name])
        within = np.setdiff1d(inside, skin.faces[region != name])  # hems stay where they were cut
        for _ in range(SMOOTHING[name]):
            vertices[within] += 0.5 * ((links @ vertices) / degree - vertices)[within]
        vertices[inside] += thickness * _normals(vertices, skin.faces)[inside]
    return vertices


def _normals(vertices: Array, faces: NDArray[np.int64]) -> Array:
    a, b, c = vertices[faces.T]
    normals = np.zeros_like(vertices)
    for corner in faces.T:
        np.add.at(normals, corner, np.cross(b - a, c - a))
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12))


def _shoe(skin: Skin, side: str) -> tuple[Array, NDArray[np.int64]]:
    """A closed shoe around one foot: the foot's hull, remeshed and smoothed, with its sole flat on y = 0."""
    foot = _foot_vertices(skin, side)
    out = foot - foot.mean(axis=0)
    foot = foot + SHOE_MARGIN_M * out / np.linalg.norm(out, axis=1, keepdims=True)
    foot = np.concatenate([foot, foot * [1.0, 0.0, 1.0]]) if SOLE_M else foot
    hull = ConvexHull(foot)
    mesh = bpy.data.meshes.new("shoe")
    mesh.from_pydata(foot.tolist(), [], _outward(hull).tolist())
    return _remeshed(mesh)


def _outward(hull: ConvexHull) -> NDArray[np.int64]:
    """The hull's triangles (F, 3), all seen counter-clockwise from outside."""
    a, b, c = hull.points[hull.simplices.T]
    inward = np.sum(np.cross(b - a, c - a) * hull.equations[:, :3], axis=1) < 0
    return np.asarray(np.where(inward[:, None], hull.simplices[:, ::-1], hull.simplices), np.int64)


def _foot_vertices(skin: Skin, side: str) -> Array:
    ankle = skin.joints[JOINTS.index(side + "Foot")]
    mine = (skin.vertices[:, 0] > 0) == (side == "Left")
    return skin.vertices[mine & (skin.vertices[:, 1] < ankle[1] + 0.005)]


def _remeshed(mesh: bpy.types.Mesh) -> tuple[Array, NDArray[np.int64]]:
    shoe = bpy.data.objects.new("shoe", mesh)
    bpy.context.scene.collection.objects.link(shoe)
    remesh = shoe.modifiers.new("remesh", "REMESH")
    remesh.mode, remesh.voxel_size = "VOXEL", 0.007
    smooth = shoe.modifiers.new("smooth", "SMOOTH")
    smooth.iterations, smooth.factor = 6, 0.5
    even = shoe.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    even.calc_loop_triangles()
    vertices = np.array([v.co for v in even.vertices], dtype=np.float64)
    faces = np.array([t.vertices for t in even.loop_triangles], dtype=np.int64)
    bpy.data.objects.remove(shoe)
    vertices[:, 1] -= vertices[:, 1].min()
    return vertices, faces


def _shoe_weights(skin: Skin, side: str, shoe: Array) -> Array:
    """Weights (S, J) of a shoe: the means of the four nearest places of the skin, foot and toes only."""
    _, nearest = cKDTree(skin.vertices).query(shoe, k=4)
    near = skin.weights[nearest].mean(axis=1)
    toes = near[:, JOINTS.index(side + "ToeBase")]
    weights = np.zeros((len(shoe), len(JOINTS)))
    weights[:, JOINTS.index(side + "ToeBase")] = toes
    weights[:, JOINTS.index(side + "Foot")] = 1 - toes
    return weights
