# SPDX-License-Identifier: GPL-3.0-or-later
"""Doubtful frames and standing feet as markers of the timeline."""

from __future__ import annotations

import bpy
import numpy as np

from .pure.contacts import runs
from .pure.take import SourceMotion

PREFIX = "mocap: "
DOUBTFUL = 0.35  # mean confidence of a frame's joints below which somebody should look at it
SHORTEST = 3  # frames


def bad_spans(person: SourceMotion) -> list[tuple[int, int, str]]:
    """Half open spans that want a look, with the reason: gaps, and frames that the networks doubted."""
    doubtful = person.confidence.mean(axis=1) < DOUBTFUL
    for start, end, _ in person.gaps:
        doubtful[start:end] = False
    found = list(person.gaps)
    found += [(start, end, "doubtful") for start, end in runs(doubtful) if end - start >= SHORTEST]
    return sorted(found)


def mark(scene, person: SourceMotion, start_frame: int) -> None:
    """Puts the markers of a take on the timeline, in place of those of an earlier one."""
    for marker in [m for m in scene.timeline_markers if m.name.startswith(PREFIX)]:
        scene.timeline_markers.remove(marker)
    for start, _, reason in bad_spans(person):
        scene.timeline_markers.new(f"{PREFIX}{reason}", frame=start_frame + start)
    for point, spans in person.contacts.items():
        for start, _ in spans:
            scene.timeline_markers.new(f"{PREFIX}{point} down", frame=start_frame + start)


class MOCAP_OT_next_bad(bpy.types.Operator):
    """Go to the next frame that was not seen or is doubtful"""

    bl_idname = "mocap.next_bad_frame"
    bl_label = "Next bad frame"

    def execute(self, context):
        """Goes on from the current frame, and from the last one to the first."""
        scene = context.scene
        names = [m for m in scene.timeline_markers if m.name.startswith(PREFIX) and not m.name.endswith(" down")]
        frames = np.unique([marker.frame for marker in names])
        if len(frames) == 0:
            self.report({"INFO"}, "nothing doubtful in this take")
            return {"CANCELLED"}
        after = frames[frames > scene.frame_current]
        scene.frame_set(int(after[0] if len(after) else frames[0]))
        return {"FINISHED"}


CLASSES = (MOCAP_OT_next_bad,)
