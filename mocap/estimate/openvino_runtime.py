"""Inference on the CPU through OpenVINO. A warm start, from the cache, imports no torch."""

from __future__ import annotations

import io
import os
import platform
import sys
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mocap.estimate.compiled_cache import cache_key, read_cached, write_cached
from mocap.estimate.networks import source_files
from mocap.estimate.runtime import Image, Outputs
from mocap.io.weights import read_card, weights_file
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
    core.compile_model(_convert(ov, name), "CPU", options).export_model(exported)
    write_cached(key, exported.getvalue())
    return core.import_model(io.BytesIO(exported.getvalue()), "CPU", options)


def _cache_key(version: str, cpu: str, options: dict[str, Any], name: str) -> str:
    """Changes with the verified weights and with whatever else goes into a compiled network."""
    weights_file(name)
    parts = (read_card(name).sha256, version, platform.machine(), cpu, repr(sorted(options.items())))
    here = Path(__file__)
    return cache_key(name, parts, [*source_files(), here, here.with_name("modules.py")])


def _convert(ov: Any, name: str) -> Any:
    """The OpenVINO model of a network: takes (1, size, size, 3) uint8 and scales it to 0..1 itself."""
    import torch

    from mocap.estimate.modules import load_capture_module

    module = load_capture_module(name)
    example = torch.zeros(1, 3, module.image_size, module.image_size)
    with warnings.catch_warnings():  # tracing is deprecated, but converts in a third of the time of torch.export
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(module, example, check_trace=False)
    model = ov.convert_model(traced, example_input=example)
    model.reshape(list(example.shape))
    for output, output_name in zip(model.outputs, module.output_names):
        output.get_tensor().set_names({output_name})
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    steps.input().model().set_layout(ov.Layout("NCHW"))
    return steps.build()
