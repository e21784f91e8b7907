"""The example's room, light and camera in Blender, and its pictures, one file a frame."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from PIL import Image
from walk_body import Array, Body

SIZE = (540, 960)  # width, height in pixels
FOV_DEGREES = 55.0  # of the longer side
CAMERA_POSITION = (0.0, 1.4, 4.2)  # metres, +Y up; level, looking along −Z
WALL_Z = -3.6
SAMPLES, ROOM_SAMPLES = 4, 32  # denoised
MARGIN, SHADOW, FADE = 40, 40, 30  # pixels: around the person, more on the shadow's side, and of the fade to the room

_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # ours (+Y up) to Blender's (+Z up)


def intrinsics() -> Array:
    """K (3, 3) in pixels: square pixels, the axis through the middle of the image."""
    focal = 0.5 * max(SIZE) / np.tan(np.radians(FOV_DEGREES) / 2)
    return np.array([[focal, 0.0, SIZE[0] / 2], [0.0, focal, SIZE[1] / 2], [0.0, 0.0, 1.0]])


def world_from_camera() -> Array:
    """T_world_camera (4, 4): x right, y down, z forward in the camera; +Y up, metres in the world."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = CAMERA_POSITION
    return T


class Stage:
    """The room with the person in it, ready to be drawn."""

    def __init__(self, body: Body) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        _set_renderer(bpy.context.scene)
        _add_room()
        _add_light()
        _add_camera()
        self._person = _add_person(body)

    def empty_room(self, picture: Path) -> Array:
        """The picture (H, W, 3) without the person, 0..255, drawn once with more samples."""
        bpy.data.objects["person"].hide_render = True
        bpy.context.scene.cycles.samples = ROOM_SAMPLES
        room = self._render(picture, (0, 0, *SIZE))
        bpy.data.objects["person"].hide_render = False
        bpy.context.scene.cycles.samples = SAMPLES
        return room

    def draw(self, vertices: Array, room: Array, picture: Path) -> Array:
        """The picture (H, W, 3), 0..255, of the person with these vertices (V, 3).

        Only the part around the person and its shadow is rendered; it fades into the picture of the empty room.
        """
        self._person.vertices.foreach_set("co", (vertices @ _Z_UP.T).astype(np.float32).ravel())
        self._person.update()
        x0, y0, x1, y1 = box = _box(vertices)
        part = self._render(picture, box)
        share = _fade((y1 - y0, x1 - x0), edges=(x0 > 0, x1 < SIZE[0], y0 > 0, y1 < SIZE[1]))[..., None]
        whole = room.copy()
        whole[y0:y1, x0:x1] = share * part + (1 - share) * whole[y0:y1, x0:x1]
        return whole

    def _render(self, picture: Path, box: tuple[int, int, int, int]) -> Array:
        x0, y0, x1, y1 = box
        render = bpy.context.scene.render
        render.filepath = str(picture)
        render.use_border = render.use_crop_to_border = True
        render.border_min_x, render.border_max_x = (x0 + 0.01) / SIZE[0], (x1 + 0.01) / SIZE[0]
        render.border_min_y, render.border_max_y = 1 - (y1 - 0.01) / SIZE[1], 1 - (y0 - 0.01) / SIZE[1]
        bpy.ops.render.render(write_still=True)
        with Image.open(picture) as drawn:
            pixels = np.asarray(drawn.convert("RGB"), dtype=np.float64)
        if pixels.shape != (y1 - y0, x1 - x0, 3):
            raise RuntimeError(f"expected a part of {x1 - x0} by {y1 - y0} pixels, got {pixels.shape[1::-1]}")
        return pixels


def _box(vertices: Array) -> tuple[int, int, int, int]:
    """Pixels x0, y0, x1, y1 around the person and the dark of its shadow."""
    p = (vertices - CAMERA_POSITION) * [1.0, -1.0, -1.0]
    xy = (p @ intrinsics().T)[:, :2] / p[:, 2:]
    low = np.maximum(0, np.floor(xy.min(axis=0) - MARGIN)).astype(int)
    high = np.minimum(SIZE, np.ceil(xy.max(axis=0) + MARGIN + [SHADOW, 0])).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _fade(size: tuple[int, int], edges: tuple[bool, bool, bool, bool]) -> Array:
    """Weights (H, W) in 0..1 that rise from the left, right, top and bottom edges, where these are asked for."""
    y, x = (np.arange(n) + 0.5 for n in size)
    left, right, top, bottom = edges
    across = np.minimum(x if left else FADE, x[::-1] if right else FADE)
    down = np.minimum(y if top else FADE, y[::-1] if bottom else FADE)
    return np.asarray(np.minimum(1, across / FADE)[None] * np.minimum(1, down / FADE)[:, None])


