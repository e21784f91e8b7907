"""The work for one clip, from its description to finished files in a temporary folder. Every worker runs this."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mocap.app.batch.program import program_digest
from mocap.app.settings import TakeSettings
from mocap.model.errors import MocapError, OutputError, one_line

if TYPE_CHECKING:
    from mocap.app.process import Networks
    from mocap.app.settings import CaptureSettings
    from mocap.model.take import Take

PATHS_VARIABLE = "MOCAP_PATHS"  # /driver/clips=/worker/clips, several separated as in PATH

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """A clip to process.

    Parameters
    ----------
    clip : str
        Name of the clip in the batch.
    source : str
        Path of the clip.
    take : str
        Name of the output files, without suffix.
    staging : str
        Folder in which the worker makes a new folder for them.
    settings : dict
        Values by the options' names.
    program : str
        Digest of the program that the batch runs.
    """

    clip: str
    source: str
    take: str
    staging: str
    settings: dict[str, Any]
    program: str


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Parameters
    ----------
    state : str
        ``done``; ``below`` (the required quality); ``failed`` (because of the clip); ``crashed`` (because of the
        worker; a retry may help); ``blocked`` (nothing can be written, so that all clips would fail).
    error : str
        One line; "" for done.
    sha256 : str
        Digest of the clip's content.
    staged : str
        Name of the folder with the output files.
    files : dict
        Their names and SHA-256 digests.
    frames : int
        Frames of the take.
    seconds : float
        Time that the job took.
    """

    state: str
    error: str = ""
    sha256: str = ""
    staged: str = ""
    files: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: float = 0.0


def run_job(job: Job, progress: Progress) -> Outcome:
    """Make the take of a clip in a new folder inside ``job.staging``.

    Parameters
    ----------
    job : Job
        The clip.
    progress : callable
        Called with stage, frames done and number of frames.

    Returns
    -------
    Outcome
        A MocapError becomes its error; other exceptions, which are bugs, are raised.
    """
    begin, staged = time.perf_counter(), secrets.token_hex(6)
    staging = local_path(job.staging) / staged
    sha256 = ""
    try:
        _require_same_program(job)
        sha256 = _sha256(local_path(job.source))
        take, grade = _make_take(job, staging, progress)
        files = {path.name: _sha256(path) for path in sorted(staging.iterdir())}
    except MocapError as error:
        shutil.rmtree(staging, ignore_errors=True)
        state = "blocked" if isinstance(error, OutputError) else "failed"
        return Outcome(state, one_line(str(error)), sha256, seconds=time.perf_counter() - begin)
    state = "below" if grade else "done"
    return Outcome(state, grade, take.source.sha256, staged, files, take.frames, time.perf_counter() - begin)


def _make_take(job: Job, staging: Path, progress: Progress) -> tuple[Take, str]:
    """The take, with its files in ``staging``, and the limits that it does not meet ("" for none)."""
    from mocap.app import outputs, process
    from mocap.report.quality import marked

    settings, source = TakeSettings().changed(job.settings), local_path(job.source)
    wanted, target = settings.output, staging / f"{job.take}.{settings.output.format}"
    _make_folder(staging)
    take = process.process(source, settings.capture, progress=progress, networks=_kept_networks)
    take, shortfalls = marked(take, wanted.fail_on)
    outputs.write_take(take, target, units=wanted.units)
    if preview := wanted.file("preview", target):
        from mocap.report.preview import write_preview

        write_preview(take, source, preview, progress=progress)
    if plot := wanted.file("plot", target):
        outputs.write_plot(take, plot)
    if wanted.report:
        _write_reports(take, source, staging / job.take, wanted.fail_on, progress)
    return take, "; ".join(shortfalls)


def _write_reports(take: Take, clip: Path, stem: Path, fail_on: str, progress: Progress) -> None:
    from mocap.report.page import write_report, write_worst_image
    from mocap.report.thresholds import MEASURES, parse

    limits = parse(fail_on) if fail_on else MEASURES
    page, figures, image = (stem.with_name(f"{stem.name}_report{suffix}") for suffix in (".html", ".json", ".jpg"))
    write_report(take, page, clip=clip, limits=limits, progress=progress)
    write_report(take, figures, limits=limits)
    write_worst_image(take, clip, image)


def _kept_networks(settings: CaptureSettings) -> Networks:
    """The networks of these settings, loaded once in each process."""
    return _networks(settings.estimator, settings.device)


@cache
def _networks(estimator: str, device: str) -> Networks:
    from mocap.app.process import load_networks
    from mocap.app.settings import CaptureSettings

    return load_networks(CaptureSettings(estimator=estimator, device=device))


def _require_same_program(job: Job) -> None:
    if job.program != program_digest():
        raise OutputError(
            "this worker has another version of mocap, its networks or libraries than the batch; install the same"
        )


def _make_folder(staging: Path) -> None:
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {staging.parent}: {error.strerror}; free some space or change its permissions"
        ) from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MocapError(f"cannot read {path}: {error.strerror}") from error


def local_path(path: str) -> Path:
    """Translate a path of the batch to this machine.

    Parameters
    ----------
    path : str
        As on the machine that runs the batch.

    Returns
    -------
    Path
        With its beginning replaced as the environment variable MOCAP_PATHS says.
    """
    for pair in filter(None, os.environ.get(PATHS_VARIABLE, "").split(os.pathsep)):
        theirs, _, ours = pair.partition("=")
        if Path(path).is_relative_to(theirs):
            return Path(ours) / Path(path).relative_to(theirs)
    return Path(path)


def as_json(value: Job | Outcome) -> dict[str, Any]:
    """A job or an outcome as JSON values."""
    return asdict(value)
