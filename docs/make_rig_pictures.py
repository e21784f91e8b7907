"""Makes docs/user/blender.md's picture: moments of a clip, and several characters that the add-on gave its take to.

    make demo
    python docs/make_rig_pictures.py demo/walk.json examples/walk.mp4 docs/pictures/rigs.png character.glb another.glb …

Characters are as large as makes their legs as long as the person's, and seen by the take's own camera. The committed
picture shows MakeHuman's base mesh, which is CC0, on rigs with Mixamo's, Unreal's and CMU's names.
bpy and Pillow must be installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from make_pictures import MOMENTS_S, Z_UP, Box, crop_box, cut_out, render, strip
from mathutils import Matrix, Vector
from PIL import Image

from mocap.io.take_json import read_json
from mocap.model.camera import Camera
from mocap.model.kinematics import joint_positions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blender_addon"))
from mocap_blender import retargeting
from mocap_blender.armature import bones_of
from mocap_blender.pure.alignment import leg_length
from mocap_blender.pure.mapping import map_bones
from mocap_blender.pure.take import read_take

CLAY, FLOOR, LINE = (0.30, 0.47, 0.65, 1), (0.36, 0.37, 0.39, 1), (0.55, 0.56, 0.58, 1)
LINE_M, SQUARE_M, FLOOR_M = 0.006, 0.5, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", type=Path, help="JSON of the take")
    parser.add_argument("clip", type=Path, help="the video that the take was made from")
    parser.add_argument("output", type=Path, help="PNG to write")
    parser.add_argument("characters", type=Path, nargs="+", help=".glb files with a rig")
    parser.add_argument("--labels", nargs="+", help="what to call the characters; their files' names without it")
    parser.add_argument("--moments", type=float, nargs="+", default=MOMENTS_S, help="seconds of the take")
    parser.add_argument("--person", type=int, default=0, help="which of the take's people, from 0")
    options = parser.parse_args()

    take = read_json(options.take)
    frames = [round(second * float(take.fps)) for second in options.moments]
    joints = joint_positions(take.people[options.person].motion)
    cuts = [(frame, crop_box(take.camera, joints[frame])) for frame in frames]
    rows = [cut_out(options.clip, take.camera, cuts, first=round(take.source.start_s * float(take.fps)))]
    rows += [draw(character, options, take.camera, cuts) for character in options.characters]
    labels = ["video", *(options.labels or [character.stem for character in options.characters])]
    whole = strip(rows, labels)
    whole.quantize(palette=whole.quantize(256)).save(options.output, optimize=True)


def draw(file: Path, options: argparse.Namespace, camera: Camera, cuts: list[tuple[int, Box]]) -> list[Image.Image]:
    """One cell for each frame and box: the character, moved by the add-on."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(file))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    armature.animation_data_clear()
    for bone in armature.pose.bones:
        bone.matrix_basis.identity()
    give(armature, options)
    shown = {armature, *armature.children_recursive}
    for thing in bpy.data.objects:
        thing.hide_render = thing not in shown or thing.hide_get()  # the importer adds shapes that bones are drawn with
        thing.color = CLAY
    lay_floor()
    look(camera)
    with tempfile.TemporaryDirectory() as folder:
        return [render(frame, camera, box, Path(folder) / f"{frame}.png") for frame, box in cuts]


def give(armature, options: argparse.Namespace) -> None:
    """Puts the take on the character and makes it as long in the leg as the person."""
    take = read_take(options.take)
    person, bones = take.people[options.person], bones_of(armature)
    bone_map = map_bones(bones)
    legs = leg_length(dict(zip(person.names, person.rest_positions())))
    size = legs / leg_length({joint: bones[name].head for joint, name in bone_map.bones.items()})
    retargeting.retarget_take(armature, take, person, bone_map, retargeting.Options())
    armature.matrix_world = Matrix.Scale(size, 4) @ armature.matrix_world


def lay_floor() -> None:
    """A floor with a line every half metre."""
    numbers = np.arange(-FLOOR_M, FLOOR_M + SQUARE_M, SQUARE_M)
    across = [(x - LINE_M, x + LINE_M, -FLOOR_M, FLOOR_M) for x in numbers]
    lay("lines", [*across, *((c, d, a, b) for a, b, c, d in across)], 0.0, LINE)
    lay("floor", [(-FLOOR_M, FLOOR_M, -FLOOR_M, FLOOR_M)], -0.002, FLOOR)


def lay(name: str, rectangles: list[tuple[float, float, float, float]], z: float, colour: tuple) -> None:
    """Rectangles (x from, to, y from, to) as one object."""
    corners = [(x, y, z) for a, b, c, d in rectangles for x, y in ((a, c), (b, c), (b, d), (a, d))]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], [tuple(range(4 * i, 4 * i + 4)) for i in range(len(rectangles))])
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    thing.color = colour


def look(camera: Camera) -> None:
    """The take's camera, and a plain renderer that throws shadows."""
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    turn = Z_UP @ Matrix((camera.T_world_camera[:3, :3] * [1, -1, -1]).tolist())
    scene.camera.matrix_world = Matrix.LocRotScale(Z_UP @ Vector(camera.T_world_camera[:3, 3]), turn, None)
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_percentage = 50  # it smooths edges itself
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("sky")
    scene.world.color = (0.62, 0.64, 0.67)
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "OBJECT"
    shading.show_shadows, shading.shadow_intensity = True, 0.4
    scene.display.light_direction = np.array([0.3, 0.9, 0.35])


if __name__ == "__main__":
    main()
