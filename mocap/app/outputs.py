"""Output files of a take: which writer is used for which name, and which files are written together."""

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

TAKE_SUFFIX = ".json"  # of the only format that contains a whole take
PREVIEW_SUFFIXES = (".mp4", ".mov", ".mkv")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def check_writable(
    output: Path, *, preview: Path | None = None, plot: Path | None = None, keep: Path | None = None
) -> None:
    """Check output files before hours of work.

    Parameters
    ----------
    output : Path
        The take's file.
    preview, plot : Path or None
        Further files, if they are wanted.
    keep : Path or None
        The clip, which must not be overwritten.

    Raises
    ------
    MocapError
        For an unknown suffix, a file that cannot be written, two outputs with one name, or an output that is ``keep``.
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
    """Write a take in the format of the output's suffix, and as JSON beside it.

    Parameters
    ----------
    take : Take
        A solved take.
    output : Path
        The suffix selects the format.
    units : str
        Length unit of a BVH: "m" or "cm".

    Returns
    -------
    list of Path
        The written files, the JSON last.

    Raises
    ------
    MocapError
        If a file cannot be written.
    """
    json_path = output.with_suffix(TAKE_SUFFIX)
    recording = outlets.recording_of(take)
    kept = outlets.write(recording, json_path)  # before the others, so that no file is without its JSON
    return kept if output.suffix.lower() == TAKE_SUFFIX else [*outlets.write(recording, output, units=units), *kept]


def convert(source: Path, output: Path, *, units: str, source_units: str = "m") -> tuple[list[Path], str]:
    """Convert a file of motions, or of labels, to another format.

    Parameters
    ----------
    source, output : Path
        The suffixes select the formats. A format for one person gets one file per person.
    units : str
        Length unit of a BVH that is written: "m" or "cm".
    source_units : str
        Length unit of a BVH that is read; a take is always in metres.

    Returns
    -------
    list of Path
        The written files.
    str
        Which contents of the source the format cannot hold, as a sentence; "" for none.

    Raises
    ------
    MocapError
        For an unknown suffix, a file without frames, or a file that cannot be read or written.
    """
    if is_of_labels(source, output):
        convert_labels(source, output)
        return [output], ""
    outlet = outlets.outlet_for(output)
    recording = outlets.read(source, units=source_units)
    if not all(map(len, recording.motions.values())):
        raise MocapError(f"cannot convert {source}: it has no frames, only a rest pose; export it again")
    lost = outlets.lost_in(outlet, recording)
    note = f"{outlet.name} cannot hold {', '.join(lost)}; they stay in {source.name}" if lost else ""
    return outlets.write(recording, output, units=units), note


def corrected(take: Take, table: Path, *, is_alone: bool) -> Take:
    """Apply the corrections of a table to a take.

    Parameters
    ----------
    take : Take
        A solved take.
    table : Path
        The corrections of ``mocap annotate``, as CSV.
    is_alone : bool
        Whether no other settings were given.

    Returns
    -------
    Take
        With its motion changed to follow the corrections; rounded.

    Raises
    ------
    MocapError
        If other settings were given too, or the take has no people.
    """
    if not is_alone:
        raise MocapError(
            "--corrections change the take as it is: solve with the other settings first, then with the corrections"
        )
    if not take.people:
        raise MocapError(f"the take of {take.source.name} holds nobody; process the video again")
    return rounded(correct(take, read_labels(table, take.people[0].keypoints_2d.layout)))


def write_plot(take: Take, output: Path) -> Path:
    """Plot the image keypoints of the first person before and after cleaning; returns the written path."""
    from mocap.report.plot import write_curves

    person = take.people[0]
    cleaned = clean_image(person, SolveSettings.from_json(take.settings), take)
    gaps = [(gap.start, gap.end) for gap in person.gaps]
    measured = replace(person.keypoints_2d, xy=take.in_camera(person.keypoints_2d.xy))
    return write_curves(output, measured, cleaned, gaps=gaps, title=take.source.name)
