"""A worker: a process that takes jobs on stdin and tells on stdout how they go, a JSON object a line.

It ends with its stdin, or with the program that started it. A crash of its own, out of memory say, takes one job with
it and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from mocap.app.batch.job import Job, Outcome, as_json, run_job

REPORT_INTERVAL_S = 0.25
THREAD_VARIABLES = ("MOCAP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Event = dict[str, Any]  # {"event": "progress", stage, done, total} or {"event": "outcome", and an Outcome's fields}


def serve(jobs: IO[str], events: IO[str]) -> None:
    """Do each job that comes, a line of JSON, and tell its progress and outcome in lines of JSON."""

    def tell(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    for line in jobs:
        outcome = run_job(Job(**json.loads(line)), _Throttle(tell))
        tell({"event": "outcome", **as_json(outcome)})


class _Throttle:
    """Progress as events, four a second at most and at every change of stage."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell, self._stage, self._last = tell, "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now - self._last >= REPORT_INTERVAL_S:
            self._stage, self._last = stage, now
            self._tell({"event": "progress", "stage": stage, "done": done, "total": total})


class Worker:
    """A worker process, seen from outside. Events land in ``events`` as (worker, event); an outcome is the last of a
    job's, also where the process dies."""

    def __init__(self, log: Path, events: SimpleQueue[tuple[Worker, Event]], *, threads: int) -> None:
        self._log, self._events, self._lock = log, events, threading.Lock()
        self.is_alive, self._is_busy, self._reason = True, False, ""
        self._process = _start(log, threads)
        threading.Thread(target=self._listen, name=log.stem, daemon=True).start()

    def send(self, job: Job) -> None:
        """Begin a job; one at a time."""
        with self._lock:
            self._is_busy = self.is_alive
        if not self._is_busy:
            self._tell_crash("the worker had ended before")
            return
        assert self._process.stdin is not None
        with suppress(OSError):  # it died in between: the listener tells
            self._process.stdin.write(json.dumps(as_json(job)) + "\n")
            self._process.stdin.flush()

    def end(self, why: str = "") -> None:
        """End the process at once, and wait for it. why: what to tell of its job."""
        self._reason = why
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            with self._lock:
                self._is_busy &= event["event"] != "outcome"
            self._events.put((self, event))
        code = self._process.wait()
        with self._lock:
            self.is_alive, was_busy = False, self._is_busy
        if was_busy:
            self._tell_crash(self._reason or f"the worker ended in the middle of it ({self._why(code)})")

    def _tell_crash(self, error: str) -> None:
        self._events.put((self, {"event": "outcome", **as_json(Outcome("crashed", error))}))

    def _why(self, code: int) -> str:
        if code < 0:
            return f"signal {-code}{', out of memory perhaps' if code == -signal.SIGKILL else ''}"
        lines = self._log.read_text(errors="replace").split("\n") if self._log.is_file() else []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f"exit status {code}: {last.strip()}; see {self._log}"


def _start(log: Path, threads: int) -> subprocess.Popen[str]:
    """The process: deaf to Ctrl-C, which its parent hears and passes on as it sees fit. -P: it is this program,
    whatever else is called mocap in the working folder."""
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONUTF8": "1"}
    is_main = threading.current_thread() is threading.main_thread()
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None  # a child inherits deafness
    try:
        with log.open("w") as errors:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "mocap.app.batch.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env=environment,
            )
    finally:
        if is_main:
            signal.signal(signal.SIGINT, heard)


def main() -> None:
    """Serve, with stdout kept for events alone: whatever else prints goes to stderr."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as events:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            serve(sys.stdin, events)
        except BrokenPipeError:  # whoever started it is gone
            os._exit(1)


if __name__ == "__main__":
    main()
