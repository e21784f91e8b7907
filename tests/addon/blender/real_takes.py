"""Takes of real clips and of CMU's motion capture, for the tests that retarget them.

    python tests/addon/blender/real_takes.py FOLDER

processes the clips with ``mocap`` into FOLDER. Environments that hold Blender but no ``mocap`` find them there, by the
variable MOCAP_TAKES. CMU's files are BVH with joints of their own, which the add-on reads as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
CLIPS = {  # seconds: a man comes closer and sits down; a woman walks and runs past
    "sit_stand_raise_arms": ("0", "9.35"),
    "outdoor_walk_run": ("2", "6"),
}
CMU = {"train_jumping_4": "from_expmap", "07_01": "cgspeed_walkcycles"}
TAKES = (*CLIPS, *CMU)


def make(folder: Path) -> None:
    """Processes what is not there yet; nothing where there are no clips."""
    if not (DATA / "videos").is_dir():
        return
    for clip, (start, end) in CLIPS.items():
        take = folder / f"{clip}.json"
        if not take.exists():
            source = DATA / "videos" / f"{clip}.mp4"
            options = ["--start", start, "--end", end, "--progress", "none", "-o", str(take)]
            subprocess.run([sys.executable, "-m", "mocap", "process", str(source), *options], check=True)
    with zipfile.ZipFile(DATA / "cmu_bvh.zip") as archive:
        for name, inside in CMU.items():
            (folder / f"{name}.bvh").write_bytes(archive.read(f"{inside}/{name}.bvh"))


def path_of(name: str, folder: Path) -> Path:
    """The file of a take."""
    return folder / f"{name}{'.bvh' if name in CMU else '.json'}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    make(target)
