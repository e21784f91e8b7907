"""The solved skeleton drawn over the clip, to judge a take by eye."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.errors import MocapError
from mocap.model.kinematics import end_positions, joint_positions
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Person, Take
from mocap.source import FrameSource, VideoWriter, open_source

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Progress = Callable[[str, int, int], None]

MAX_SIDE = 1280  # pixels; plays everywhere and shows what there is to see
# Two colours that the colour-blind tell apart (Okabe & Ito, "Color Universal Design", 2008), RGB
LEFT, RIGHT, TRUNK, DARK = (86, 180, 233), (230, 159, 0), (245, 245, 245), (25, 25, 25)
SUBPIXEL_BITS = 4  # OpenCV draws at 1/16 pixel
LINE, DOT, TEXT = 1 / 260, 1 / 420, 1 / 52  # bone's width, keypoint's radius, line of text: shares of the longer side


@dataclass(frozen=True, eq=False)
class Figure:
    """What to draw of one person, in pixels of the preview.

    bones: (T, B, 2, 2) both ends, NaN behind the camera. bone_names, bone_colours: B. dots: (T, K, 2) the network's
    keypoints, NaN where missing. dot_colours: K. unseen: T, the reason of the gap or "".
    """

    label: str
    bones: Array
    bone_names: list[str]
    bone_colours: list[Colour]
    dots: Array
    dot_colours: list[Colour]
    unseen: list[str]


def write_preview(
    take: Take, clip: Path | str, output: Path | str, *, max_side: int = MAX_SIDE, progress: Progress | None = None
) -> Path:
    """The path of a written video: the clip with every person's skeleton and the network's keypoints (dots) over it.

    take: its frame 0 is the clip's at take.source.start_s. max_side: the longer side of the result is at most this
    many pixels. progress: called with "preview", frames done and frames in all. In a gap no skeleton is drawn and the
    caption says why. Raises MocapError for a clip that cannot be read or is not the take's, and for an output that
    cannot be written; then, and on Ctrl-C, no file is left.
    """
    scale = min(1.0, max_side / max(take.camera.size))
    width, height = (max(1, round(side * scale)) for side in take.camera.size)
    figures = [figure_of(person, take, scale) for person in take.people]
    video = _clip_of(take, Path(clip))
    with VideoWriter(output, (width, height), take.fps) as writer, closing(iter(video)) as frames:
        for number, frame in zip(range(take.frames), frames):
            image = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            draw_frame(image, figures, number, number / float(take.fps) + take.source.start_s)
            writer.write(image)
            if progress is not None:
                progress("preview", number + 1, take.frames)
    return Path(output)


def _clip_of(take: Take, path: Path) -> FrameSource:
    start_s = take.source.start_s
    # Damage was accepted, or not, when the take was made.
    end_s = start_s + take.frames / float(take.fps)
    video = open_source(path, start_s=start_s, end_s=end_s, fps=take.fps, allow_damaged=True)
    if video.info.size != take.camera.size or video.info.fps != take.fps:
        raise MocapError(f"{path}: is not the clip that the take was made from ({take.source.name}); name that one")
    return video


def figure_of(person: Person, take: Take, scale: float) -> Figure:
    """What to draw of a person of a take in its frames, at ``scale`` preview pixels a pixel."""
    unseen = [""] * len(person)
    for gap in person.gaps:
        unseen[gap.start : gap.end] = [gap.reason] * (gap.end - gap.start)
    names, ends_world = _bones(person.motion) if person.motion else ([], np.empty((len(person), 0, 2, 3)))
    layout = person.keypoints_2d.layout
    return Figure(
        label=f"person {person.id}",
        bones=take.in_frames(take.camera.project(ends_world)) * scale,
        bone_names=names,
        bone_colours=[side_colour(name) for name in names],
        dots=person.keypoints_2d.xy * scale,
        dot_colours=[side_colour(name) for name in layout.names],
        unseen=unseen,
    )


def _bones(motion: Motion) -> tuple[list[str], Array]:
    """Names (B) and both ends (T, B, 2, 3), metres, world frame, of the lines joint to joint and joint to tip."""
    joints, tips, skeleton = joint_positions(motion), end_positions(motion), motion.skeleton
    lines = {
        name: (joints[:, parent], joints[:, j])
        for j, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents))
        if parent >= 0
    }
    lines |= {f"{name} tip": (joints[:, skeleton.index(name)], tip) for name, tip in tips.items()}
    return list(lines), np.stack([np.stack(line, axis=1) for line in lines.values()], axis=1)


def side_colour(name: str) -> Colour:
    """The colour of a bone or keypoint by its name's side, the person's own: blue left, orange right, else white."""
    lowered = name.lower()
    return LEFT if lowered.startswith("left") else RIGHT if lowered.startswith("right") else TRUNK


def draw_frame(image: Image, figures: Iterable[Figure], number: int, time_s: float) -> None:
    """Draws all figures at a frame, and a caption with the frame's number and time in seconds, into an RGB image."""
    caption = [(f"frame {number}   {time_s:.2f} s", TRUNK), ("left", LEFT), ("right", RIGHT)]
    for figure in figures:
        if figure.unseen[number]:
            caption.append((f"{figure.label} not seen: {figure.unseen[number].replace('_', ' ')}", TRUNK))
        else:
            _draw_bones(image, figure.bones[number], figure.bone_colours)
        _draw_dots(image, figure.dots[number], figure.dot_colours)
    _draw_caption(image, caption)


