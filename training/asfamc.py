"""Takes of the CMU motion capture database as distributed: a skeleton (ASF) and its movements (AMC)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.model.rotation import Array

FPS = 120  # of all takes of the database; the files do not say
AXES = ("rx", "ry", "rz")


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone of the rest pose. along: (3,) from its joint to its end. frame: (3, 3) axes in which it turns."""

    parent: str
    along: Array
    frame: Array
    turns: tuple[int, ...]


def read_asf(path: Path) -> dict[str, Bone]:
    """The bones of a skeleton by name, parents before children, without the root."""
    text = path.read_text()
    parents = {}
    for line in re.search(r":hierarchy\s+begin(.*?)\send", text, re.DOTALL)[1].strip().splitlines():  # type: ignore[index]
        parent, *children = line.split()
        parents.update(dict.fromkeys(children, parent))
    found = {}
    for block in re.findall(r"begin(.*?)\bend\b", text.split(":bonedata")[1].split(":hierarchy")[0], re.DOTALL):
        words = {line.split()[0]: line.split()[1:] for line in block.strip().splitlines() if line.split()}
        frame = Rotation.from_euler("xyz", [float(word) for word in words["axis"][:3]], degrees=True).as_matrix()
        along = np.array(words["direction"], float) * float(words["length"][0])
        turns = tuple(AXES.index(word) for word in words.get("dof", []))
        found[words["name"][0]] = Bone(parents[words["name"][0]], along, frame, turns)
    return {name: found[name] for name in parents}


def read_amc(path: Path) -> dict[str, Array]:
    """The channels (T, C) of every bone that moves, degrees and the skeleton's units."""
    channels: dict[str, list[list[float]]] = {}
    for line in path.read_text().splitlines():
        name, *values = line.split() or [""]
        if values and not name.startswith((":", "#")):
            channels.setdefault(name, []).append([float(value) for value in values])
    return {name: np.array(rows) for name, rows in channels.items()}


def placed(bones: dict[str, Bone], channels: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Joints (T, 3) at the near end of every bone, and its turns (T, 3, 3) from the rest pose; Y up."""
    root = channels["root"]
    turns = {"root": Rotation.from_euler("xyz", root[:, 3:], degrees=True).as_matrix()}
    starts, ends = {"root": root[:, :3]}, {"root": root[:, :3]}
    for name, bone in bones.items():
        angles = np.zeros((len(root), 3))
        if bone.turns:
            angles[:, bone.turns] = channels[name]
        own = bone.frame @ Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ bone.frame.T
        turns[name] = turns[bone.parent] @ own
        starts[name] = ends[bone.parent]
        ends[name] = starts[name] + turns[name] @ bone.along
    return starts, turns
