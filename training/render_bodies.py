"""Clips of rendered bodies with exact truth, for what a pose network really says of people.

    python -m training.render_bodies motions.npz -o rendered --clips 100
    python -m training.render_bodies motions.npz -o rendered_test --test

Each clip is a free body (``anny``) of its own shape and clothes that does a captured motion before a camera of its own;
beside NAME.mp4 lies NAME.truth.json: points and landmarks in the world, camera, contacts, height. Training takes random
windows of the takes for training, some with drawn limbs; --test takes a window of each motion of TEST_MOTIONS for each
of three cameras. Clips that are there already are not made again. examples/README.md says what to install.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mocap.model.rotation import Array
from mocap.solve.contact.detection import CONTACT, spans_down
from training.captured_bodies import NAMES, Body, _about_y, cut
from training.drawn_postures import drawn
from training.lifter_views import Views, split
from training.motions import FPS, read_motions
from training.posed_body import Acted, acted, landmarks, points

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from walk_body import Body as Figure
from walk_body import bare_skin, posed
from walk_clothes import COLOURS, dressed

SIZES, TEST_SIZES = ((360, 640), (640, 360)), ((540, 960), (960, 540))
FRAMES, TEST_FRAMES = 90, 90
TEST_MOTIONS = (
    "iclone_direct/002_10", "iclone_direct/002_06", "iclone_direct/005_05", "iclone_direct/005_13",
    "cgspeed_walkcycles/16_32", "from_expmap/train_jumping_5", "from_expmap/train_running_5",
    "from_expmap/train_soccer_5", "from_expmap/train_basketball_5", "keijiro/135_02", "quaternius_base/Sitting_Enter",
    "mesh2motion_addon/Dance Charleston", "mesh2motion_addon/Throw Object", "mesh2motion_addon/Jumping Jacks",
)  # fmt: skip
TEST_YAWS = (0.3, 2.2, 4.2)  # radians
DRAWN_FRACTION = 0.4  # of clips for training
LOWEST_M = 0.1  # over the floor, which hides what is seen from below
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # our axes to Blender's


@dataclass(frozen=True, eq=False)
class View:
    """K (3, 3) pixels, T_world_camera (4, 4) in OpenCV's axes, size in pixels, metres."""

    K: Array
    T_world_camera: Array
    size: tuple[int, int]


