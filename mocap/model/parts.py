"""The types that describe a body: joints with limits and keypoints, parts with contact points, and lookups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

Vector = tuple[float, float, float]
SIDES = ("left", "right")


class Limit(NamedTuple):
    """The range of a joint relative to its parent, in degrees, about the rest pose.

    Parameters
    ----------
    swing : how far the bone may leave its rest direction.
    twist : how far it may rotate about itself, either way.
    hinge : the axis of a joint that bends one way only (in its positive sense), or None.
    """

    swing: float
    twist: float
    hinge: Vector | None = None


class Marker(NamedTuple):
    """A keypoint that is fixed to a bone without being a joint.

    Parameters
    ----------
    name : the keypoint, without its side.
    template : its position in the joint's frame at rest, metres of an adult, or None where it is not used.
    is_steady : whether its movement is steady enough for left/right repair.
    is_solved : whether the solve uses it; corrections by hand use them all.
    """

    name: str
    template: Vector | None = None
    is_steady: bool = False
    is_solved: bool = True


class Contact(NamedTuple):
    """A point of the body that can touch the ground.

    Parameters
    ----------
    name : of the point, as in a take's contacts.
    joint : the joint that it is fixed to.
    keypoint : the keypoint that shows it.
    divisor : its position is the vector from the joint to the end of the limb at rest, each axis divided by this.
    """

    name: str
    joint: str
    keypoint: str
    divisor: Vector


@dataclass(frozen=True)
class Joint:
    """One joint of the skeleton.

    Parameters
    ----------
    name, parent : Unity/VRM humanoid names; the root has no parent.
    rest : offset from the parent in the T-pose, for a body of 1 m height.
    limit : its range, or None where it is free.
    keypoint : the keypoint that lies at this joint, or "".
    markers : keypoints that are fixed to its bone.
    end : offset of the bone's end from a joint without children, for a body of 1 m height, or None.
    is_optimised : whether the trajectory optimisation rotates it; the others follow.
    give : standard deviation of its rotation by a correction, radians: joints with more of it rotate first.
    """

    name: str
    parent: str | None
    rest: Vector
    limit: Limit | None = None
    keypoint: str = ""
    markers: tuple[Marker, ...] = ()
    end: Vector | None = None
    is_optimised: bool = False
    give: float = 0.6

    @property
    def template(self) -> dict[str, Vector]:
        """Positions of its markers in its frame at rest, metres of an adult, where they are known."""
        return {marker.name: marker.template for marker in self.markers if marker.template is not None}


@dataclass(frozen=True)
class Part:
    """A part of the body with its joints, root first.

    Parameters
    ----------
    name : unique ("left_arm").
    kind : the same on both sides ("arm"); it names the closed form that solves the part.
    side : "left", "right" or "".
    joints : root first, each after its parent.
    contacts : its points that can touch the ground.
    without_tips : what happens to the part where a network does not detect its end (fingers, toes).
    """

    name: str
    kind: str
    side: str
    joints: tuple[Joint, ...]
    contacts: tuple[Contact, ...] = ()
    without_tips: str = ""

    @property
    def tips(self) -> tuple[str, ...]:
        """The keypoints beyond its last joint."""
        return tuple(marker.name for joint in self.joints for marker in joint.markers)

    @property
    def keypoints(self) -> tuple[str, ...]:
        """Every keypoint that shows this part, joints first."""
        own = [joint.keypoint for joint in self.joints if joint.keypoint]
        return (*own, *(marker.name for joint in self.joints for marker in joint.markers))

    @property
    def attachment(self) -> str:
        """The keypoint where a limb joins the trunk: left/right repair counts it as the trunk's."""
        return next((joint.keypoint for joint in self.joints if joint.keypoint), "")

    def bones(self) -> Iterator[tuple[Joint, Joint]]:
        """Pairs of joints, each with a keypoint of its own: the limb's bones whose both ends are visible."""
        shown = [joint for joint in self.joints if joint.keypoint]
        return pairwise(shown)


