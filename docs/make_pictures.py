"""Makes the README's picture: moments of a clip, of its preview, and of a character in Blender that plays the take.

    make demo
    python docs/make_pictures.py demo/walk.bvh examples/walk.mp4 character.glb docs/pictures/video_skeleton_rig.png

The take's JSON (walk.json) and preview (walk_preview.mp4) lie beside the BVH. character.glb is a figure with a Mixamo
skeleton; the committed picture shows MakeHuman's base body, which is CC0. bpy and Pillow must be installed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import av
import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mocap.io.take_json import read_json
from mocap.model.camera import Camera
from mocap.model.kinematics import joint_positions

Array = NDArray[np.float64]
Object = bpy.types.Object
Box = tuple[float, float, float, float]
Pairs = dict[str, tuple[str, Quaternion]]  # the character's bone: the take's joint, the turn into its T-pose

MOMENTS_S = (1.0, 3.2, 5.7, 7.7)  # walk, turn, wave, squat
CELL = (240, 290)  # pixels of one picture in the strip
LABELS = ("video", "skeleton", "your rig in Blender")
ROOM_AROUND = 1.14  # the crop's height as a multiple of the person's
CLAY, FLOOR, LINES, SKY = (0.10, 0.27, 0.45), (0.16, 0.17, 0.18), (0.30, 0.31, 0.32), (0.55, 0.57, 0.60)

Z_UP = Matrix(((1, 0, 0), (0, 0, -1), (0, 1, 0)))  # Blender's axes from ours, as its BVH importer turns them

TRUNK = {"Hips": "Hips", "Spine": "Spine", "Spine1": "Chest", "Spine2": "UpperChest", "Neck": "Neck", "Head": "Head"}
# The character's bone and the take's joint; for those that rest differently, what each points to in the rest pose
LIMBS = (
    ("Shoulder", "Shoulder", None),
    ("Arm", "UpperArm", ("ForeArm", "LowerArm")),
    ("ForeArm", "LowerArm", ("Hand", "Hand")),
    ("Hand", "Hand", None),
    ("UpLeg", "UpperLeg", ("Leg", "LowerLeg")),
    ("Leg", "LowerLeg", ("Foot", "Foot")),
    ("Foot", "Foot", None),
    ("ToeBase", "Toes", None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path, help="BVH file; its .json and its _preview.mp4 lie beside it")
    parser.add_argument("clip", type=Path, help="the video that the take was made from")
    parser.add_argument("character", type=Path, help=".glb with a Mixamo skeleton")
    parser.add_argument("output", type=Path, help="PNG to write")
    parser.add_argument("--moments", type=float, nargs="+", default=MOMENTS_S, help="seconds of the take")
    options = parser.parse_args()

    take = read_json(options.take.with_suffix(".json"))
    frames = [round(second * float(take.fps)) for second in options.moments]
    joints = joint_positions(take.people[0].motion)
    cuts = [(frame, crop_box(take.camera, joints[frame])) for frame in frames]
    preview = options.take.with_name(options.take.stem + "_preview.mp4")
    rows = [cut_out(video, take.camera, cuts) for video in (options.clip, preview)]
    whole = strip([*rows, draw_character(options, take.camera, cuts)], LABELS)
    whole.quantize(palette=whole.quantize(256)).save(options.output, optimize=True)  # dithered


def crop_box(camera: Camera, joints: Array) -> Box:
    """Pixels x0, y0, x1, y1 of the clip around a person's joints (J, 3), shaped like a cell, not beside the clip."""
    xy = camera.project(joints)
    (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
    standing = camera.K[1, 1] * 1.75 / camera.to_camera(joints)[:, 2].mean()  # pixels, the same for every pose
    height = ROOM_AROUND * max(standing, (y1 - y0) * 1.15)
    width, bottom = height * CELL[0] / CELL[1], y1 + 0.07 * height
    left = np.clip((x0 + x1 - width) / 2, 0, max(0, camera.size[0] - width))
    return left, bottom - height, left + width, bottom


def cut_out(video: Path, camera: Camera, cuts: list[tuple[int, Box]], first: int = 0) -> list[Image.Image]:
    """Cells with the boxes of the video's frames, counted from the ``first``; the video may be a smaller copy of what
    the camera saw."""
    with av.open(video) as container:
        seen = islice(container.decode(video=0), first, None)
        pictures = {i: picture.to_image() for i, picture in enumerate(seen) if i in dict(cuts)}
    scale = pictures[cuts[0][0]].width / camera.size[0]
    return [
        pictures[frame].crop([round(side * scale) for side in box]).resize(CELL, Image.Resampling.LANCZOS)
        for frame, box in cuts
    ]


def draw_character(options: argparse.Namespace, camera: Camera, cuts: list[tuple[int, Box]]) -> list[Image.Image]:
    """The character in the take's poses, seen by the take's camera: one cell for each frame and box."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(filepath=str(options.take), update_scene_fps=True, update_scene_duration=True)
    source = bpy.context.object
    bpy.ops.import_scene.gltf(filepath=str(options.character))
    character = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing is not source)
    body = next(thing for thing in character.children if thing.type == "MESH")
    for thing in bpy.data.objects:
        thing.hide_render = thing is not body  # the importer adds a shape that bones are drawn with

    build_scene(bpy.context.scene, camera, body)
    play(source, character, body, [frame for frame, _ in cuts])
    with tempfile.TemporaryDirectory() as folder:
        return [render(frame, camera, box, Path(folder) / f"{frame}.png") for frame, box in cuts]


def play(source: Object, character: Object, body: Object, frames: list[int]) -> None:
    """Keys the take's poses of these frames on the character, made as long in the leg as the person."""
    prefix = next(bone.name for bone in character.data.bones if bone.name.endswith("Hips")).removesuffix("Hips")
    pairs = mapped_bones(source, character, prefix)
    hips, thigh, foot = (prefix + bone for bone in ("Hips", "LeftUpLeg", "LeftFoot"))
    size = (head(source, "LeftUpperLeg") - head(source, "LeftFoot")).z
    size /= (head(character, thigh) - head(character, foot)).z
    character.scale = (size, size, size)
    sole = min(vertex.co.z for vertex in body.data.vertices)
    raised = Vector((0, 0, size * (head(character, foot).z - sole) - head(source, "LeftFoot").z))  # its ankle is higher
    to_legs = Vector((0, *head(character, thigh).yz)) - head(character, hips)
    for frame in frames:
        bpy.context.scene.frame_set(frame + 1)  # the BVH importer puts the first frame at 1
        turn = key_rotations(source, character, pairs)[hips]
        legs = (source.pose.bones["LeftUpperLeg"].head + source.pose.bones["RightUpperLeg"].head) / 2
        place = (legs + raised) / size - turn @ to_legs
        posed = character.pose.bones[hips]
        posed.location = rest(character, hips).inverted() @ (place - head(character, hips))
        posed.keyframe_insert("location")


def mapped_bones(source: Object, character: Object, prefix: str) -> Pairs:
    """By the character's bone: the take's joint, and the world turn from the character's rest pose to the T-pose."""
    pairs = {prefix + bone: (joint, Quaternion()) for bone, joint in TRUNK.items()}
    for side in ("Left", "Right"):
        straight = Quaternion()
        for bone, joint, tip in LIMBS:
            if bone in ("UpLeg", "Foot"):
                straight = Quaternion()  # the legs do not hang on the arms; soles are level in both rest poses
            if tip:
                now = head(character, prefix + side + tip[0]) - head(character, prefix + side + bone)
                wanted = head(source, side + tip[1]) - head(source, side + joint)
                straight = (straight @ now).rotation_difference(wanted) @ straight
            pairs[prefix + side + bone] = (side + joint, straight)
    return pairs


def key_rotations(source: Object, character: Object, pairs: Pairs) -> dict[str, Quaternion]:
    """Keys the current frame's rotations; the world turn of every mapped bone from its rest pose."""
    turns: dict[str, Quaternion] = {}
    for bone in character.data.bones:  # parents come first
        if bone.name not in pairs:
            continue
        joint, to_t_pose = pairs[bone.name]
        turns[bone.name] = source.pose.bones[joint].matrix.to_quaternion() @ rest(source, joint).inverted() @ to_t_pose
        carried = turns[bone.parent.name] if bone.parent else Quaternion()
        own, posed = rest(character, bone.name), character.pose.bones[bone.name]
        posed.rotation_mode = "QUATERNION"
        posed.rotation_quaternion = (carried @ own).inverted() @ turns[bone.name] @ own
        posed.keyframe_insert("rotation_quaternion")
    return turns


def rest(armature: Object, bone: str) -> Quaternion:
    """The bone's orientation in the rest pose, in the armature."""
    return armature.data.bones[bone].matrix_local.to_quaternion()


def head(armature: Object, bone: str) -> Vector:
    """Where the bone begins in the rest pose, in the armature."""
    return armature.data.bones[bone].head_local


def build_scene(scene: bpy.types.Scene, camera: Camera, body: Object) -> None:
    """A clay figure on an endless floor with a grid, under a lamp, before the take's camera."""
    body.data.materials.clear()
    body.data.materials.append(material("clay", CLAY))
    body.data.shade_smooth()
    bpy.ops.mesh.primitive_plane_add(size=200)
    bpy.context.object.data.materials.append(grid())
    scene.world = bpy.data.worlds.new("sky")
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (*SKY, 1)
    bpy.ops.object.light_add(type="SUN", rotation=np.radians((38, -18, -20)))
    bpy.context.object.data.energy, bpy.context.object.data.angle = 2.5, 0.15

    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    turn = Z_UP @ Matrix((camera.T_world_camera[:3, :3] * [1, -1, -1]).tolist())  # Blender's look along −z, +y up
    scene.camera.matrix_world = Matrix.LocRotScale(Z_UP @ Vector(camera.T_world_camera[:3, 3]), turn, None)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 16, True, 2
    scene.view_settings.view_transform = "Standard"


def material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    new = bpy.data.materials.new(name)
    shader = new.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value, shader.inputs["Roughness"].default_value = (*colour, 1), 0.6
    return new


def grid() -> bpy.types.Material:
    """Dark squares of half a metre between lighter lines."""
    floor = material("floor", FLOOR)
    nodes, links = floor.node_tree.nodes, floor.node_tree.links
    place, squares = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeTexBrick")
    squares.offset = 0
    sizes = {"Scale": 1, "Brick Width": 0.5, "Row Height": 0.5, "Mortar Size": 0.008}
    for key, value in (sizes | {"Color1": (*FLOOR, 1), "Color2": (*FLOOR, 1), "Mortar": (*LINES, 1)}).items():
        squares.inputs[key].default_value = value
    links.new(place.outputs["Object"], squares.inputs["Vector"])
    links.new(squares.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return floor


def render(frame: int, camera: Camera, box: Box, picture: Path) -> Image.Image:
    """The box of the camera's picture, as a cell of the strip; outside the camera's view it shows more of the room."""
    scene = bpy.context.scene
    scene.frame_set(frame + 1)
    x0, y0, x1, y1 = box
    lens = scene.camera.data  # aimed at the box by shifting, in shares of the longer side of what is rendered
    lens.sensor_fit = "VERTICAL"
    lens.angle = 2 * np.arctan((y1 - y0) / 2 / camera.K[1, 1])
    lens.shift_x = ((x0 + x1) / 2 - camera.K[0, 2]) / (y1 - y0)
    lens.shift_y = (camera.K[1, 2] - (y0 + y1) / 2) / (y1 - y0)
    scene.render.resolution_x, scene.render.resolution_y = 2 * CELL[0], 2 * CELL[1]
    scene.render.filepath = str(picture)
    bpy.ops.render.render(write_still=True)
    with Image.open(picture) as drawn:
        return drawn.convert("RGB").resize(CELL, Image.Resampling.LANCZOS)


def strip(rows: list[list[Image.Image]], labels: Sequence[str]) -> Image.Image:
    """Rows of cells, each with its label in the corner."""
    gap, font = 4, ImageFont.load_default(17)
    size = (len(rows[0]) * (CELL[0] + gap) - gap, len(rows) * (CELL[1] + gap) - gap)
    whole = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(whole)
    for i, (label, cells) in enumerate(zip(labels, rows)):
        top = i * (CELL[1] + gap)
        for k, cell in enumerate(cells):
            whole.paste(cell, (k * (CELL[0] + gap), top))
        pen.rectangle((0, top, pen.textlength(label, font=font) + 16, top + 27), fill=(25, 25, 25))
        pen.text((8, top + 3), label, fill="white", font=font)
    return whole


if __name__ == "__main__":
    main()
