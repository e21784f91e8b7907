"""Convert a take to the nested values of its JSON file, and back."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from mocap.io.json_text import array_at, rows
from mocap.model import rotation
from mocap.model.camera import Camera
from mocap.model.keypoints import LAYOUTS, KeypointLayout, Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton
from mocap.model.take import Gap, Observation, Person, Source, Swap, Take, View

FORMAT = "mocap-motion"
VERSION = "1.0"
PLAIN_KEYS = ("settings", "filters", "models", "licences", "versions", "warnings", "cuts")
ROUNDED_NORM = 1e-7  # a quaternion this near to norm 1 was only rounded; it keeps its digits
DAMAGED_NORM = 1e-3

Value = TypeVar("Value")


def take_to_document(take: Take) -> dict[str, Any]:
    """Convert a take to JSON values.

    Parameters
    ----------
    take : Take
        Rounded; see ``mocap.io.rounding``.

    Returns
    -------
    dict
        The document of docs/FORMAT.md. Arrays over frames are ``Lines``; missing values are null.
    """
    first, *others = [_view_to_document(view) for view in take.views]
    return {
        "format": FORMAT,
        "version": VERSION,
        "fps": _pair(take.fps),
        "frames": take.frames,
        **first,
        **({"views": others} if others else {}),
        **{key: getattr(take, key) for key in PLAIN_KEYS},
        **({"quality": take.quality} if take.quality else {}),
        "layouts": {layout.name: _layout_to_document(layout) for layout in _layouts_of(take)},
        "people": [_person_to_document(person) for person in take.people],
    }


def document_to_take(document: dict[str, Any]) -> Take:
    """Convert JSON values to a take.

    Parameters
    ----------
    document : dict
        JSON values that satisfy the schema.

    Returns
    -------
    Take
        With checked arrays.

    Raises
    ------
    ValueError
        For values that are inconsistent; the message names their path in the document.
    """
    frames, fps = document["frames"], Fraction(*document["fps"])
    layouts = {name: _document_to_layout(name, layout) for name, layout in document["layouts"].items()}
    people = tuple(
        _document_to_person(person, f"people[{i}]", frames, fps, layouts) for i, person in enumerate(document["people"])
    )
    first = _document_to_view(document, "", frames)
    others = enumerate(document.get("views", []))
    return _built(
        "the document",
        Take,
        source=first.source,
        fps=fps,
        frames=frames,
        camera=first.camera,
        people=people,
        **{key: document[key] for key in PLAIN_KEYS},
        quality=document.get("quality", {}),
        camera_path=first.camera_path,
        further_views=tuple(_document_to_view(view, f"views[{i}].", frames) for i, view in others),
    )


def _built(where: str, make: Callable[..., Value], **fields: Any) -> Value:
    try:
        return make(**fields)
    except ValueError as error:
        raise ValueError(f"{where}: {error}; the take is damaged") from error


def _pair(fraction: Fraction) -> list[int]:
    return [fraction.numerator, fraction.denominator]


def _view_to_document(view: View) -> dict[str, Any]:
    camera = view.camera
    return {
        "source": _source_to_document(view.source),
        "camera": {
            "K": camera.K.tolist(),
            "T_world_camera": camera.T_world_camera.tolist(),
            "size": list(camera.size),
            **({} if view.camera_path is None else {"path": rows(view.camera_path)}),
        },
    }


def _document_to_view(view: dict[str, Any], where: str, frames: int) -> View:
    path = view["camera"].get("path")
    return View(
        _document_to_source(view["source"], f"{where}source"),
        _document_to_camera(view["camera"], f"{where}camera"),
        None if path is None else array_at(path, (frames, 3, 3), f"{where}camera.path"),
    )


def _source_to_document(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "sha256": source.sha256,
        "size": list(source.size),
        "fps": _pair(source.fps),
        "frames": source.frames,
        "start_s": source.start_s,
    }


def _document_to_source(source: dict[str, Any], where: str) -> Source:
    fields = {key: source[key] for key in ("name", "sha256", "frames", "start_s")}
    return _built(where, Source, **fields, size=tuple(source["size"]), fps=Fraction(*source["fps"]))


def _document_to_camera(camera: dict[str, Any], where: str) -> Camera:
    return _built(
        where,
        Camera,
        K=array_at(camera["K"], (3, 3), f"{where}.K"),
        T_world_camera=array_at(camera["T_world_camera"], (4, 4), f"{where}.T_world_camera"),
        size=tuple(camera["size"]),
    )


def _layouts_of(take: Take) -> list[KeypointLayout]:
    layouts = {}
    observations = [one for person in take.people for one in person.observations.values()]
    for keypoints in (keypoints for one in observations for keypoints in (one.keypoints_2d, one.keypoints_3d)):
        if keypoints is not None:
            layouts[keypoints.layout.name] = keypoints.layout
    return list(layouts.values())


def _layout_to_document(layout: KeypointLayout) -> dict[str, Any]:
    return {"names": list(layout.names), "edges": list(layout.edges), "mirror_pairs": list(layout.mirror_pairs)}


def _document_to_layout(name: str, layout: dict[str, Any]) -> KeypointLayout:
    names = tuple(layout["names"])
    if name in LAYOUTS:
        if names != LAYOUTS[name].names:
            raise ValueError(f"layouts.{name}: its keypoints are not those of {name}; give it another name")
        return LAYOUTS[name]
    pairs = [*layout["edges"], *layout["mirror_pairs"]]
    if any(index >= len(names) for pair in pairs for index in pair):
        raise ValueError(f"layouts.{name[:40]}: an edge or mirror pair names a keypoint that does not exist")
    edges, mirror_pairs = (tuple((a, b) for a, b in layout[key]) for key in ("edges", "mirror_pairs"))
    return KeypointLayout(name, names, edges, mirror_pairs)


def _person_to_document(person: Person) -> dict[str, Any]:
    others = [
        {"view": view, "part": part, **_observation_to_document(one)} for (view, part), one in person.further.items()
    ]
    return {
        "id": person.id,
        "gaps": [[gap.start, gap.end, gap.reason] for gap in person.gaps],
        "swaps": [[swap.start, swap.end, swap.limb] for swap in person.swaps],
        "contacts": {point: [list(span) for span in spans] for point, spans in person.contacts.items()},
        **_observation_to_document(Observation(person.keypoints_2d, person.keypoints_3d, person.boxes)),
        "motion": None if person.motion is None else _motion_to_document(person.motion),
        **({"observations": others} if others else {}),
    }


def _observation_to_document(observation: Observation) -> dict[str, Any]:
    flat, space = observation.keypoints_2d, observation.keypoints_3d
    return {
        **({} if observation.boxes is None else {"boxes": rows(observation.boxes)}),
        "keypoints_2d": {"layout": flat.layout.name, "xy": rows(flat.xy), "confidence": rows(flat.confidence)},
        "keypoints_3d": None
        if space is None
        else {"layout": space.layout.name, "xyz": rows(space.xyz), "confidence": rows(space.confidence)},
    }


def _motion_to_document(motion: Motion) -> dict[str, Any]:
    skeleton = motion.skeleton
    return {
        "skeleton": {
            "names": list(skeleton.names),
            "parents": list(skeleton.parents),
            "offsets": (skeleton.offsets + 0.0).tolist(),
            "ends": {name: (end + 0.0).tolist() for name, end in skeleton.ends.items()},
        },
        "root_world": rows(motion.root_world),
        "local_wxyz": rows(motion.local_wxyz),
        "confidence": rows(motion.confidence),
    }


def _document_to_person(
    person: dict[str, Any], where: str, frames: int, fps: Fraction, layouts: dict[str, KeypointLayout]
) -> Person:
    body = _document_to_observation(person, where, frames, fps, layouts)
    others = enumerate(person.get("observations", []))
    further = {
        (one["view"], one["part"]): _document_to_observation(one, f"{where}.observations[{i}]", frames, fps, layouts)
        for i, one in others
    }
    if len(further) != len(person.get("observations", [])):
        raise ValueError(f"{where}.observations: the same part twice in one view; the take is damaged")
    motion = person["motion"]
    return _built(
        where,
        Person,
        id=person["id"],
        boxes=body.boxes,
        keypoints_2d=body.keypoints_2d,
        keypoints_3d=body.keypoints_3d,
        further=further,
        motion=None if motion is None else _document_to_motion(motion, f"{where}.motion", frames, fps),
        contacts={point: [(start, end) for start, end in spans] for point, spans in person["contacts"].items()},
        gaps=[Gap(*gap) for gap in person["gaps"]],
        swaps=[Swap(*swap) for swap in person.get("swaps", [])],
    )


def _document_to_observation(
    value: dict[str, Any], where: str, frames: int, fps: Fraction, layouts: dict[str, KeypointLayout]
) -> Observation:
    keypoints: dict[str, Any] = {
        key: None
        if value.get(key) is None
        else _document_to_keypoints(value[key], f"{where}.{key}", frames, fps, layouts)
        for key in ("keypoints_2d", "keypoints_3d")
    }
    boxes = value.get("boxes")
    held = None if boxes is None else array_at(boxes, (frames, 4), f"{where}.boxes", may_miss=True)
    return _built(where, Observation, **keypoints, boxes=held)


def _document_to_keypoints(
    keypoints: dict[str, Any], where: str, frames: int, fps: Fraction, layouts: dict[str, KeypointLayout]
) -> Keypoints2D | Keypoints3D:
    if keypoints["layout"] not in layouts:
        raise ValueError(f"{where}.layout: '{keypoints['layout'][:40]}' is not among the layouts of the file")
    layout = layouts[keypoints["layout"]]
    shape = (frames, len(layout))
    confidence = array_at(keypoints["confidence"], shape, f"{where}.confidence")
    if "xy" in keypoints:
        xy = array_at(keypoints["xy"], (*shape, 2), f"{where}.xy", may_miss=True)
        return _built(where, Keypoints2D, layout=layout, xy=xy, confidence=confidence, fps=fps)
    xyz = array_at(keypoints["xyz"], (*shape, 3), f"{where}.xyz", may_miss=True)
    return _built(where, Keypoints3D, layout=layout, xyz=xyz, confidence=confidence, fps=fps)


def _document_to_motion(motion: dict[str, Any], where: str, frames: int, fps: Fraction) -> Motion:
    skeleton = _document_to_skeleton(motion["skeleton"], f"{where}.skeleton")
    joints = len(skeleton)
    return _built(
        where,
        Motion,
        skeleton=skeleton,
        root_world=array_at(motion["root_world"], (frames, 3), f"{where}.root_world"),
        local_wxyz=_unit_quaternions(motion["local_wxyz"], (frames, joints, 4), f"{where}.local_wxyz"),
        fps=fps,
        confidence=array_at(motion["confidence"], (frames, joints), f"{where}.confidence"),
    )


def _document_to_skeleton(skeleton: dict[str, Any], where: str) -> Skeleton:
    names = tuple(skeleton["names"])
    return _built(
        where,
        Skeleton,
        names=names,
        parents=tuple(skeleton["parents"]),
        offsets=array_at(skeleton["offsets"], (len(names), 3), f"{where}.offsets"),
        ends={name: array_at(end, (3,), f"{where}.ends") for name, end in skeleton["ends"].items()},
    )


def _unit_quaternions(value: Any, shape: tuple[int, ...], where: str) -> Array:
    wxyz = array_at(value, shape, where)
    norm = np.linalg.norm(wxyz, axis=-1, keepdims=True)
    if np.any(np.abs(norm - 1) > DAMAGED_NORM):
        raise ValueError(f"{where}: has a rotation that is no unit quaternion; the take is damaged")
    return rotation.make_continuous(np.where(np.abs(norm - 1) > ROUNDED_NORM, wxyz / norm, wxyz))
