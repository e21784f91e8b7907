"""Inference on the CPU through OpenVINO. Torch is imported for networks without a graph file alone, once."""

from __future__ import annotations

import io
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mocap.estimate.compiled_cache import cache_key, read_cached, write_cached
from mocap.estimate.devices import require_torch
from mocap.estimate.graphs import read_graph, traced
from mocap.estimate.networks import source_files
from mocap.estimate.runtime import Image, Outputs
from mocap.io.weights import check_model, read_card
from mocap.model.errors import MocapError

if TYPE_CHECKING:
    import openvino

THREADS_VARIABLE = "MOCAP_THREADS"
REQUESTS_PER_STREAM = 2  # one runs while the next waits with its input in place


def import_openvino() -> Any:
    """The openvino package, imported so that it reports nothing to anybody.

    Its converter sends usage statistics unless the user has opted out, already when it is imported. It does without
    where its telemetry package is not installed; to this process it is not. The user's own setting is neither read
    nor changed. In a program that imported OpenVINO before, that program has chosen.
    """
    if "openvino.tools.ovc" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


def core_count() -> int:
    """Cores this process may use: $MOCAP_THREADS where processes share a machine, else all that the system gives it."""
    if given := os.environ.get(THREADS_VARIABLE):
        if not given.isdecimal() or int(given) < 1:
            raise MocapError(f"{THREADS_VARIABLE} is '{given}'; set it to a number of cores, 1 or more, or unset it")
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compile_options() -> dict[str, Any]:
    """How networks are compiled.

    float32, since by itself OpenVINO takes bfloat16 where it can, which moves landmarks by up to 12 of 256 pixels.
    One single-threaded stream a core: the most images a second, and each image's arithmetic is one thread's, so that
    the bits do not depend on the number of cores. Threads are not pinned, so that processes can share a machine.
    """
    cores = core_count()
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": cores,
        "INFERENCE_NUM_THREADS": cores,
        "ENABLE_CPU_PINNING": False,
    }


class OpenVinoNetwork:
    """A network compiled for the CPU; several images are in flight at once."""

    def __init__(self, name: str) -> None:
        self._compiled = _load(name)
        self.image_size = int(self._compiled.inputs[0].shape[1])
        self._names = [output.get_any_name() for output in self._compiled.outputs]
        count = REQUESTS_PER_STREAM * core_count()
        self._requests = [self._compiled.create_infer_request() for _ in range(count)]

    def infer_many(self, images: Iterable[Image]) -> Iterator[Outputs]:
        """Outputs of each image, in order; see ``Network.infer_many``. One call at a time."""
        idle = list(self._requests)
        running: list[openvino.InferRequest] = []
        try:
            for image in images:
                if not idle:
                    idle.append(running.pop(0))
                    yield self._finish(idle[-1])
                running.append(idle.pop())
                running[-1].start_async({0: image[None]})
            while running:
                yield self._finish(running.pop(0))
        finally:
            for request in running:
                request.wait()

    def _finish(self, request: openvino.InferRequest) -> Outputs:
        request.wait()
        return {name: request.get_output_tensor(i).data[0].copy() for i, name in enumerate(self._names)}


@cache
def _core() -> Any:
    """The one OpenVINO core of this process, kept to its end.

    Each core's CPU plugin gives the thread a stack for signals, and takes it back when it goes. Where two went in the
    order of their coming, the first one's, long freed, came back: the next signal, Ctrl-C say, then ended the process
    with a segmentation fault.
    """
    return import_openvino().Core()


def _load(name: str) -> Any:
    """The compiled network, from the cache if it is there and whole.

    A fresh one goes through the same export and import as a cached one, so that the first run equals the later ones.
    """
    ov = import_openvino()
    core = _core()
    options = compile_options()
    key = _cache_key(ov.get_version(), core.get_property("CPU", "FULL_DEVICE_NAME"), options, name)
    if (cached := read_cached(key)) is not None:
        try:
            return core.import_model(io.BytesIO(cached), "CPU", options)
        except RuntimeError:
            pass  # written by another build after all: compile anew
    exported = io.BytesIO()
    core.compile_model(_model(ov, core, name), "CPU", options).export_model(exported)
    write_cached(key, exported.getvalue())
    return core.import_model(io.BytesIO(exported.getvalue()), "CPU", options)


def _cache_key(version: str, cpu: str, options: dict[str, Any], name: str) -> str:
    """Changes with the verified weights and graph and with whatever else goes into a compiled network."""
    check_model(name)
    card = read_card(name)
    parts = (card.sha256, card.graph_sha256, version, platform.machine(), cpu, repr(sorted(options.items())))
    here = Path(__file__)
    sources = [here, here.with_name("graphs.py")]
    if not card.graph_file:
        sources += [*source_files(card.network), here.with_name("modules.py")]
    return cache_key(name, parts, sources)


def _model(ov: Any, core: Any, name: str) -> Any:
    """The OpenVINO model of a network: from its graph file, or traced from its torch module where it has none."""
    if read_card(name).graph_file:
        return read_graph(ov, core, name)
    require_torch(f"the network {name}")
    from mocap.estimate.modules import load_capture_module

    return traced(ov, load_capture_module(name))
