"""BVH files as other programs write them: small ones of every kind, each with what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 1 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 0.2 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT Head
    {
      OFFSET 0.1 0.3 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 0.3 0
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 1 0 0 0 0 0 0 0 10 20 30
0.5 1 0 90 0 0 0 45 0 -30 -20 -10
"""
SIX = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"


@dataclass(frozen=True)
class Kind:
    """A way to write SMALL. encoding: of its bytes. names: of its joints as read. warns: words of the warning."""

    change: Callable[[str], str] = str
    encoding: str = "utf-8"
    names: tuple[str, ...] = ("Hips", "Spine", "Head")
    warns: str = ""

    def content(self) -> bytes:
        """The bytes of the file."""
        return self.change(SMALL).encode(self.encoding)


def _renamed(name: str) -> Callable[[str], str]:
    return lambda text: text.replace("JOINT Spine", f"JOINT {name}")


def _with_six_channels(text: str) -> str:
    text = text.replace("CHANNELS 3 Zrotation Xrotation Yrotation", SIX)
    text = text.replace("0 0 0 10 20 30", "0 0.2 0 0 0 0 0.1 0.3 0 10 20 30")
    return text.replace("0 45 0 -30 -20 -10", "0 0.2 0 0 45 0 0.1 0.3 0 -30 -20 -10")


READ: dict[str, Kind] = {
    "plain": Kind(),
    "names with spaces": Kind(_renamed("Bip01  Spine"), names=("Hips", "Bip01_Spine", "Head")),
    "names with a colon": Kind(_renamed("mixamorig:Spine"), names=("Hips", "mixamorig:Spine", "Head")),
    "a name twice": Kind(_renamed("Head"), names=("Hips", "Head", "Head.001")),
    "Frames without a space": Kind(lambda text: text.replace("Frames: 2", "Frames:2").replace("Time: ", "Time:")),
    "Frames without a colon": Kind(lambda text: text.replace("Frames: 2", "Frames 2").replace("Time: ", "Time ")),
    "lower case": Kind(lambda text: text.lower(), names=("hips", "spine", "head")),
    "upper case": Kind(lambda text: text.upper(), names=("HIPS", "SPINE", "HEAD")),
    "brace on the joint's line": Kind(lambda text: text.replace("\n{", "{").replace("Spine\n  {", "Spine{")),
    "a frame more than declared": Kind(lambda text: text + "1 2 3 4 5 6 7 8 9 10 11 12\n", warns="left out"),
    "two frames more": Kind(lambda text: text + 2 * "1 2 3 4 5 6 7 8 9 10 11 12\n", warns="left out"),
    "channels miscounted": Kind(lambda text: text.replace("CHANNELS 3", "CHANNELS 4", 1), warns="line 9: CHANNELS"),
    "Shift-JIS": Kind(_renamed("上半身"), encoding="cp932", names=("Hips", "上半身", "Head")),
    "Latin-1": Kind(_renamed("Rücken"), encoding="latin-1", names=("Hips", "Rücken", "Head")),
    "UTF-8": Kind(_renamed("上半身"), names=("Hips", "上半身", "Head")),
    "byte order mark": Kind(encoding="utf-8-sig"),
    "UTF-16 with its mark": Kind(_renamed("Rücken"), encoding="utf-16", names=("Hips", "Rücken", "Head")),
    "UTF-16 without a mark": Kind(encoding="utf-16-le"),
    "CR": Kind(lambda text: text.replace("\n", "\r")),
    "CRLF": Kind(lambda text: text.replace("\n", "\r\n")),
    "tabs": Kind(lambda text: text.replace("  ", "\t").replace(" ", "\t").replace("End\tSite", "End Site")),
    "blank lines": Kind(lambda text: "\n \n" + text.replace("\n", "\n\n\t\n")),
    "no last line end": Kind(str.rstrip),
    "six channels a joint": Kind(_with_six_channels),
    "small numbers": Kind(lambda text: text.replace("0.5 1 0 90", ".5 1 1e-12 9E1")),
    "a bone of no length": Kind(lambda text: text.replace("OFFSET 0 0.2 0", "OFFSET 0 0 0")),
    "an end of no length": Kind(lambda text: text.replace("OFFSET 0 0.3 0", "OFFSET 0 0 0")),
    "End Site with a name": Kind(lambda text: text.replace("End Site", "End Site HeadEnd")),
    "a frame over two lines": Kind(lambda text: text.replace("0.5 1 0 90", "0.5 1 0\n 90")),
}  # fmt: skip

REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "an end below nothing": (lambda text: text.replace("MOTION", "End Site\n{\nOFFSET 0 1 0\n}\nMOTION"),
                             "line 21: End Site is not allowed here; it belongs inside"),
    "an end in an end": (lambda text: text.replace("OFFSET 0 0.3 0", "End Site\n{\nOFFSET 0 1 0\n}"),
                         "line 16: End Site is not allowed here"),
    "huge numbers": (lambda text: text.replace("0.5 1", "1e30 1"), "beyond a million"),
    "not a number": (lambda text: text.replace("0.5 1", "nan 1"), "missing or beyond a million"),
    "a huge body": (lambda text: text.replace("OFFSET 0 0.2 0", "OFFSET 0 9e9 0"), "OFFSET"),
    "a part of a frame more": (lambda text: text + "1 2 3\n", "line 26: 2 frames of 12 channels need 24 numbers"),
    "a column more": (lambda text: text.replace(" 30\n", " 30 9\n").replace("-10\n", "-10 9\n"),
                      "line 25: 2 frames of 12 channels need 24 numbers"),
    "too few frames": (lambda text: text.replace("Frames: 2", "Frames: 3"), "line 25: 3 frames .* cut short"),
    "decimal commas": (lambda text: text.replace("0.5 1", "0,5 1"),
                       "line 25: expected a number, got '0,5'; write decimals with a point"),
    "a missing space": (lambda text: text.replace("-20 -10", "-20.0-10"), "got '-20.0-10'"),
    "frame time zero": (lambda text: text.replace("0.04", "0"), "line 23: expected a frame time"),
    "no number of frames": (lambda text: text.replace("Frames: 2", "Frames: two"), "line 22: .* got 'two'"),
    "an unknown word": (lambda text: text.replace("    JOINT Head", "    BONE Head"), "line 10: unknown word 'BONE'"),
}  # fmt: skip
