# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature remembers of the take that was put on it, for what is done with it later."""

from __future__ import annotations

from pathlib import Path

from .pure.errors import TakeError
from .pure.take import SourceMotion, TakeFile, mirrored, read_take

KEY = "mocap"  # a custom property of the armature object


def remember(armature, operator, person: SourceMotion) -> None:
    """Notes which take an import operator has put on an armature, and how."""
    armature[KEY] = {
        "take": str(Path(operator.filepath).resolve()),
        "start": operator.start_frame,
        "person": person.person,
        "mirror": operator.mirror,
        "travels": not (operator.in_place or operator.extract_root),
    }


def take_of(armature) -> tuple[Path, TakeFile]:
    """The file and the take on an armature. Raises TakeError if there is none, or its file is gone."""
    noted = armature.get(KEY)
    if noted is None:
        raise TakeError(f"no take was imported onto '{armature.name}' yet")
    path = Path(noted["take"])
    return path, read_take(path)


def person_of(armature, take: TakeFile) -> SourceMotion:
    """The person of a take whose motion is on an armature."""
    noted = armature[KEY]
    person = next((person for person in take.people if person.person == noted["person"]), take.people[0])
    return mirrored(person) if noted["mirror"] else person


def start_of(armature) -> int:
    """The scene's frame on which the take begins."""
    return int(armature[KEY]["start"])


def travels(armature) -> bool:
    """Whether the hips carry the way over the floor: it was not left out, or given to another bone."""
    return bool(armature[KEY]["travels"])