@dataclass(frozen=True)
class Body:
    """All parts, in the order of the skeleton (depth first)."""

    parts: tuple[Part, ...]

    @cached_property
    def joints(self) -> tuple[Joint, ...]:
        """Every joint, depth first: the order of a skeleton's arrays and of BVH columns."""
        return tuple(joint for part in self.parts for joint in part.joints)

    @cached_property
    def by_name(self) -> dict[str, Joint]:
        """Joints by name."""
        return {joint.name: joint for joint in self.joints}

    @cached_property
    def limbs(self) -> tuple[Part, ...]:
        """Parts that have a side: legs first, since they show a body's size best."""
        return tuple(sorted((p for p in self.parts if p.side), key=lambda p: (p.kind != "leg", p.side)))

    @cached_property
    def keypoint_of_joint(self) -> dict[str, str]:
        """Keypoint at each joint that has one, by joint, the left and the right of a pair side by side."""
        return {
            joint.name: joint.keypoint
            for kind in ("arm", "leg")
            for pair in zip(*(part.joints for part in self.of_kind(kind)))
            for joint in pair
            if joint.keypoint
        }

    @cached_property
    def contacts(self) -> dict[str, Contact]:
        """Contact points by name."""
        return {contact.name: contact for part in self.parts for contact in part.contacts}

    @cached_property
    def bone_of_marker(self) -> dict[str, str]:
        """The joint whose bone carries each marker, by keypoint."""
        return {marker.name: joint.name for joint in self.joints for marker in joint.markers}

    @cached_property
    def steady_keypoints(self) -> frozenset[str]:
        """Keypoints whose movement is steady enough for left/right repair."""
        markers = (marker.name for joint in self.joints for marker in joint.markers if marker.is_steady)
        return frozenset(self.keypoint_of_joint.values()) | frozenset(markers)

    @cached_property
    def optimised(self) -> tuple[str, ...]:
        """Joints that the trajectory optimisation rotates: the middle's, then the left's, then the right's."""
        parts = [part for side in ("", *SIDES) for part in self.parts if part.side == side]
        return tuple(joint.name for part in parts for joint in part.joints if joint.is_optimised)

    @cached_property
    def hinges(self) -> tuple[tuple[Joint, Joint, Joint], ...]:
        """Bone before the hinge, hinge, and the joint at the end of its bone: knees, then elbows."""
        found = []
        for part in self.limbs:
            for before, hinge, end in zip(part.joints, part.joints[1:], part.joints[2:]):
                if hinge.limit is not None and hinge.limit.hinge is not None:
                    found.append((before, hinge, end))
        return tuple(found)

    def of_kind(self, kind: str) -> list[Part]:
        """The parts of that kind, left before right."""
        return [part for part in self.parts if part.kind == kind]

    def group_of(self, keypoint: str) -> str:
        """The group whose left and right a network swaps together: "arms", "legs", or "trunk" for all others."""
        for part in self.limbs:
            if keypoint in part.keypoints and keypoint != part.attachment:
                return f"{part.kind}s"
        return "trunk"

    def not_solved(self, keypoints: Iterable[str]) -> list[str]:
        """Those of the keypoints that the solve does not use, in their order."""
        markers = [marker.name for joint in self.joints for marker in joint.markers if marker.is_solved]
        used = {*self.keypoint_of_joint.values(), *markers}
        return [name for name in keypoints if name not in used]


def both_sides(left: Part) -> tuple[Part, Part]:
    """A left part and its mirror image across the body's middle (x = 0)."""
    joints = tuple(_mirrored_joint(joint) for joint in left.joints)
    contacts = tuple(Contact(_other(c.name), _other(c.joint), _other(c.keypoint), c.divisor) for c in left.contacts)
    return left, replace(left, name=_other(left.name), side="right", joints=joints, contacts=contacts)


def _mirrored_joint(joint: Joint) -> Joint:
    limit = joint.limit
    if limit is not None and limit.hinge is not None:
        x, y, z = limit.hinge  # an axis of rotation is a pseudovector: its parts in the mirror's plane change sign
        limit = limit._replace(hinge=(x, 0.0 - y, 0.0 - z))
    return replace(
        joint,
        name=_other(joint.name),
        parent=_other(joint.parent) if joint.parent else None,
        rest=_mirrored(joint.rest),
        limit=limit,
        keypoint=_other(joint.keypoint),
        markers=tuple(marker._replace(name=_other(marker.name)) for marker in joint.markers),
        end=None if joint.end is None else _mirrored(joint.end),
    )


def _mirrored(vector: Vector) -> Vector:
    return (0.0 - vector[0], vector[1], vector[2])


def _other(name: str) -> str:
    """The right-hand name of a left-hand one; names without a side stay."""
    if name.startswith("Left"):
        return "Right" + name.removeprefix("Left")
    return "right_" + name.removeprefix("left_") if name.startswith("left_") else name
