"""Run jobs on many machines: the workers of a running Dask scheduler (extra ``cluster``)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from mocap.app.batch.job import Job, Outcome, as_json
from mocap.app.batch.local import core_count
from mocap.app.batch.worker import Event, Worker
from mocap.model.errors import MocapError

CONNECT_S = 5
ALLOWED_LOSSES = 3  # of workers during one job; after that the job is taken to be the cause
GPU = {"GPU": 1}  # required of workers for jobs on an accelerator: dask worker --resources "GPU=1"


class DaskEngine:
    """Runs jobs on a Dask cluster.

    Parameters
    ----------
    scheduler : str
        Address of the Dask scheduler.
    timeout_s : float or None
        Longest time for a job, in seconds.

    Raises
    ------
    MocapError
        If Dask is not installed, or the scheduler cannot be reached.

    Notes
    -----
    Every Dask worker runs jobs in a separate process, which keeps the networks loaded. That process can be stopped when
    a job takes too long, and if it crashes the Dask worker continues. Jobs of a lost worker are given to another.
    """

    def __init__(self, scheduler: str, *, timeout_s: float | None) -> None:
        self._client = _connect(scheduler)
        self._timeout_s = timeout_s
        self._outcomes: SimpleQueue[tuple[Job, Any]] = SimpleQueue()
        self._futures: dict[str, Any] = {}

    def submit(self, job: Job) -> None:
        """See ``Engine``."""
        resources = GPU if job.settings["device"] in ("cuda", "mps") else None
        future = self._client.submit(run_on_worker, as_json(job), self._timeout_s, pure=False, resources=resources)
        self._futures[job.clip] = future
        future.add_done_callback(lambda finished: self._outcomes.put((job, finished)))

    def next_event(self, timeout_s: float) -> tuple[str, Event] | None:
        """See ``Engine``. Dask reports only the end of a job, not its progress."""
        try:
            job, future = self._outcomes.get(timeout=timeout_s)
        except Empty:
            self._require_scheduler()
            return None
        del self._futures[job.clip]
        return job.clip, {"event": "outcome", **self._outcome(future)}

    def close(self) -> None:
        """See ``Engine``."""
        self._client.cancel(list(self._futures.values()), force=True)
        self._client.close(timeout=CONNECT_S)

    def _outcome(self, future: Any) -> dict[str, Any]:
        if future.status == "finished":
            return future.result()  # type: ignore[no-any-return]
        self._require_scheduler()
        why = future.exception(timeout=CONNECT_S) if future.status == "error" else "it was cancelled in the cluster"
        return as_json(Outcome("crashed", f"the cluster gave up this clip: {why}"))

    def _require_scheduler(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise MocapError(
                "the scheduler has stopped; start it again, then the batch, which continues where it stopped"
            )


def _connect(scheduler: str) -> Any:
    try:
        from dask import config
        from distributed import Client
    except ImportError as error:
        raise MocapError("--engine dask needs Dask: pip install 'opentake[cluster]'") from error
    config.set({"distributed.scheduler.allowed-failures": ALLOWED_LOSSES})
    try:
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0] or "no answer"
        raise MocapError(
            f"the scheduler {scheduler} cannot be reached: {reason}; start it with `dask scheduler`"
        ) from error


_kept = threading.local()  # one worker for each thread of the Dask worker


def run_on_worker(job: dict[str, Any], timeout_s: float | None) -> dict[str, Any]:
    """Run a job; called in the Dask worker.

    Parameters
    ----------
    job : dict
        The fields of a ``Job``.
    timeout_s : float or None
        Longest time, in seconds.

    Returns
    -------
    dict
        The fields of an ``Outcome``.
    """
    from distributed import get_worker

    if getattr(_kept, "worker", None) is None or not _kept.worker.is_alive:
        dask_worker = get_worker()
        threads = int(os.environ.get("MOCAP_THREADS") or max(1, core_count() // dask_worker.state.nthreads))
        log = Path(dask_worker.local_directory) / f"mocap-{threading.get_ident()}.log"
        _kept.events = SimpleQueue()
        _kept.worker = Worker(log, _kept.events, threads=threads)
    _kept.worker.send(Job(**job))
    return _await_outcome(_kept.worker, _kept.events, timeout_s)


def _await_outcome(
    worker: Worker, events: SimpleQueue[tuple[Worker, Event]], timeout_s: float | None
) -> dict[str, Any]:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        try:
            _, event = events.get(timeout=None if deadline is None else max(0.01, deadline - time.monotonic()))
        except Empty:
            worker.end(f"it took longer than --timeout {timeout_s:g} s")
            deadline = None
            continue
        if event.pop("event") == "outcome":
            return event
