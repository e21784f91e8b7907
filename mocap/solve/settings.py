"""What the user can choose about the solve."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mocap.model.errors import MocapError, unknown_name
from mocap.solve.clean import filters
from mocap.solve.lift import DEFAULT_LIFTER

SOLVERS = ("refined", "fast")
CAMERA_MOTIONS = ("auto", "static", "moving")
FOOT_LOCKS = ("auto", "off")


@dataclass(frozen=True)
class SolveSettings:
    """What the user can say about the camera, the person and the smoothing.

    fov_degrees: of the camera's longer image side; None: the take's lens stays. camera_pitch_degrees: > 0 looks down.
    camera_roll_degrees: > 0 is clockwise seen from behind the camera; None for either: as the lifter sees people stand.
    height_m: the person's, or None for the lifter's guess. lifter: one of lift.LIFTERS. filter_name: one of
    smooth.FILTERS. solver: one of SOLVERS: fitted to all the evidence, or the closed form alone. foot_lock: one of
    FOOT_LOCKS: whether standing feet are held still. camera_motion: one of CAMERA_MOTIONS: whether the camera turned;
    auto: as the background shows.
    """

    fov_degrees: float | None = None
    camera_pitch_degrees: float | None = None
    camera_roll_degrees: float | None = None
    height_m: float | None = None
    lifter: str = DEFAULT_LIFTER
    filter_name: str = "butterworth"
    cutoff_hz: float = filters.DEFAULT_CUTOFF_HZ
    solver: str = SOLVERS[0]
    foot_lock: str = FOOT_LOCKS[0]
    camera_motion: str = CAMERA_MOTIONS[0]

    def __post_init__(self) -> None:
        _require(
            self.fov_degrees is None or 1 <= self.fov_degrees < 170,
            f"--fov must lie between 1 and 170 degrees, not {self.fov_degrees or 0:g}",
        )
        _require(abs(self.camera_pitch_degrees or 0) < 90, "--camera-pitch must lie between -90 and 90 degrees")
        _require(abs(self.camera_roll_degrees or 0) <= 180, "--camera-roll must lie between -180 and 180 degrees")
        _require(
            self.height_m is None or 0.3 <= self.height_m <= 3.0,
            "--height must lie between 0.3 and 3 metres (1.75, say)",
        )
        filters.check_filter(self.filter_name, self.cutoff_hz)
        if self.solver not in SOLVERS:
            raise unknown_name("solver", self.solver, list(SOLVERS))
        if self.camera_motion not in CAMERA_MOTIONS:
            raise unknown_name("motion of the camera", self.camera_motion, list(CAMERA_MOTIONS))
        if self.foot_lock not in FOOT_LOCKS:
            raise unknown_name("foot lock", self.foot_lock, list(FOOT_LOCKS))

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SolveSettings:
        """The settings stored in a take; what is not stored has its default, unknown keys are ignored."""
        known = {key: value for key, value in values.items() if key in cls.__dataclass_fields__}
        try:
            return cls(**known)
        except (TypeError, OverflowError) as error:
            raise MocapError(f"the take's settings are damaged ({error}); process the video again") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise MocapError(message)
