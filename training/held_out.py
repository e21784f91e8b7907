"""Takes that no training sees: near ones, of the same kinds as the training's, and whole kinds of motion, the far ones.

A network that learnt walks and dances is exact on other walks and dances; how it does on motions of no known kind only
the far ones say.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

# Subjects and takes of CMU, and keyed animations.
NEAR_TAKES = (
    "iclone_direct/002", "iclone_direct/007", "iclone_direct/005_05", "iclone_direct/005_13", "cgspeed_walkcycles/02",
    "cgspeed_walkcycles/07", "cgspeed_walkcycles/16", "isaacgym/07", "isaacgym/55", "isaacgym/49",
    "cgspeed_walkcycles/49", "cgspeed_walkcycles/55", "keijiro/135_02",
    "from_expmap/train_jumping_5", "from_expmap/train_running_5", "from_expmap/train_soccer_5",
    "from_expmap/train_basketball_5", "from_expmap/train_basketball_signal_5",
    "quaternius_base/Jump_", "quaternius_base/Sitting_", "quaternius_base/Punch_", "quaternius_base/Dance_Loop",
    "quaternius_base/PickUp_Table", "mesh2motion_addon/Dance Charleston", "mesh2motion_addon/Throw Object",
    "mesh2motion_addon/Fighting Right Jab", "mesh2motion_addon/Jumping Jacks", "mesh2motion_addon/Kneeling",
)  # fmt: skip
FAR_KINDS = {  # what a take's name is like; one that is like several belongs to the first
    "two other people's exercises": ("uiprmd/*_s07_*", "uiprmd/*_s08_*"),
    "side lunges": ("uiprmd/m04_*",),
    "push-ups, sit-ups": ("*Push_Ups", "*Pushup", "*Sit_Ups"),
    "kneeling": ("*Kneeling*",),
    "throwing": ("*Throw*",),
}


def far_kind(name: str) -> str | None:
    """Name the far kind of a take.

    Parameters
    ----------
    name : str
        Of a take of ``training.motions``.

    Returns
    -------
    str or None
        A key of ``FAR_KINDS``, or None for a take of no such kind.
    """
    return next(
        (kind for kind, likes in FAR_KINDS.items() if any(fnmatchcase(name, like) for like in likes)),
        None,
    )


def is_near(name: str) -> bool:
    """Whether a take is one of the near ones, which resemble the training's.

    Parameters
    ----------
    name : str
        Of a take of ``training.motions``.

    Returns
    -------
    bool
        True for the takes of ``NEAR_TAKES``, some of which are of a far kind too.
    """
    return name.startswith(NEAR_TAKES)
