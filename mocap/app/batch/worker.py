"""A worker process: reads jobs from stdin and writes progress and outcomes to stdout, one JSON object per line.

It ends when its stdin is closed, or when the program that started it ends. If it crashes, for example without memory,
only its current job is lost.
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
    """Run jobs until the input ends.

    Parameters
    ----------
    jobs : text file
        One job per line, as JSON.
    events : text file
        Progress and outcomes are written here, as lines of JSON.
    """

    def report(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    for line in jobs:
        outcome = run_job(Job(**json.loads(line)), _Throttle(report))
        report({"event": "outcome", **as_json(outcome)})


class _Throttle:
    """Reports progress as events: at most four per second, and at every change of stage."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report, self._stage, self._last = report, "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now - self._last >= REPORT_INTERVAL_S:
            self._stage, self._last = stage, now
            self._report({"event": "progress", "stage": stage, "done": done, "total": total})


class Worker:
    """A worker process, as the program that starts it uses it.

    Parameters
    ----------
    log : Path
        File for the process's stderr.
    events : SimpleQueue
        Gets (worker, event). The last event of a job is its outcome, also if the process crashes.
    threads : int
        Threads of the process.
    """

    def __init__(self, log: Path, events: SimpleQueue[tuple[Worker, Event]], *, threads: int) -> None:
        self._log, self._events, self._lock = log, events, threading.Lock()
        self.is_alive, self._is_busy, self._reason = True, False, ""
        self._process = _start(log, threads)
        threading.Thread(target=self._listen, name=log.stem, daemon=True).start()

    def send(self, job: Job) -> None:
        """Start a job; the worker runs one at a time."""
        with self._lock:
            self._is_busy = self.is_alive
        if not self._is_busy:
            self._report_crash("the worker had ended before")
            return
        assert self._process.stdin is not None
        with suppress(OSError):  # it has crashed: the listener reports that
            self._process.stdin.write(json.dumps(as_json(job)) + "\n")
            self._process.stdin.flush()

    def end(self, why: str = "") -> None:
        """Kill the process and wait for its end. why: the error to report for its job."""
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
            self._report_crash(self._reason or f"the worker ended during this clip ({self._why(code)})")

    def _report_crash(self, error: str) -> None:
        self._events.put((self, {"event": "outcome", **as_json(Outcome("crashed", error))}))

    def _why(self, code: int) -> str:
        if code < 0:
            return f"signal {-code}{', out of memory perhaps' if code == -signal.SIGKILL else ''}"
        lines = self._log.read_text(errors="replace").split("\n") if self._log.is_file() else []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f"exit status {code}: {last.strip()}; see {self._log}"


def _start(log: Path, threads: int) -> subprocess.Popen[str]:
    """Start the process. It ignores Ctrl-C, which its parent handles. -P: import this program, even if the working
    folder contains something else named mocap."""
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "PYTHONUTF8": "1"}
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None  # a child inherits this
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
            signal.signal(signal.SIGINT, handler)


def main() -> None:
    """Serve jobs. stdout is used only for events; all other output goes to stderr."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as events:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            serve(sys.stdin, events)
        except BrokenPipeError:  # the program that started it has ended
            os._exit(1)


if __name__ == "__main__":
    main()
