"""Settings of the solve: camera, person, smoothing. It imports nothing heavy, since --help imports it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mocap.model.errors import MocapError
from mocap.model.settings import check, option

DEFAULT_CUTOFF_HZ = 6.0  # Winter: 99 % of gait's power lies below 6 Hz
CUTOFFS_HZ = (0.1, 1000.0)  # below, all motion is removed and windows are too long; above is no video's content
SOLVERS = ("refined", "fast")
CAMERA_MOTIONS = ("auto", "static", "moving")
FOOT_LOCKS = ("auto", "off")
FILTER_NAMES = ("butterworth", "savgol", "gaussian", "kalman", "one_euro", "none")
DEFAULT_LIFTER = "lifter"


@dataclass(frozen=True)
class SolveSettings:
    """Settings of the solve: the camera, the person, the smoothing.

    The names and the order of the fields are part of the file format (``settings`` in a take's JSON) and do not change;
    users see the names of the options. ``lifter`` is a name in ``mocap.solve.lift.LIFTERS``, and is not an option.

    Raises
    ------
    MocapError
        When made with a value outside its range or choices.

    Notes
    -----
    Convention: a camera pitch above 0 looks down; a roll above 0 is clockwise when viewed from behind the camera. None
    means "not given" for both angles, for the field of view and for the height.
    """

    fov_degrees: float | None = option(
        None,
        "fov",
        "Angle of view of the image's longer side.",
        unit="degrees",
        low=1.0,
        high=169.9,
        unset="as the file says, else 55",
    )
    camera_pitch_degrees: float | None = option(
        None,
        "camera-pitch",
        "How far the camera looks down.",
        unit="degrees",
        low=-89.9,
        high=89.9,
        unset="estimated from how people stand",
    )
    camera_roll_degrees: float | None = option(
        None,
        "camera-roll",
        "How far the camera is rotated clockwise.",
        unit="degrees",
        low=-180.0,
        high=180.0,
        unset="estimated from how people stand",
    )
    height_m: float | None = option(
        None, "height", "The person's height; sets the scale.", unit="m", low=0.3, high=3.0, unset="about 1.70 m"
    )
    lifter: str = DEFAULT_LIFTER
    filter_name: str = option(
        "butterworth", "filter", f"The low-pass filter: {', '.join(FILTER_NAMES)}.", choices=FILTER_NAMES
    )
    cutoff_hz: float = option(
        DEFAULT_CUTOFF_HZ,
        "cutoff",
        "The filter's cut-off frequency (-3 dB): lower is smoother, higher keeps quick movements.",
        unit="Hz",
        low=CUTOFFS_HZ[0],
        high=CUTOFFS_HZ[1],
    )
    solver: str = option(
        SOLVERS[0], "solve", "refined optimises all frames together; fast solves bone by bone.", choices=SOLVERS
    )
    foot_lock: str = option(
        FOOT_LOCKS[0],
        "foot-lock",
        "auto holds a foot still while it is in contact with the ground; off leaves it as it was estimated.",
        choices=FOOT_LOCKS,
    )
    camera_motion: str = option(
        CAMERA_MOTIONS[0],
        "camera",
        "Whether the camera is fixed (static), or rotates or zooms (moving); auto estimates it from the background.",
        choices=CAMERA_MOTIONS,
    )

    def __post_init__(self) -> None:
        check(self)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values, by the fields' names."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SolveSettings:
        """The settings that are stored in a take.

        Parameters
        ----------
        values : dict
            By the fields' names. What is not stored has its default; unknown keys are ignored.

        Raises
        ------
        MocapError
            For a value of another type, out of its range, or not among the choices.
        """
        known = {key: value for key, value in values.items() if key in cls.__dataclass_fields__}
        try:
            return cls(**known)
        except (TypeError, OverflowError) as error:
            raise MocapError(f"the take's settings are damaged ({error}); process the video again") from error