def _draw_bones(image: Image, bones: Array, colours: list[Colour]) -> None:
    width = max(2, round(max(image.shape) * LINE))
    drawable = [(_fixed_point(bone), colour) for bone, colour in zip(bones, colours) if _is_near(bone, image)]
    for line_width, is_outline in ((width + 2, True), (width, False)):
        for (start, end), colour in drawable:
            cv2.line(image, start, end, DARK if is_outline else colour, line_width, cv2.LINE_AA, SUBPIXEL_BITS)
    for joint in {point for line, _ in drawable for point in line}:
        _draw_disc(image, joint, width / 3, DARK)


def _draw_dots(image: Image, dots: Array, colours: list[Colour]) -> None:
    radius = max(1.5, max(image.shape) * DOT)
    for dot, colour in zip(dots, colours):
        if _is_near(dot[None], image):
            centre = _fixed_point(dot[None])[0]
            _draw_disc(image, centre, radius + 1, DARK)
            _draw_disc(image, centre, radius, colour)


def _draw_disc(image: Image, centre: tuple[int, int], radius: float, colour: Colour) -> None:
    cv2.circle(image, centre, round(radius * 2**SUBPIXEL_BITS), colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)


def _is_near(points: Array, image: Image) -> bool:
    """Whether points (N, 2) are known and not so far outside that OpenCV's integers overflow."""
    return bool(np.all(np.abs(points) < 8 * max(image.shape)))


def _fixed_point(points: Array) -> list[tuple[int, int]]:
    """OpenCV's 1/16 pixels, which count from the middle of the first pixel; ours count from its corner."""
    fixed = np.rint((points - 0.5) * 2**SUBPIXEL_BITS).astype(int)
    return [(int(x), int(y)) for x, y in fixed]


def _draw_caption(image: Image, parts: list[tuple[str, Colour]]) -> None:
    line = max(14, round(max(image.shape) * TEXT))
    font, size = cv2.FONT_HERSHEY_SIMPLEX, line / 40
    thickness = max(1, round(line / 20))
    widths = [cv2.getTextSize(text, font, size, thickness)[0][0] + line // 2 for text, _ in parts]
    band = image[-round(1.5 * line) :, : sum(widths) + line // 2]
    band[:] = band // 3
    x = line // 2
    for (text, colour), width in zip(parts, widths):
        place = (x, image.shape[0] - round(0.45 * line))
        cv2.putText(image, text, place, font, size, colour, thickness, cv2.LINE_AA)
        x += width
