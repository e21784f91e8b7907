"""The convolutions of a TensorFlow Lite file, as arrays: what is needed to carry weights over, nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

STORED_TYPES: dict[int, str] = {tflite.TensorType.FLOAT32: "<f4", tflite.TensorType.FLOAT16: "<f2"}
INDEX_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}
CONVOLUTIONS = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D)
PASSED_THROUGH = (tflite.BuiltinOperator.DEQUANTIZE, tflite.BuiltinOperator.DENSIFY)


@dataclass(frozen=True, eq=False)
class Convolution:
    """weight: (out, in, h, w), or (channels, 1, h, w) where each channel has its own filter. bias: (out,)."""

    weight: NDArray[np.floating]
    bias: NDArray[np.floating]


class TfliteFile:
    """A parsed flatbuffer of one subgraph."""

    def __init__(self, content: bytes) -> None:
        self.model = tflite.Model.GetRootAsModel(content, 0)
        self.graph = self.model.Subgraphs(0)
        self.source_of = self._sources()

    def convolutions(self) -> list[Convolution]:
        """The convolutions in the order in which the file runs them."""
        return [self._convolution(operator) for operator in self._operators() if self._code(operator) in CONVOLUTIONS]

    def _operators(self) -> list[Any]:
        return [self.graph.Operators(i) for i in range(self.graph.OperatorsLength())]

    def _code(self, operator: Any) -> int:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        return max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # small codes are stored in either field

    def _sources(self) -> dict[int, int]:
        """The tensor behind each that is merely unpacked from it."""
        unpacked = (operator for operator in self._operators() if self._code(operator) in PASSED_THROUGH)
        return {operator.Outputs(0): operator.Inputs(0) for operator in unpacked}

    def _convolution(self, operator: Any) -> Convolution:
        weight, bias = (self._constant(operator.Inputs(i)) for i in (1, 2))
        is_depthwise = self._code(operator) == tflite.BuiltinOperator.DEPTHWISE_CONV_2D
        # TensorFlow Lite keeps (1, h, w, channels) for depthwise filters, (out, h, w, in) for the others
        order = (3, 0, 1, 2) if is_depthwise else (0, 3, 1, 2)
        return Convolution(np.ascontiguousarray(weight.transpose(order)), bias)

    def _constant(self, index: int) -> NDArray[np.floating]:
        while index in self.source_of:
            index = self.source_of[index]
        tensor = self.graph.Tensors(index)
        content = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        values = np.frombuffer(content, STORED_TYPES[tensor.Type()])
        shape = tuple(tensor.ShapeAsNumpy())
        return _dense(tensor.Sparsity(), values, shape) if tensor.Sparsity() else values.reshape(shape)


def _dense(sparsity: Any, values: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.floating]:
    """A tensor whose last axis is stored as compressed rows."""
    last = sparsity.DimMetadata(sparsity.DimMetadataLength() - 1)
    starts = _indices(last.ArraySegmentsType(), last.ArraySegments())
    columns = _indices(last.ArrayIndicesType(), last.ArrayIndices())
    dense = np.zeros((len(starts) - 1, shape[-1]), values.dtype)
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    dense[rows, columns] = values
    return dense.reshape(shape)


def _indices(vector_type: int, table: Any) -> NDArray[np.int64]:
    vector = INDEX_VECTORS[vector_type]()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy().astype(np.int64)
