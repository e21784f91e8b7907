"""The limits at which a measure gives a warning or fails a take, and the verdict on a take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

VERDICTS = ("pass", "warn", "fail")  # each worse than the one before


class Limit(NamedTuple):
    """A measure and its limits.

    Parameters
    ----------
    text : str
        What is measured, for people.
    unit : str
        Of the values.
    warn, fail : float
        Limits: a worse value gives a warning or fails the take.
    is_floor : bool
        Whether lower values are worse.
    """

    text: str
    unit: str
    warn: float
    fail: float
    is_floor: bool = False


MEASURES = {
    "unseen": Limit("frames in which the person is not visible", "fraction", 0.05, 0.5),
    "gap": Limit("longest time in which the person is not visible", "s", 0.5, 5.0),
    "confidence": Limit("mean confidence of the joints", "0 to 1", 0.7, 0.4, is_floor=True),
    "jitter": Limit("trembling of the joints", "10 m/s³ at 30 fps", 60.0, 150.0),
    "slide": Limit("foot skating: movement of feet in contact", "mm per frame at 30 fps", 5.0, 15.0),
    "penetration": Limit("penetration: deepest point of a foot under the ground, in contact", "mm", 20.0, 60.0),
    "bones": Limit("variation of estimated bone lengths, before they were made constant", "%", 12.0, 30.0),
    "swaps": Limit("frames in which exchanged left and right were repaired", "fraction", 0.1, 0.4),
    "reprojection": Limit("distance of the skeleton from the keypoints in the image", "% of body height", 2.5, 8.0),
}


@dataclass(frozen=True, eq=False)
class Quality:
    """The measures of one person of a take.

    Parameters
    ----------
    person : int
        The person's id.
    measures : dict
        Values by the names of ``MEASURES``; None where nothing can be measured.
    faults : array (T,)
        Fault score of each frame: about 1 where one measure is at its warning limit.
    worst : list of int
        The frames with the highest fault scores, at least half a second apart.
    """

    person: int
    measures: dict[str, float | None]
    faults: Array
    worst: list[int]


@dataclass(frozen=True)
class Grade:
    """The verdict on a take.

    Parameters
    ----------
    verdict : str
        ``pass``, ``warn`` or ``fail``.
    measures : dict
        The verdict for each measure.
    reasons : list of str
        One line for each measure that fails.
    """

    verdict: str
    measures: dict[str, str]
    reasons: list[str]


def parse(text: str) -> dict[str, Limit]:
    """Parse the user's limits.

    Parameters
    ----------
    text : str
        Such as ``slide=5,unseen=0.2``: a take fails if one of these measures is worse than its number.

    Returns
    -------
    dict
        Limits by the names of ``MEASURES``; measures that are not named never fail.

    Raises
    ------
    MocapError
        For an unknown measure, or a value that is not a number of at least 0.
    """
    chosen = {name: _failing_at(limit, math.inf) for name, limit in MEASURES.items()}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in MEASURES:
            raise MocapError(f"--fail-on: unknown measure '{name}'; known are: {', '.join(MEASURES)}")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise MocapError(f"--fail-on: {name} needs a number from 0, like {name}={MEASURES[name].fail:g}")
        chosen[name] = MEASURES[name]._replace(fail=value)
    return chosen


def _failing_at(limit: Limit, worst: float) -> Limit:
    return limit._replace(fail=-worst if limit.is_floor else worst)


def grade(people: Sequence[Quality], limits: Mapping[str, Limit] = MEASURES) -> Grade:
    """Grade a take by its worst person and worst measure; measures without a value are ignored.

    Parameters
    ----------
    people : sequence of Quality
        All people of the take.
    limits : mapping
        By the names of ``MEASURES``.

    Returns
    -------
    Grade
        The verdict.
    """
    verdicts, reasons = dict.fromkeys(limits, "pass"), []
    for person in people:
        for name, limit in limits.items():
            value = person.measures[name]
            verdict = _verdict(value, limit)
            verdicts[name] = max(verdict, verdicts[name], key=VERDICTS.index)
            if verdict == "fail":
                whose = f" of person {person.person}" if len(people) > 1 else ""
                beyond = "below" if limit.is_floor else "above"
                reasons.append(f"{name}{whose} is {value:.4g}, {beyond} {limit.fail:g} ({limit.unit})")
    return Grade(max(verdicts.values(), key=VERDICTS.index, default="pass"), verdicts, reasons)


def _verdict(value: float | None, limit: Limit) -> str:
    if value is None:
        return "pass"
    sign = -1 if limit.is_floor else 1
    if sign * value > sign * limit.fail:
        return "fail"
    return "warn" if sign * value > sign * limit.warn else "pass"


def as_json(people: Sequence[Quality], limits: Mapping[str, Limit], graded: Grade) -> dict[str, Any]:
    """The report as JSON values, for programs.

    Parameters
    ----------
    people : sequence of Quality
        All people of the take.
    limits : mapping
        The limits that were used.
    graded : Grade
        The verdict.

    Returns
    -------
    dict
        With ``verdict``, ``reasons``, ``measures``, ``limits`` and ``people``.
    """
    return {
        "verdict": graded.verdict,
        "reasons": graded.reasons,
        "measures": graded.measures,
        "limits": {
            name: {"warn": limit.warn, "fail": limit.fail if math.isfinite(limit.fail) else None, "unit": limit.unit}
            for name, limit in limits.items()
        },
        "people": [
            {"id": person.person, "measures": person.measures, "worst_frames": person.worst} for person in people
        ],
    }
