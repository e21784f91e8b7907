"""What a command costs: seconds on the wall, seconds of processors, peak memory."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Run:
    """One run of a command, start-up and end included. peak_mb: its resident memory at most, MB (10^6 bytes)."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str | Path], *, log: Path) -> Run:
    """The cost of a command; its output goes to ``log``. Raises CalledProcessError if it fails.

    Call it from a small process: on Linux a child's peak memory begins with that of the process that starts it.
    """
    with log.open("w") as output:
        start = perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output=log.read_text()[-2000:])
    kilobytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return Run(wall_s, usage.ru_utime + usage.ru_stime, kilobytes * 1.024e-3)


def in_turns(commands: Mapping[str, Sequence[str | Path]], rounds: int, *, logs: Path) -> dict[str, list[Run]]:
    """Runs of several commands by name, A B A B …, so that a machine's moods meet them all alike."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command, log=logs / f"{name.replace(' ', '_')}.log"))
            latest = runs[name][-1]
            print(f"round {number + 1}, {name}: {latest.wall_s:.1f} s, {latest.cpu_s:.1f} s of CPU", file=sys.stderr)
    return runs


def table(runs: dict[str, list[Run]], frames: int) -> str:
    """The runs as Markdown: best and median of each command, for ``frames`` frames; the first one is the measure."""
    lines = [
        "| | best s | median s | best CPU s | median CPU s | ms a frame | times as fast | by CPU | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    base = next(iter(runs.values()))
    for name, own in runs.items():
        walls, cpus = [r.wall_s for r in own], [r.cpu_s for r in own]
        faster = min(r.wall_s for r in base) / min(walls), min(r.cpu_s for r in base) / min(cpus)
        seconds = f"{min(walls):.1f} | {median(walls):.1f} | {min(cpus):.1f} | {median(cpus):.1f}"
        ratios = f"{1000 * min(walls) / frames:.1f} | {faster[0]:.2f} | {faster[1]:.2f}"
        lines.append(f"| {name} | {seconds} | {ratios} | {max(r.peak_mb for r in own):.0f} |")
    return "\n".join(lines)


def machine() -> str:
    """Processor, cores that may be used, load before the run, system and Python, in a line."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"load {os.getloadavg()[0]:.1f} before the run; " if hasattr(os, "getloadavg") else ""
    return f"{processor}, {cores} cores; {load}{platform.system()}, Python {platform.python_version()}"
