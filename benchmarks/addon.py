"""How long the Blender add-on takes for a long take, file reading included, against a key inserted at a time.

    .venv/bin/python benchmarks/addon.py [TAKE.json]

The take is that one (one with keypoints is what people have), or the tests' golden one, repeated and with fingers; the
character has 52 bones, all of which get keys. Both ways run in one process, in turns; keyframe_insert writes few
frames and is scaled up, since it would take half an hour.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "blender_addon"), str(REPOSITORY / "tests" / "addon" / "blender")]

FRAMES, INSERTED, ROUNDS = 10_000, 20, 3
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


def long_take(path: Path, source: Path) -> None:
    """Writes a take, there and back again until it has FRAMES frames, with fingers: 52 joints."""
    take = json.loads(source.read_text())
    order = [*range(take["frames"]), *range(take["frames"] - 2, 0, -1)]
    order = (order * (FRAMES // len(order) + 1))[:FRAMES]
    take["frames"], take["people"] = FRAMES, take["people"][:1]
    person = take["people"][0]
    motion = person["motion"]
    add_fingers(motion)
    for key in ("root_world", "local_wxyz", "confidence"):
        motion[key] = [motion[key][frame] for frame in order]
    if "boxes" in person:
        person["boxes"] = [person["boxes"][frame] for frame in order]
    for key in ("keypoints_2d", "keypoints_3d"):
        for name, values in (person.get(key) or {}).items():
            if name != "layout":
                person[key][name] = [values[frame] for frame in order]
    path.write_text(json.dumps(take))


def add_fingers(motion: dict) -> None:
    """Three joints to each finger, which turn a little with every frame."""
    from mocap_blender.pure.names import FINGERS as joints

    skeleton = motion["skeleton"]
    for side in ("Left", "Right"):
        parent = hand = skeleton["names"].index(f"{side}Hand")
        for joint in joints:
            skeleton["parents"].append(hand if joint.endswith("Proximal") else parent)
            parent = len(skeleton["names"])
            skeleton["names"].append(side + joint)
            skeleton["offsets"].append([0.03 if side == "Left" else -0.03, 0.0, 0.0])
    new = len(skeleton["names"]) - len(motion["local_wxyz"][0])
    for t, (turns, confidence) in enumerate(zip(motion["local_wxyz"], motion["confidence"])):
        half = 0.1 * math.sin(0.1 * t)
        turns += [[round(math.cos(half), 6), 0.0, 0.0, round(math.sin(half), 6)]] * new
        confidence += [1.0] * new


def character():
    """The tests' figure with three bones to each finger: 52 bones."""
    from figures import FIGURE, figure

    bones = {f"rig:{name}": (parent and f"rig:{parent}", *ends) for name, (parent, *ends) in FIGURE.items()}
    for number, finger in enumerate(FINGERS):
        parent, x = "rig:LeftHand", 0.6
        for joint in (1, 2, 3):
            name, y = f"rig:LeftHand{finger}{joint}", -0.07 + 0.02 * number
            bones[name] = (parent, (x, y, 0.98), (x + 0.025, y, 0.96))
            parent, x = name, x + 0.025
    bones |= {
        name.replace("Left", "Right"): (parent.replace("Left", "Right"), *((-x, y, z) for x, y, z in ends))
        for name, (parent, *ends) in bones.items()
        if "Left" in name
    }
    return figure(bones=bones)


def bulk(armature, path: Path) -> float:
    """Seconds to read the file and put it on the armature, feet held."""
    from mocap_blender import retargeting
    from mocap_blender.armature import bones_of
    from mocap_blender.pure.mapping import map_bones
    from mocap_blender.pure.take import read_take

    begin = time.perf_counter()
    take = read_take(path)
    retargeting.retarget_take(armature, take, take.people[0], map_bones(bones_of(armature)), retargeting.Options())
    return time.perf_counter() - begin


def inserted(armature) -> float:
    """Seconds to insert keys of all bones at FRAMES frames, from some."""
    begin = time.perf_counter()
    for frame in range(1, 1 + INSERTED):
        for bone in armature.pose.bones:
            bone.keyframe_insert("rotation_quaternion", frame=frame)
    return (time.perf_counter() - begin) * FRAMES / INSERTED


def main() -> None:
    """Prints both, and their ratio."""
    import bpy
    from figures import GOLDEN

    source = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN / "walk.json"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.json"
        long_take(path, source)
        print(f"{FRAMES} frames, {path.stat().st_size / 1e6:.0f} MB of JSON")
        for _ in range(ROUNDS):
            bpy.ops.wm.read_factory_settings(use_empty=True)
            armature = character()
            fast = bulk(armature, path)
            slow = inserted(armature)
            print(
                f"{len(armature.pose.bones)} bones: in bulk {fast:.2f} s with reading the file, "
                f"keyframe_insert {slow:.0f} s without: {slow / fast:.0f} x"
            )


if __name__ == "__main__":
    main()