def _set_renderer(scene: bpy.types.Scene) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.seed = 0
    scene.cycles.use_animated_seed = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.max_bounces = 2
    scene.cycles.use_light_tree = False  # three lights: the tree costs more than it saves
    scene.render.use_persistent_data = True
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"


def _material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.remove(nodes["Principled BSDF"])
    shader = nodes.new("ShaderNodeBsdfDiffuse")
    shader.name = "matt"
    shader.inputs["Color"].default_value = (*colour, 1.0)
    material.node_tree.links.new(shader.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])
    return material


def _slab(name: str, low: tuple[float, float, float], high: tuple[float, float, float]) -> bpy.types.Object:
    """A box between two corners, in our axes."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    corners = np.array([(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)]) @ _Z_UP.T
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], quads)
    slab = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(slab)
    return slab


def _add_room() -> None:
    floor = _slab("floor", (-6.0, -0.1, WALL_Z), (6.0, 0.0, 8.0))
    floor.data.materials.append(_boards())
    wall = _slab("wall", (-6.0, 0.0, WALL_Z - 0.1), (6.0, 8.0, WALL_Z))
    wall.data.materials.append(_material("wall", (0.55, 0.56, 0.52)))
    skirting = _slab("skirting", (-6.0, 0.0, WALL_Z), (6.0, 0.11, WALL_Z + 0.02))
    skirting.data.materials.append(_material("skirting", (0.75, 0.74, 0.70)))
    frame = _slab("frame", (0.62, 1.45, WALL_Z), (1.62, 2.2, WALL_Z + 0.03))
    frame.data.materials.append(_material("frame", (0.10, 0.07, 0.05)))
    picture = _slab("picture", (0.68, 1.51, WALL_Z), (1.56, 2.14, WALL_Z + 0.035))
    picture.data.materials.append(_material("picture", (0.42, 0.47, 0.40)))


def _boards() -> bpy.types.Material:
    """Floor boards along z: bricks of three browns."""
    material = _material("boards", (0.3, 0.2, 0.1))
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    bricks = nodes.new("ShaderNodeTexBrick")
    for key, value in (("Scale", 1.0), ("Brick Width", 1.6), ("Row Height", 0.16), ("Mortar Size", 0.004)):
        bricks.inputs[key].default_value = value
    for key, colour in (
        ("Color1", (0.34, 0.21, 0.12)),
        ("Color2", (0.25, 0.15, 0.085)),
        ("Mortar", (0.08, 0.08, 0.08)),
    ):
        bricks.inputs[key].default_value = (*colour, 1.0)
    links.new(place.outputs["Object"], bricks.inputs["Vector"])
    links.new(bricks.outputs["Color"], nodes["matt"].inputs["Color"])
    return material


def _add_light() -> None:
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("room")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.85, 0.92, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.4
    for name, place, energy, size in (
        ("window", (-2.2, 4.2, 3.4), 330.0, 1.6),
        ("lamp", (2.2, 3.4, 0.5), 70.0, 1.2),
    ):
        lamp = bpy.data.lights.new(name, "AREA")
        lamp.energy, lamp.size = energy, size
        light = bpy.data.objects.new(name, lamp)
        _look_at(light, np.array(place), np.array([0.0, 0.9, -1.0]))
        scene.collection.objects.link(light)


def _look_at(thing: bpy.types.Object, position: Array, target: Array) -> None:
    """Places a lamp or camera, whose own −Z looks forward, in our axes."""
    from mathutils import Vector

    thing.location = _Z_UP @ position
    thing.rotation_euler = Vector(_Z_UP @ (target - position)).to_track_quat("-Z", "Y").to_euler()


def _add_camera() -> None:
    lens = bpy.data.cameras.new("phone")
    lens.sensor_fit = "VERTICAL" if SIZE[1] >= SIZE[0] else "HORIZONTAL"
    lens.angle = np.radians(FOV_DEGREES)
    camera = bpy.data.objects.new("phone", lens)
    position = np.array(CAMERA_POSITION)
    _look_at(camera, position, position + np.array([0.0, 0.0, -1.0]))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera


def _add_person(body: Body) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new("person")
    mesh.from_pydata((body.vertices @ _Z_UP.T).tolist(), [], body.faces.tolist())
    mesh.shade_smooth()
    colour = mesh.color_attributes.new("colour", "FLOAT_COLOR", "CORNER")
    rgba = np.concatenate([body.colours, np.ones((len(body.colours), 1))], axis=1)
    colour.data.foreach_set("color", np.repeat(rgba, 3, axis=0).astype(np.float32).ravel())
    material = _material("person", (0.5, 0.5, 0.5))
    attribute = material.node_tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = "colour"
    shader = material.node_tree.nodes["matt"]
    material.node_tree.links.new(attribute.outputs["Color"], shader.inputs["Color"])
    mesh.materials.append(material)
    person = bpy.data.objects.new("person", mesh)
    bpy.context.scene.collection.objects.link(person)
    return mesh
