"""Video in and out: upright RGB frames at a constant, exact rate, and H.264 files.

Whatever the clip holds (rotation tag, variable rate, 10 bit, HDR, odd sizes, non-square pixels), frame n of a
``Video`` is what the camera saw at ``n / fps`` seconds after its first picture. Variable rate is resampled here and
nowhere else. A folder of images is a source of frames, too (``FrameSource``).
"""

from mocap.source.frames import FrameSource, open_source
from mocap.source.images import ImageFolder
from mocap.source.prefetch import prefetch
from mocap.source.probing import VideoInfo, probe, sha256_of
from mocap.source.reading import Video, read_frames
from mocap.source.seeking import FrameReader
from mocap.source.writing import VideoWriter

__all__ = [
    "FrameReader",
    "FrameSource",
    "ImageFolder",
    "Video",
    "VideoInfo",
    "VideoWriter",
    "open_source",
    "prefetch",
    "probe",
    "read_frames",
    "sha256_of",
]
