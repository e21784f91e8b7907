"""Draw the solved skeleton over the clip, for a visual check of a take."""

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

MAX_SIDE = 1280  # pixels; plays on every machine and is sharp enough
# Two colours that colour-blind people can distinguish (Okabe & Ito, "Color Universal Design", 2008), RGB
LEFT, RIGHT, TRUNK, DARK = (86, 180, 233), (230, 159, 0), (245, 245, 245), (25, 25, 25)
SUBPIXEL_BITS = 4  # OpenCV draws at 1/16 pixel
LINE, DOT, TEXT = (
    1 / 260,
    1 / 420,
    1 / 52,
)  # bone's width, keypoint's radius, line of text: fractions of the longer side


@dataclass(frozen=True, eq=False)
class Figure:
    """The drawing of one person, in pixels of the preview.

    Parameters
    ----------
    label : str
        Name of the person in the caption.
    bones : array (T, B, 2, 2)
        Both ends of each bone; NaN behind the camera.
    bone_names, bone_colours : list
        B entries.
    dots : array (T, K, 2)
        The pose network's keypoints; NaN if missing.
    dot_colours : list
        K entries.
    gap_reasons : list of str
        T entries: why the person is not visible in a frame; "" if visible.
    """

    label: str
    bones: Array
    bone_names: list[str]
    bone_colours: list[Colour]
    dots: Array
    dot_colours: list[Colour]
    gap_reasons: list[str]


def write_preview(
    take: Take, clip: Path | str, output: Path | str, *, max_side: int = MAX_SIDE, progress: Progress | None = None
) -> Path:
    """Write a video: the clip with the skeleton of every person and the pose network's keypoints (dots) over it.

    Parameters
    ----------
    take : Take
        Its frame 0 is at ``take.source.start_s`` seconds of the clip.
    clip : Path or str
        The video of the take.
    output : Path or str
        The video file to write.
    max_side : int
        The longer side of the output is at most this many pixels.
    progress : callable or None
        Called with "preview", frames done and number of frames.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    MocapError
        If the clip cannot be read or does not belong to the take, or the output cannot be written. After an error or
        Ctrl-C there is no file.

    Notes
    -----
    In a gap no skeleton is drawn; the caption gives the reason.
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
    # allow_damaged: whether damage is acceptable was decided when the take was made.
    end_s = start_s + take.frames / float(take.fps)
    video = open_source(path, start_s=start_s, end_s=end_s, fps=take.fps, allow_damaged=True)
    if video.info.size != take.camera.size or video.info.fps != take.fps:
        raise MocapError(f"{path}: is not the clip that the take was made from; use {take.source.name}")
    return video


def figure_of(person: Person, take: Take, scale: float) -> Figure:
    """The drawing of one person of a take.

    Parameters
    ----------
    person : Person
        One of the take's people.
    take : Take
        Gives the camera and its path.
    scale : float
        Preview pixels per pixel of the clip.

    Returns
    -------
    Figure
        For all frames of the take.
    """
    gap_reasons = [""] * len(person)
    for gap in person.gaps:
        gap_reasons[gap.start : gap.end] = [gap.reason] * (gap.end - gap.start)
    names, ends_world = _bones(person.motion) if person.motion else ([], np.empty((len(person), 0, 2, 3)))
    layout = person.keypoints_2d.layout
    return Figure(
        label=f"person {person.id}",
        bones=take.in_frames(take.camera.project(ends_world)) * scale,
        bone_names=names,
        bone_colours=[side_colour(name) for name in names],
        dots=person.keypoints_2d.xy * scale,
        dot_colours=[side_colour(name) for name in layout.names],
        gap_reasons=gap_reasons,
    )


def _bones(motion: Motion) -> tuple[list[str], Array]:
    """Names (B) and both ends (T, B, 2, 3), in metres in the world frame, of all lines from joint to joint or tip."""
    joints, tips, skeleton = joint_positions(motion), end_positions(motion), motion.skeleton
    lines = {
        name: (joints[:, parent], joints[:, j])
        for j, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents))
        if parent >= 0
    }
    lines |= {f"{name} tip": (joints[:, skeleton.index(name)], tip) for name, tip in tips.items()}
    return list(lines), np.stack([np.stack(line, axis=1) for line in lines.values()], axis=1)


def side_colour(name: str) -> Colour:
    """The colour of a bone or keypoint by its name: blue for the person's left, orange for the right, else white."""
    lowered = name.lower()
    return LEFT if lowered.startswith("left") else RIGHT if lowered.startswith("right") else TRUNK


def draw_frame(image: Image, figures: Iterable[Figure], number: int, time_s: float) -> None:
    """Draw people and a caption into an image.

    Parameters
    ----------
    image : array (height, width, 3)
        RGB uint8; it is changed.
    figures : iterable of Figure
        The people.
    number : int
        The frame of the take, from 0; shown in the caption.
    time_s : float
        Seconds of the clip, for the caption.
    """
    caption = [(f"frame {number}   {time_s:.2f} s", TRUNK), ("left", LEFT), ("right", RIGHT)]
    for figure in figures:
        if reason := figure.gap_reasons[number]:
            caption.append((_gap_text(figure.label, reason), TRUNK))
        else:
            _draw_bones(image, figure.bones[number], figure.bone_colours)
        _draw_dots(image, figure.dots[number], figure.dot_colours)
    _draw_caption(image, caption)


def _gap_text(label: str, reason: str) -> str:
    """``person 1 not visible``, with the reason of the gap where it says more."""
    return f"{label} not visible" + ("" if reason == "not seen" else f": {reason.replace('_', ' ')}")


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
    """Whether points (N, 2) are finite and near enough to the image that OpenCV's integers do not overflow."""
    return bool(np.all(np.abs(points) < 8 * max(image.shape)))


def _fixed_point(points: Array) -> list[tuple[int, int]]:
    """Convert to OpenCV's units of 1/16 pixel, with 0 at the centre of the first pixel; here 0 is at its corner."""
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
        position = (x, image.shape[0] - round(0.45 * line))
        cv2.putText(image, text, position, font, size, colour, thickness, cv2.LINE_AA)
        x += width
