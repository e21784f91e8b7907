"""Files for the user from a take: which writer for which name, and what is written together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mocap.io import reader_for, writer_for
from mocap.io.bvh import read_bvh
from mocap.io.files import check_target
from mocap.io.label_files import convert_labels, is_of_labels
from mocap.io.labels_csv import read_labels
from mocap.io.rounding import rounded
from mocap.io.take_json import write_json
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.take import Take
from mocap.solve.edit.corrections import correct
from mocap.solve.reconstruct import SolveSettings, clean_image

TAKE_SUFFIXES = (".bvh", ".json")
PREVIEW_SUFFIXES = (".mp4", ".mov", ".mkv")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def check_writable(
    output: Path, *, preview: Path | None = None, plot: Path | None = None, keep: Path | None = None
) -> None:
    """Raise MocapError now, before hours of work, for a file that could not or must not be written.

    That is a suffix without a writer, a place that cannot be written, two outputs of one name, and ``keep``, the clip.
    """
    taken = [] if keep is None else [keep.resolve()]
    for path, suffixes in ((output, TAKE_SUFFIXES), (preview, PREVIEW_SUFFIXES), (plot, PLOT_SUFFIXES)):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise MocapError(f"cannot write {path}: unknown suffix '{path.suffix}'; use one of {', '.join(suffixes)}")
        check_target(path)
        if path.resolve() in taken:
            raise MocapError(f"cannot write {path}: that is the clip itself; choose another name")
        taken.append(path.resolve())


def write_take(take: Take, output: Path, *, units: str) -> list[Path]:
    """Write a take; ``take.bvh`` gets ``take.json`` beside it. Returns the paths written."""
    json_path = output.with_suffix(".json") if output.suffix.lower() == ".bvh" else output
    write_json(take, json_path)
    if output.suffix.lower() != ".bvh":
        return [json_path]
    motions = {person.id: person.motion for person in take.people if person.motion is not None}
    return [*_write_motions(motions, output, units=units), json_path]


def convert(source: Path, output: Path, *, units: str, source_units: str = "m") -> list[Path]:
    """Write the motions of a take or a BVH to ``output``; several people get its name with their ids. Or write labels.

    source_units: of a BVH that is read; a take is in metres always.
    """
    if is_of_labels(source, output):
        convert_labels(source, output)
        return [output]
    is_bvh = source.suffix.lower() == ".bvh"
    motions = {1: read_bvh(source, units=source_units)} if is_bvh else reader_for(source)(source)
    if not all(map(len, motions.values())):
        raise MocapError(f"cannot convert {source}: it has no frames, only a rest pose; export it again")
    return _write_motions(motions, output, units=units)


def corrected(take: Take, table: Path, *, is_alone: bool) -> Take:
    """The take bent to the corrections of a table. MocapError unless they are alone, without other settings."""
    if not is_alone:
        raise MocapError("--corrections bend the take as it is: solve with the other settings first, then with these")
    if not take.people:
        raise MocapError(f"the take of {take.source.name} holds nobody; process the video again")
    return rounded(correct(take, read_labels(table, take.people[0].keypoints_2d.layout)))


def _write_motions(motions: dict[int, Motion], output: Path, *, units: str) -> list[Path]:
    """One file a person: ``take.bvh``, or ``take_1.bvh``, ``take_2.bvh`` and so on for several."""
    write = writer_for(output)
    names = {person: output.stem if len(motions) == 1 else f"{output.stem}_{person}" for person in motions}
    paths = {person: output.with_stem(name) for person, name in names.items()}
    for person, motion in motions.items():
        write(motion, paths[person], units=units)
    return list(paths.values())


def write_plot(take: Take, output: Path) -> Path:
    """Draw the image keypoints of the first person before and after cleaning; returns the path written."""
    from mocap.report.plot import write_curves

    person = take.people[0]
    cleaned = clean_image(person, SolveSettings.from_json(take.settings), take)
    gaps = [(gap.start, gap.end) for gap in person.gaps]
    seen = replace(person.keypoints_2d, xy=take.in_camera(person.keypoints_2d.xy))
    return write_curves(output, seen, cleaned, gaps=gaps, title=take.source.name)
