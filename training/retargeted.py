"""Takes whose figures are no ordinary people, or whose joint centres are estimates, on a body of the usual proportions.

KayKit's characters have a large head and short limbs, and the hip joint centres that UI-PRMD's markers give lie up to
6 cm too low. Only the directions of bones are taken over from such takes; lengths are the template's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.rotation import Array
from training.captured_bodies import LENGTHS, SIDES, _at, _middle, _unit
from training.motions import POINTS, SourceTake

SHORT_LIMBED = ("Med_", "kaykit_knight")  # KayKit's files
MARKER_CENTRES = "uiprmd"
STRAIGHT_HIP = np.cos(np.radians(30))  # between trunk and thigh: the thigh shows its length along the trunk
MOST_RAISED = (-0.03, 0.10)  # of the leg: further off, something else is wrong with the takes


def retargeted(takes: list[SourceTake]) -> list[SourceTake]:
    """Give takes the template's bone lengths where their source needs it.

    Parameters
    ----------
    takes : list of SourceTake
        Of any sources, which their names say.

    Returns
    -------
    list of SourceTake
        The same takes, or such whose points have the lengths of ``captured_bodies.LENGTHS``.

    Notes
    -----
    Hips of UI-PRMD are moved along the trunk until standing thighs are as long as shins, by one distance for all takes
    of a person: they are 24.5 and 24.6 % of the stature (Drillis and Contini 1966), as in the template.
    """
    lacking: dict[str, list[Array]] = {}
    for take in takes:
        if take.name.startswith(MARKER_CENTRES):
            lacking.setdefault(_person(take), []).append(lacking_thigh(take.points.astype(float)))
    raised = {person: float(np.median(np.concatenate(found))) for person, found in lacking.items()}
    return [_retargeted(take, raised) for take in takes]


def _retargeted(take: SourceTake, raised: dict[str, float]) -> SourceTake:
    points = take.points.astype(float)
    if take.name.startswith(MARKER_CENTRES):
        points = with_raised_hips(points, raised[_person(take)])
    elif not take.name.startswith(SHORT_LIMBED):
        return take
    return replace(take, points=with_template_lengths(points))


def _person(take: SourceTake) -> str:
    return take.name.split("_")[1]  # uiprmd/m01_s02_e03


def lacking_thigh(points: Array) -> Array:
    """Measure how much shorter standing thighs are than shins.

    Parameters
    ----------
    points : (T, 16, 3)
        Positions of ``motions.POINTS`` in any unit.

    Returns
    -------
    (N,)
        Length that lacks, in the same unit, in every frame and leg in which the thigh hangs along the trunk.
    """
    up = _unit(_middle(points, "shoulder") - _middle(points, "hip"))
    lacking = []
    for side in SIDES:
        thigh = _at(points, f"{side}_hip") - _at(points, f"{side}_knee")
        shin = np.median(np.linalg.norm(_at(points, f"{side}_knee") - _at(points, f"{side}_ankle"), axis=-1))
        straight = np.sum(_unit(thigh) * up, axis=-1) > STRAIGHT_HIP
        off = shin * LENGTHS["thigh"] / LENGTHS["shin"] - np.linalg.norm(thigh[straight], axis=-1)
        lacking.append(np.clip(off, *(2 * shin * np.array(MOST_RAISED))))
    return np.concatenate(lacking)


def with_raised_hips(points: Array, raised: float) -> Array:
    """Move both hips along the trunk.

    Parameters
    ----------
    points : (T, 16, 3)
        Positions of ``motions.POINTS`` in any unit.
    raised : float
        How far, in the same unit.

    Returns
    -------
    (T, 16, 3)
        The same with the hips moved.
    """
    up = _unit(_middle(points, "shoulder") - _middle(points, "hip"))
    moved = points.copy()
    for side in SIDES:
        moved[:, POINTS.index(f"{side}_hip")] += raised * up
    return moved


def with_template_lengths(points: Array) -> Array:
    """Build the figure anew from the hips outwards, along its own bones.

    Parameters
    ----------
    points : (T, 16, 3)
        Positions of ``motions.POINTS`` in any unit.

    Returns
    -------
    (T, 16, 3)
        Positions in statures; the hips keep their path, at the size of the legs.
    """
    legs = [np.linalg.norm(_at(points, f"{side}_{a}") - _at(points, f"{side}_{b}"), axis=-1).mean()
            for side in SIDES for a, b in (("hip", "knee"), ("knee", "ankle"))]  # fmt: skip
    hips = 2 * (LENGTHS["thigh"] + LENGTHS["shin"]) / sum(legs) * _middle(points, "hip")
    shoulders = hips + LENGTHS["trunk"] * _unit(_middle(points, "shoulder") - _middle(points, "hip"))
    built = {}
    for name, length in (("neck", 0.3 * LENGTHS["head"]), ("head", LENGTHS["head"])):
        built[name] = shoulders + length * _unit(_at(points, name) - _middle(points, "shoulder"))
    for side in SIDES:
        for root, middle, bones in (
            ("hip", hips, (("knee", "thigh"), ("ankle", "shin"), ("ball", "ball"))),
            ("shoulder", shoulders, (("elbow", "upper_arm"), ("wrist", "forearm"))),
        ):
            last = f"{side}_{root}"
            built[last] = middle + LENGTHS[root] * _unit(_at(points, last) - _middle(points, root))
            for joint, bone in bones:
                way = _unit(_at(points, f"{side}_{joint}") - _at(points, last))
                built[f"{side}_{joint}"] = built[last] + LENGTHS[bone] * way
                last = f"{side}_{joint}"
    return np.stack([built[name] for name in POINTS], axis=1)
