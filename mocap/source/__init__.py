"""Reading and writing video: upright RGB frames at a constant, exact frame rate, and H.264 files.

Frame n of a ``Video`` is the image recorded ``n / fps`` seconds after the first one. This holds for every kind of clip:
with a rotation tag, a variable frame rate, 10 bit, HDR, odd sizes or non-square pixels. Variable frame rates are
resampled only here. A folder of images is a source of frames, too (``FrameSource``).

In this package a *stored frame* is one image of the file; an *output frame* is one of the resampled frames.
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
