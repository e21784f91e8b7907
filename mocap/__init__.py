"""Single-camera motion capture: a video becomes a motion that animation tools can use.

``process``, ``read``, ``read_motion``, ``write`` and ``joint_positions`` are documented in ``mocap.app.api``. They are
imported when they are used: ``import mocap`` loads neither numpy nor a network runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mocap.app.api import Joints, joint_positions, process, read, read_motion, write

__version__ = "0.1.0"
__all__ = ["Joints", "__version__", "joint_positions", "process", "read", "read_motion", "write"]


def __getattr__(name: str) -> object:
    """The function of the API with that name; called by Python for a name that is not there yet."""
    if name not in __all__:
        raise AttributeError(f"module 'mocap' has no attribute '{name}'")
    from mocap.app import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