def main() -> None:
    """Reads the command line and makes the clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--test", action="store_true")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    training, held_out = split(read_motions(options.motions))
    if options.test:
        for number in range(len(TEST_MOTIONS) * len(TEST_YAWS)):
            i = number % len(TEST_MOTIONS)
            j = (i + number // len(TEST_MOTIONS)) % len(TEST_YAWS)
            source = next(body for body in held_out if body.name == TEST_MOTIONS[i])
            make(options.output / f"{i:02}_{j}.mp4", source, np.random.default_rng([7, i, j]), TEST_YAWS[j])
        return
    views = Views(training)
    for i in range(options.first, options.first + options.clips):
        rng = np.random.default_rng([8, i])
        source = views.bodies[rng.choice(len(training), p=views.chances)]
        make(options.output / f"{i:04}.mp4", source, rng, None)


def make(path: Path, source: Body, rng: np.random.Generator, yaw: float | None) -> None:
    """One clip and its truth; of those for testing, with the yaw of its camera."""
    if path.is_file():
        return
    test = yaw is not None
    frames = min(TEST_FRAMES if test else FRAMES, len(source.points))
    motion = cut(source, frames, rng, 1.0 if test else float(np.exp(rng.uniform(-0.3, 0.3))))
    if not test and rng.random() < DRAWN_FRACTION:
        motion = drawn(motion, rng)
    skin = bare_skin(_shape(rng))
    figure = dressed(skin, _colours(rng))
    moved = acted(motion, figure, skin)
    seen = landmarks(figure, skin, moved)
    view = _view(seen, rng, yaw)
    _write_truth(path.with_suffix(".truth.json"), figure, seen, points(figure, moved), view, source.name)
    half = path.with_suffix(".half.mp4")
    Stage(figure, view, moved.roots.mean(axis=0), rng).film(moved, half)
    half.replace(path)
    print(path.name, source.name, len(motion.points), "frames", flush=True)


def _shape(rng: np.random.Generator) -> dict[str, float]:
    shape = {
        name: float(np.clip(rng.normal(0.5, 0.2), 0.1, 0.9)) for name in ("muscle", "weight", "height", "proportions")
    }
    return shape | {"gender": float(rng.random()), "age": float(rng.uniform(0.6, 0.85))}


def _colours(rng: np.random.Generator) -> dict[str, tuple[float, ...]]:
    skin = np.array([0.62, 0.38, 0.27]) * rng.uniform(0.15, 1.2)
    colours = {name: tuple(rng.uniform(0.02, 0.9, 3)) for name in ("shirt", "trousers", "shoes")}
    hair = np.array([0.3, 0.18, 0.1]) * rng.uniform(0.05, 1.5)
    return {**COLOURS, **colours, "skin": tuple(skin), "hair": tuple(hair), "brow": tuple(0.5 * hair)}


def _view(seen: Array, rng: np.random.Generator, yaw: float | None) -> View:
    """A camera that looks at the whole path from where all of it fits into the picture, or nearly."""
    size = (SIZES if yaw is None else TEST_SIZES)[rng.choice(2, p=(0.7, 0.3))]
    focal = 0.5 * max(size) / np.tan(np.radians(rng.uniform(42, 68)) / 2)
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    yaw = float(rng.uniform(0, 2 * np.pi)) if yaw is None else yaw
    pitch, roll = np.radians(np.clip(rng.normal(10, 10, 1), -8, 35))[0], np.radians(rng.normal(0, 4))
    c, s = np.cos(pitch), np.sin(pitch)
    down = np.array([[1, 0, 0], [0, -c, s], [0, -s, -c]])
    c, s = np.cos(roll), np.sin(roll)
    camera = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ down @ _about_y(np.array([yaw]))[0]
    low, high = seen.reshape(-1, 3).min(axis=0), seen.reshape(-1, 3).max(axis=0)
    about = (seen.reshape(-1, 3) - 0.5 * (low + high)) @ camera.T
    reach = np.abs(about[:, :2]) * (2 * focal / np.array(size)) / rng.uniform(0.75, 0.95)
    distance = max(1.5, float(np.quantile((reach - about[:, 2:]).max(axis=1), 0.995)))
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = camera.T, 0.5 * (low + high) - distance * camera[2]
    T[1, 3] = max(T[1, 3], LOWEST_M)
    return View(K, T, size)


def _write_truth(path: Path, figure: Figure, seen: Array, places: Array, view: View, source: str) -> None:
    soles = {f"{side}_{part}": places[:, list(figure.points).index(f"{side}_{part}")]
             for side in ("left", "right") for part in ("heel", "toe")}  # fmt: skip
    rounded = lambda values: (np.round(values, 4) + 0.0).tolist()  # noqa: E731
    truth = {
        "format": "mocap-truth",
        "version": 1,
        "source": source,
        "fps": [FPS, 1],
        "frames": len(seen),
        "height_m": round(figure.height_m, 4),
        "camera": {"K": rounded(view.K), "T_world_camera": rounded(view.T_world_camera), "size": list(view.size)},
        "contacts": {name: [[a, b - 1] for a, b in spans_down(at, FPS, CONTACT)] for name, at in soles.items()},
        "points": {"names": list(figure.points), "xyz": rounded(places)},
        "landmarks": {"names": list(NAMES), "xyz": rounded(seen)},
    }
    path.write_text(json.dumps(truth, separators=(",", ":")) + "\n", encoding="utf-8")


class Stage:
    """A body on a chequered floor in Blender's Workbench engine, before a camera."""

    def __init__(self, figure: Figure, view: View, middle: Array, rng: np.random.Generator) -> None:
        import bpy

        self.figure, self.view = figure, view
        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene = bpy.context.scene
        scene.render.engine = "BLENDER_WORKBENCH"
        scene.render.resolution_x, scene.render.resolution_y = view.size
        scene.render.image_settings.file_format = "BMP"
        scene.view_settings.view_transform = "Standard"
        shading = scene.display.shading
        shading.light, shading.color_type = "STUDIO", "VERTEX"
        scene.world = bpy.data.worlds.new("sky")
        scene.world.color = tuple(rng.uniform(0.05, 0.9, 3))
        shading.background_type = "WORLD"
        scene.display.render_aa = (
            "OFF"  # smoothing takes three times as long, and the pose network scales pictures anyway
        )
        self._person = _mesh("person", figure.vertices @ Z_UP.T, figure.faces, figure.colours)
        self._person.polygons.foreach_set("use_smooth", np.ones(len(figure.faces), dtype=bool))
        _add_floor(rng)
        _add_boxes(Z_UP @ middle, Z_UP @ view.T_world_camera[:3, 2], rng)
        self._add_camera()

    def _add_camera(self) -> None:
        import bpy
        from mathutils import Matrix

        lens = bpy.data.cameras.new("camera")
        lens.sensor_fit, lens.sensor_width = "HORIZONTAL", 36.0
        lens.lens = 36.0 * self.view.K[0, 0] / self.view.size[0]
        camera = bpy.data.objects.new("camera", lens)
        placed = np.eye(4)
        placed[:3, :3] = Z_UP @ self.view.T_world_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])
        placed[:3, 3] = Z_UP @ self.view.T_world_camera[:3, 3]
        camera.matrix_world = Matrix(placed.tolist())
        bpy.context.scene.collection.objects.link(camera)
        bpy.context.scene.camera = camera

    def film(self, motion: Acted, path: Path) -> None:
        """H.264 at 30 frames a second, as a phone would, with a little of its loss."""
        import bpy

        scene = bpy.context.scene
        with tempfile.TemporaryDirectory() as folder, av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "24", "preset": "fast"})
            stream.pix_fmt, (stream.width, stream.height) = "yuv420p", self.view.size
            scene.render.filepath = str(Path(folder, "frame.bmp"))
            for turns, root in zip(motion.turns, motion.roots):
                vertices = posed(self.figure, turns, root)[1]
                self._person.vertices.foreach_set("co", (vertices @ Z_UP.T).astype(np.float32).ravel())
                self._person.update()
                bpy.ops.render.render(write_still=True)
                with Image.open(scene.render.filepath) as picture:
                    container.mux(stream.encode(av.VideoFrame.from_image(picture.convert("RGB"))))
            container.mux(stream.encode(None))


