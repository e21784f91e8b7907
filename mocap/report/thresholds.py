"""From what on a measure earns a warning or fails a take, and the verdict on a take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

VERDICTS = ("pass", "warn", "fail")  # each worse than the one before


class Limit(NamedTuple):
    """A measure: what it says, its unit, and the values that warn and fail. is_floor: lower is worse."""

    text: str
    unit: str
    warn: float
    fail: float
    is_floor: bool = False


MEASURES = {
    "unseen": Limit("frames in which the person was not seen", "share", 0.05, 0.5),
    "gap": Limit("longest time unseen", "s", 0.5, 5.0),
    "confidence": Limit("mean confidence of the joints", "0 to 1", 0.7, 0.4, is_floor=True),
    "jitter": Limit("trembling of the joints", "10 m/s³ at 30 fps", 60.0, 150.0),
    "slide": Limit("sliding of feet in contact", "mm a frame at 30 fps", 5.0, 15.0),
    "penetration": Limit("deepest foot under the ground, in contact", "mm", 20.0, 60.0),
    "bones": Limit("spread of the limbs' lengths as seen, before they were made constant", "%", 12.0, 30.0),
    "swaps": Limit("frames in which left and right were repaired", "share", 0.1, 0.4),
    "reprojection": Limit("distance of the skeleton from what was seen, in the picture", "% of body height", 2.5, 8.0),
}


@dataclass(frozen=True, eq=False)
class Quality:
    """The measures of one person of a take.

    measures: by the names of ``MEASURES``; None where there is nothing to measure. faults: (T,) how bad each
    frame is, about 1 where one measure is at its warning. worst: the frames of the highest faults, half a second apart.
    """

    person: int
    measures: dict[str, float | None]
    faults: Array
    worst: list[int]


@dataclass(frozen=True)
class Grade:
    """pass, warn or fail; for each measure too; and why, a line for each measure that fails."""

    verdict: str
    measures: dict[str, str]
    reasons: list[str]


def parse(text: str) -> dict[str, Limit]:
    """Limits from ``slide=5,unseen=0.2``: what is named fails from there on, and nothing else does.

    Raises MocapError for unknown measures and for what is no number of at least 0.
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
    """The verdict on a take: that of its worst person in its worst measure. What has no value does not count."""
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
    """The machine's part of a report as JSON values."""
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
