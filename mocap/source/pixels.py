"""Convert a decoded frame to upright 8-bit RGB with square pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (height, width, 3), RGB

_PQ, _HLG = 16, 18  # transfer characteristics, ITU-T H.273 table 3
_UNSPECIFIED = 2
_REFERENCE_WHITE_NITS = 203.0  # ITU-R BT.2408: diffuse white in HDR
_PEAK_NITS = 1000.0
_ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True)
class Orientation:
    """How a stored frame becomes upright: rotate counter-clockwise by 0, 90, 180 or 270°, then mirror if set."""

    degrees: int = 0
    is_mirrored: bool = False


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The orientation in a frame's display matrix, rounded to a multiple of 90°.

    Convention: output x = a·x + c·y and output y = b·x + d·y, y down, as in ISO/IEC 14496-12 (matrix a b u c d v …).
    A rotation by 90° counter-clockwise is a = 0, b = −1, c = 1, d = 0.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].astype(float)
    is_mirrored = a * d - b * c < 0
    degrees = np.degrees(np.arctan2(-b, -a if is_mirrored else a))
    return Orientation(round(degrees / 90) * 90 % 360, bool(is_mirrored))


def square_size(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Image size with square pixels; neither side gets smaller.

    Parameters
    ----------
    width, height : int
        Stored pixels.
    aspect : float
        Width of a stored pixel divided by its height.

    Returns
    -------
    tuple of int
        Width and height in pixels.
    """
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def upright_rgb(frame: av.VideoFrame, stored_size: tuple[int, int], orientation: Orientation) -> Image:
    """Convert a decoded frame.

    Parameters
    ----------
    frame : av.VideoFrame
        The decoded frame.
    stored_size : tuple of int
        Width and height with square pixels, before rotation.
    orientation : Orientation
        Applied after scaling.

    Returns
    -------
    array (height, width, 3)
        RGB uint8, contiguous, upright.
    """
    if frame.color_trc in (_PQ, _HLG):
        image = tone_map(_rgb(frame, stored_size, "rgb48le"), frame.color_trc)
    else:
        image = _rgb(frame, stored_size, "rgb24")
    if orientation.degrees:
        image = np.asarray(cv2.rotate(image, _ROTATIONS[orientation.degrees]), np.uint8)
    if orientation.is_mirrored:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _rgb(frame: av.VideoFrame, size: tuple[int, int], pixel_format: str) -> NDArray[Any]:
    # Files without a colour matrix: players use BT.709 for HD and BT.601 below; swscale would use BT.601 for all.
    is_unnamed_hd = frame.colorspace == _UNSPECIFIED and frame.height >= 720
    matrix = "ITU709" if is_unnamed_hd else None
    converted = frame.reformat(*size, format=pixel_format, src_colorspace=matrix, interpolation="BICUBIC")
    return np.asarray(converted.to_ndarray())


def tone_map(image: NDArray[np.uint16], transfer: int) -> Image:
    """Convert an HDR image to 8-bit RGB, with the same curve for each channel.

    Parameters
    ----------
    image : array of uint16
        HDR image (PQ or HLG).
    transfer : int
        Transfer characteristics by ITU-T H.273: 16 (PQ) or 18 (HLG).

    Returns
    -------
    array of uint8
        Of the same shape.

    Notes
    -----
    Display light is taken relative to a diffuse white of 203 nits and compressed so that 1000 nits is full scale
    (Reinhard et al., "Photographic Tone Reproduction for Digital Images", 2002, eq. 4), then raised to the sRGB-like
    power 1/2.2. Wide-gamut primaries are not converted: colours become a little pale, which does not disturb the pose
    networks.
    """
    return _tone_curve(transfer)[image]


@lru_cache(maxsize=2)
def _tone_curve(transfer: int) -> Image:
    signal = np.arange(65536) / 65535.0
    nits = _pq_to_nits(signal) if transfer == _PQ else _hlg_to_nits(signal)
    light, peak = nits / _REFERENCE_WHITE_NITS, _PEAK_NITS / _REFERENCE_WHITE_NITS
    compressed = light * (1 + light / peak**2) / (1 + light)
    return np.asarray(np.round(255 * np.clip(compressed, 0, 1) ** (1 / 2.2)).astype(np.uint8))


def _pq_to_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, equation 4.1."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    return np.asarray(10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def _hlg_to_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100, table 5, for a display of 1000 nits (system gamma 1.2, taken per channel)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return _PEAK_NITS * scene**1.2
