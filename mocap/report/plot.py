"""Plot curves of keypoints before and after filtering, for a visual check of a filter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints2D
from mocap.model.rotation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
# Wrists and ankles move most and are detected least reliably; nose and hips show the whole body.
KEYPOINTS = ("nose", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_ankle", "right_ankle")
_RAW, _FILTERED, _GAP = "#E69F00", "#0072B2", "#BBBBBB"  # Okabe & Ito, "Color Universal Design", 2008
_WIDTH_IN, _ROW_IN, _DPI = 12.0, 1.6, 110
# Without dates and program versions: the same curves give the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def write_curves(
    path: Path | str, before: Keypoints2D, after: Keypoints2D, *, gaps: Sequence[tuple[int, int]] = (), title: str = ""
) -> Path:
    """Plot x and y of some keypoints over time: as measured (dots) and filtered (lines).

    Parameters
    ----------
    path : Path or str
        The image file: .png, .svg or .pdf.
    before, after : Keypoints2D
        With the same T frames, layout and frame rate; in pixels.
    gaps : sequence of tuple of int
        Frames [start, end) to shade.
    title : str
        Over the plot.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    MocapError
        For another suffix, a file that cannot be written, or if matplotlib is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise MocapError(f"cannot write {path}: unknown suffix '{path.suffix}'; use one of {', '.join(SUFFIXES)}")
    if len(before) != len(after) or before.layout != after.layout:
        raise ValueError("expected the same frames and keypoints before and after")
    matplotlib = _matplotlib()
    with matplotlib.rc_context({"svg.hashsalt": "mocap", "svg.fonttype": "none"}):
        figure = _draw(before, after, gaps, title)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], dpi=_DPI, metadata=_METADATA[suffix])
    return path


def _matplotlib() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise MocapError("plots need matplotlib, which is not installed: pip install 'opentake[plot]'") from error
    return matplotlib


def _draw(before: Keypoints2D, after: Keypoints2D, gaps: Sequence[tuple[int, int]], title: str) -> Figure:
    from matplotlib.figure import Figure  # a Figure of its own: no window system, no global state

    names = [name for name in KEYPOINTS if name in before.layout.names]
    figure = Figure(figsize=(_WIDTH_IN, _ROW_IN * len(names) + 1), layout="constrained")
    axes = figure.subplots(len(names), 2, sharex=True, squeeze=False)
    times_s = np.arange(len(before)) / float(before.fps)
    for row, name in zip(axes, names):
        for coordinate, (axis, letter) in enumerate(zip(row, "xy")):
            pair = (points.xy[:, before.layout.index(name), coordinate] for points in (before, after))
            _draw_curve(axis, times_s, *pair)
            axis.set_ylabel(f"{name.replace('_', ' ')} {letter}", fontsize=8)
            for start, end in gaps:
                axis.axvspan(start / float(before.fps), end / float(before.fps), color=_GAP, alpha=0.5, linewidth=0)
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    figure.suptitle(title or "pixels in the image; gaps are shaded", x=0.01, ha="left", fontsize=10)
    return figure


def _draw_curve(axis: Axes, times_s: Array, raw: Array, filtered: Array) -> None:
    axis.plot(times_s, raw, ".", color=_RAW, markersize=3, label="as measured")
    axis.plot(times_s, filtered, "-", color=_FILTERED, linewidth=1.1, label="filtered")
    axis.tick_params(labelsize=7)
    axis.margins(x=0)
    axis.grid(alpha=0.3, linewidth=0.5)
