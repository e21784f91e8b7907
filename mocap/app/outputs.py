"""Files for the user from a take: which writer for which name, and what is written together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mocap.io import outlets
from mocap.io.files import check_target
from mocap.io.label_files import convert_labels, is_of_labels
from mocap.io.labels_csv import read_labels
from mocap.io.rounding import rounded
from mocap.model.errors import MocapError
from mocap.model.take import Take
from mocap.solve.clean.keypoints import clean_image
from mocap.solve.edit.corrections import correct
from mocap.solve.settings import SolveSettings

TAKE_SUFFIX = ".json"  # of the format that holds all of a take
PREVIEW_SUFFIXES = (".mp4", ".mov", ".mkv")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def check_writable(
    output: Path, *, preview: Path | None = None, plot: Path | None = None, keep: Path | None = None
) -> None:
    """Raise MocapError now, before hours of work, for a file that could not or must not be written.

    That is a suffix without a writer, a place that cannot be written, two outputs of one name, and ``keep``, the clip.
    """
    taken = [] if keep is None else [keep.resolve()]
    for path, suffixes in ((output, tuple(outlets.OUTLETS)), (preview, PREVIEW_SUFFIXES), (plot, PLOT_SUFFIXES)):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise MocapError(f"cannot write {path}: unknown suffix '{path.suffix}'; use one of {', '.join(suffixes)}")
        check_target(path)
        if path.resolve() in taken:
            raise MocapError(f"cannot write {path}: that is the clip itself; choose another name")
        taken.append(path.resolve())


def write_take(take: Take, output: Path, *, units: str) -> list[Path]:
    """Write a take in the format of the output's suffix; any but ``take.json`` gets ``take.json`` beside it.

    Returns the paths written, the JSON last.
    """
    json_path = output.with_suffix(TAKE_SUFFIX)
    recording = outlets.recording_of(take)
    kept = outlets.write(recording, json_path)  # before the others, so that no file stands without it
    return kept if output.suffix.lower() == TAKE_SUFFIX else [*outlets.write(recording, output, units=units), *kept]


def convert(source: Path, output: Path, *, units: str, source_units: str = "m") -> tuple[list[Path], str]:
    """Write the motions of a file in another format, one file a person where the format holds one; or write labels.

    source_units: of a BVH that is read; a take is in metres always. Returns the paths written, and in words what the
    format could not hold of the source, "" for nothing.
    """
    if is_of_labels(source, output):
        convert_labels(source, output)
        return [output], ""
    outlet = outlets.outlet_for(output)
    recording = outlets.read(source, units=source_units)
    if not all(map(len, recording.motions.values())):
        raise MocapError(f"cannot convert {source}: it has no frames, only a rest pose; export it again")
    lost = outlets.lost_in(outlet, recording)
    note = f"{outlet.name} holds no {', '.join(lost)}; they stay in {source.name}" if lost else ""
    return outlets.write(recording, output, units=units), note


def corrected(take: Take, table: Path, *, is_alone: bool) -> Take:
    """The take bent to the corrections of a table. MocapError unless they are alone, without other settings."""
    if not is_alone:
        raise MocapError("--corrections bend the take as it is: solve with the other settings first, then with these")
    if not take.people:
        raise MocapError(f"the take of {take.source.name} holds nobody; process the video again")
    return rounded(correct(take, read_labels(table, take.people[0].keypoints_2d.layout)))


def write_plot(take: Take, output: Path) -> Path:
    """Draw the image keypoints of the first person before and after cleaning; returns the path written."""
    from mocap.report.plot import write_curves

    person = take.people[0]
    cleaned = clean_image(person, SolveSettings.from_json(take.settings), take)
    gaps = [(gap.start, gap.end) for gap in person.gaps]
    seen = replace(person.keypoints_2d, xy=take.in_camera(person.keypoints_2d.xy))
    return write_curves(output, seen, cleaned, gaps=gaps, title=take.source.name)
