"""Run jobs on this machine: worker processes that divide its cores between them."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from mocap.app.batch.job import Job
from mocap.app.batch.worker import Event, Worker


class Engine(Protocol):
    """The interface of everything that runs jobs."""

    def submit(self, job: Job) -> None:
        """Queue a job; it runs when a worker is free."""
        ...

    def next_event(self, timeout_s: float) -> tuple[str, Event] | None:
        """Wait for the next event: its clip and the event (``worker.Event``), or None after ``timeout_s`` seconds."""
        ...

    def close(self) -> None:
        """Stop all work immediately."""
        ...


def core_count() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """Runs jobs in worker processes, which are started when they are needed.

    Parameters
    ----------
    logs : Path
        Folder for the workers' log files.
    workers : int
        Most processes at a time.
    timeout_s : float or None
        Longest time for a job, in seconds.
    """

    def __init__(self, logs: Path, *, workers: int, timeout_s: float | None) -> None:
        self._logs, self._count, self._timeout_s = logs, workers, timeout_s
        self._threads = max(1, core_count() // workers)
        self._events: SimpleQueue[tuple[Worker, Event]] = (
            SimpleQueue()
        )  # unlike Queue it can be interrupted by Ctrl-C at any moment
        self._waiting: deque[Job] = deque()
        self._jobs: dict[Worker, tuple[Job, float]] = {}  # with the start time
        self._idle: list[Worker] = []
        self._started = 0

    def submit(self, job: Job) -> None:
        """See ``Engine``."""
        self._waiting.append(job)
        self._fill()

    def next_event(self, timeout_s: float) -> tuple[str, Event] | None:
        """See ``Engine``."""
        self._end_late_ones()
        try:
            worker, event = self._events.get(timeout=timeout_s)
        except Empty:
            return None
        job, _ = self._jobs[worker]
        if event["event"] == "outcome":
            del self._jobs[worker]
            if event["state"] != "crashed":
                self._idle.append(worker)
            self._fill()
        return job.clip, event

    def close(self) -> None:
        """See ``Engine``."""
        for worker in [*self._jobs, *self._idle]:
            worker.end()

    def _fill(self) -> None:
        self._idle = [worker for worker in self._idle if worker.is_alive]
        while self._waiting and len(self._jobs) < self._count:
            worker = self._idle.pop() if self._idle else self._start()
            job = self._waiting.popleft()
            self._jobs[worker] = job, time.monotonic()
            worker.send(job)

    def _start(self) -> Worker:
        self._started += 1
        return Worker(self._logs / f"worker-{self._started}.log", self._events, threads=self._threads)

    def _end_late_ones(self) -> None:
        for worker, (_, begin) in self._jobs.items():
            if self._timeout_s and time.monotonic() - begin > self._timeout_s and worker.is_alive:
                worker.end(f"it took longer than --timeout {self._timeout_s:g} s")
