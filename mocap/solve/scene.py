"""The scene that each step of the solve takes and returns: frozen values, with an ``Actor`` for each person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Flags
from mocap.model.take import Person, Take
from mocap.solve.clean import filters
from mocap.solve.contact.detection import Observed
from mocap.solve.lift.rays import Lifted
from mocap.solve.settings import SolveSettings


@dataclass(frozen=True, eq=False)
class Actor:
    """One person of the scene; fields are None until a step computes them.

    Parameters
    ----------
    person : as in the take: keypoints, swaps, contacts.
    image : keypoints in pixels of the take's camera, cleaned, and corrected by the lifter.
    depth : the pose network's own 3D, cleaned, or None.
    lifted : keypoints in space, camera frame, with up and contact probabilities.
    motion : world frame.
    contacts : (T, N) flags of contact points that are on the ground.
    """

    person: Person
    image: Keypoints2D
    depth: Keypoints3D | None = None
    lifted: Lifted | None = None
    motion: Motion | None = None
    contacts: Flags | None = None

    def posed(self) -> tuple[Motion, Lifted]:
        """The motion and the lifted keypoints, once the steps that make them have run."""
        assert self.motion is not None
        assert self.lifted is not None
        return self.motion, self.lifted

    def observed(self, camera: Camera) -> Observed:
        """The motion and its observations, for contact detection."""
        motion, lifted = self.posed()
        return Observed(motion, self.image, camera, lifted.contacts)


@dataclass(frozen=True, eq=False)
class Scene:
    """A take that is being solved: its people, one camera, and the record of the steps that ran.

    Parameters
    ----------
    take : as it was read.
    settings : of the solve.
    camera : at the origin until the ground is known.
    actors : the people.
    keeps_contacts : whether the take's own contacts are used (somebody may have edited them), not detected again.
    record : filters and steps that ran, in order: JSON values.
    """

    take: Take
    settings: SolveSettings
    camera: Camera
    actors: tuple[Actor, ...]
    keeps_contacts: bool = False
    record: tuple[dict[str, Any], ...] = ()

    def with_actors(self, actors: tuple[Actor, ...], *ran: dict[str, Any]) -> Scene:
        """The scene with changed people and the steps that ran added to the record; equal entries are added once."""
        new = tuple(entry for entry in ran if entry not in self.record)
        return replace(self, actors=actors, record=self.record + new)

    def is_present(self, person: Person) -> Flags:
        """Frames (T,) in which a person is visible, short absences included."""
        present = np.where(person.keypoints_2d.confidence.any(axis=1), 1.0, np.nan)[:, None]
        return np.asarray(np.isfinite(filters.fill_gaps(present, float(self.take.fps), cuts=self.take.cuts)[:, 0]))