def _mesh(name: str, vertices: Array, faces: Array, colours: Array):  # type: ignore[no-untyped-def]
    """A mesh in the scene with a colour (linear RGB) for every face."""
    import bpy

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    corners = np.concatenate(
        [np.repeat(colours, len(faces[0]), axis=0), np.ones((len(faces) * len(faces[0]), 1))], axis=1
    )
    mesh.color_attributes.new("colour", "FLOAT_COLOR", "CORNER").data.foreach_set("color", corners.ravel())
    mesh.color_attributes.active_color_index = 0
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
    return mesh


def _add_floor(rng: np.random.Generator) -> None:
    """Tiles of two colours, far and wide."""
    side, tile = 24, rng.uniform(0.5, 1.5)
    i, j = (index.ravel() for index in np.meshgrid(np.arange(side), np.arange(side)))
    corner = np.stack([i, j], axis=1) - side / 2
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    flat = (corner[:, None] + square).reshape(-1, 2) * tile
    places = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    two = rng.uniform(0.05, 0.8, 3) + np.array([[0.0], [1.0]]) * rng.choice((-0.3, 0.3)) * rng.random()
    _mesh("floor", places, np.arange(len(places)).reshape(-1, 4), np.clip(two, 0, 1)[(i + j) % 2])


def _add_boxes(middle: Array, view: Array, rng: np.random.Generator) -> None:
    """A few boxes behind the middle of the path, as seen along ``view``."""
    for k in range(rng.integers(0, 6)):
        angle, far = np.arctan2(view[1], view[0]) + rng.uniform(-1, 1), rng.uniform(4, 9)
        size = rng.uniform([0.3, 0.3, 0.3], [1.5, 1.5, 2.5])
        low = np.array([middle[0] + far * np.cos(angle), middle[1] + far * np.sin(angle), 0])
        box = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * size + low
        quads = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
        _mesh(f"box{k}", box, quads, np.tile(rng.random(3), (6, 1)))


if __name__ == "__main__":
    main()
