"""The report of a take as a self-contained HTML page, and as JSON."""

from __future__ import annotations

import base64
import html
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.io.files import atomic_path, check_target
from mocap.model import kinematics
from mocap.model.errors import MocapError
from mocap.model.rotation import Array
from mocap.model.take import CONTACT_POINTS, Person, Take
from mocap.report import thresholds
from mocap.report.preview import draw_frame, figure_of, write_preview
from mocap.report.quality import measure, reprojection_percent
from mocap.report.thresholds import MEASURES, Limit, Quality
from mocap.solve.contact.points import contact_points
from mocap.source import Video

SUFFIXES = (".html", ".json")
PREVIEW_SIDE, IMAGE_SIDE, JPEG_QUALITY = 640, 480, 80
BACKGROUND = 235  # grey behind the skeleton if there is no clip

Image = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]


def check_output(path: Path) -> None:
    """Raise MocapError for a report that cannot be written (suffix, folder, or plotly is missing)."""
    if path.suffix.lower() not in SUFFIXES:
        raise MocapError(f"cannot write {path}: unknown suffix '{path.suffix}'; use one of {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".html":
        plotly_script()
    check_target(path)


def write_report(
    take: Take,
    path: Path,
    *,
    clip: Path | None = None,
    limits: Mapping[str, Limit] = MEASURES,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a take.

    Parameters
    ----------
    take : Take
        A solved take.
    path : Path
        ``.html`` for people, ``.json`` for programs.
    clip : Path or None
        The video of the take, for preview and images; None: the skeleton is drawn on grey.
    limits : mapping
        Limits of the measures, by name.
    progress : callable or None
        Called with "preview", frames done and number of frames.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    MocapError
        For another suffix, a clip that does not belong to the take, a take without motion, or if plotly, which draws
        the page, is not installed.
    """
    check_output(path)
    people = measure(take)
    graded = thresholds.as_json(people, limits, thresholds.grade(people, limits))
    graded = {"clip": take.source.name, "frames": take.frames, "seconds": take.frames / float(take.fps), **graded}
    if path.suffix.lower() == ".json":
        text = json.dumps(graded, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        text = _page(take, people, graded, clip, progress)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


@cache
def plotly_script() -> str:
    """The JavaScript of the installed plotly package (MIT), embedded so that pages work offline. Raises MocapError."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MocapError("reports need plotly, which is not installed: pip install 'opentake[report]'") from error
    return str(get_plotlyjs())


def write_worst_image(take: Take, clip: Path | None, path: Path) -> Path:
    """Write the take's worst frame, with the skeletons drawn over it, as JPEG to ``path``; returns the path."""
    worst = max(measure(take), key=lambda person: person.faults.max())
    frame = worst.worst[0]
    with atomic_path(path) as temporary:
        temporary.write_bytes(_drawn_images(take, clip, [frame])[frame])
    return path


def _page(
    take: Take, people: Sequence[Quality], graded: dict[str, Any], clip: Path | None, progress: Progress | None
) -> str:
    frames = sorted({frame for person in people for frame in person.worst})
    images = _drawn_images(take, clip, frames)
    shown = {
        "fps": float(take.fps),
        "frames": take.frames,
        "images": [[frame, _uri("image/jpeg", images[frame])] for frame in frames],
        "video": _preview(take, clip, progress),
        "people": [_drawn(take, person, quality) for person, quality in zip(take.people, people)],
    }
    template = Template(files("mocap.report").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(take.source.name),
        verdict=graded["verdict"],
        headings=_headings(graded),
        rows=_rows(graded),
        shown=json.dumps(shown, allow_nan=False).replace("<", "\\u003c"),
        plotly=plotly_script(),
    )


def _headings(graded: dict[str, Any]) -> str:
    """Cells of the table's header: a column for each person."""
    people = [f"person {person['id']}" for person in graded["people"]]
    names = ("verdict", "measure", *(people if len(people) > 1 else ["value"]), "unit", "what is measured", "limits")
    return "".join(f"<th scope=col>{name}</th>" for name in names)


def _rows(graded: dict[str, Any]) -> str:
    """The table's body: a row for each measure, a column for each person."""
    lines = []
    for name, limit in MEASURES.items():
        values = [person["measures"][name] for person in graded["people"]]
        cells = "".join(f"<td class=number>{'–' if value is None else f'{value:.4g}'}</td>" for value in values)
        verdict, limits = graded["measures"][name], graded["limits"][name]
        sign = "below" if limit.is_floor else "above"
        fails = "never" if limits["fail"] is None or limits["fail"] < 0 else f"{sign} {limits['fail']:g}"
        lines.append(
            f"<tr class={verdict}><td>{verdict}</td><th scope=row>{name}</th>{cells}<td>{limit.unit}</td>"
            f"<td>{limit.text}</td><td>warns {sign} {limit.warn:g}, fails {fails}</td></tr>"
        )
    return "\n".join(lines)


def _drawn(take: Take, person: Person, quality: Quality) -> dict[str, Any]:
    """The data that the page draws for a person: joints in mm as base64 of int32 (T, J, 3), lines, curves, spans."""
    motion = person.motion
    assert motion is not None  # measured before
    joints, ends = kinematics.joint_positions(motion), kinematics.end_positions(motion)
    points = np.concatenate([joints, np.stack(list(ends.values()), axis=1)], axis=1)
    names, parents = motion.skeleton.names, motion.skeleton.parents
    lines = [[parent, j] for j, parent in enumerate(parents) if parent >= 0]
    lines += [[motion.skeleton.index(leaf), len(names) + i] for i, leaf in enumerate(ends)]
    return {
        "id": person.id,
        "points": base64.b64encode(np.rint(1000 * points).astype("<i4").tobytes()).decode(),
        "count": points.shape[1],
        "lines": [[*line, _side(names[min(line[1], len(names) - 1)] if line[1] < len(names)
                                else list(ends)[line[1] - len(names)])] for line in lines],
        "curves": {
            "confidence": _numbers(motion.confidence.mean(axis=1)),
            "reprojection error, % of height": _numbers(reprojection_percent(take, person, motion)),
            **{f"{name} height, cm": _numbers(100 * point[:, 1]) for name, point in contact_points(motion).items()},
            "fault score": _numbers(quality.faults),
        },
        "contacts": {name: [list(span) for span in person.contacts.get(name, [])] for name in CONTACT_POINTS},
        "gaps": [[gap.start, gap.end, gap.reason] for gap in person.gaps],
        "swaps": [[swap.start, swap.end, swap.limb] for swap in person.swaps],
        "worst": quality.worst,
    }  # fmt: skip


def _side(name: str) -> str:
    return "left" if name.startswith("Left") else "right" if name.startswith("Right") else "trunk"


def _numbers(values: Array) -> list[float | None]:
    return [round(value, 2) if np.isfinite(value) else None for value in values.tolist()]


def _drawn_images(take: Take, clip: Path | None, frames: Sequence[int]) -> dict[int, bytes]:
    scale = min(1.0, IMAGE_SIDE / max(take.camera.size))
    size = (max(1, round(take.camera.size[0] * scale)), max(1, round(take.camera.size[1] * scale)))
    figures = [figure_of(person, take, scale) for person in take.people]
    images = {}
    for frame, image in _images(take, clip, set(frames), size):
        draw_frame(image, figures, frame, frame / float(take.fps) + take.source.start_s)
        ok, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert ok
        images[frame] = coded.tobytes()
    return images


def _images(take: Take, clip: Path | None, frames: set[int], size: tuple[int, int]) -> list[tuple[int, Image]]:
    """Frames of the clip, scaled to a size (width, height); grey images if there is no clip."""
    blank = np.full((size[1], size[0], 3), BACKGROUND, np.uint8)
    images = {frame: blank.copy() for frame in frames}
    if clip is not None:
        start_s = take.source.start_s
        end_s = start_s + (max(frames, default=0) + 1) / float(take.fps)
        with Video(clip, start_s=start_s, end_s=end_s, allow_damaged=True) as video:
            for number, frame in enumerate(video):
                if number in frames:
                    images[number] = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    return sorted(images.items())


def _preview(take: Take, clip: Path | None, progress: Progress | None) -> str:
    """The clip with the skeleton drawn over it, as a data URI; "" if there is no clip."""
    if clip is None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = write_preview(take, clip, Path(folder) / "preview.mp4", max_side=PREVIEW_SIDE, progress=progress)
        return _uri("video/mp4", path.read_bytes())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
