# SPDX-License-Identifier: GPL-3.0-or-later
"""Joints told by an armature's shape alone: chains, symmetry, heights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .bones import Bones, ancestors_of, children_of

SAME_PLACE = 0.04  # of the figure's height: mirrored heads lie within this
SHORTEST = 0.03  # of the figure's height: a limb's bone is at least this long
FORWARDS = 1.25  # length over height: feet lie at least 37 degrees off plumb, shins at rest hardly 20
LONG_END = 1.4  # times the bone below: a last bone so far above the head's is the top of the skull, not the head
UPPER_TO_LOWER, MOST_UNLIKE = 1.1, 1.9  # upper arm to forearm, thigh to shin: of people, and at most
PASSED_OVER = 0.1  # for each bone within a limb that is no joint: twist bones are rarer than hands in two pieces
MOST_SPINE = 12  # bones between hips and head; more is a tail or a rope


def map_by_shape(bones: Bones) -> dict[str, str]:
    """Joint to bone for the body; empty where the armature has no two legs and two arms.

    Works in the armature's space with Z up or Y up. The sides are told by the feet, which point forwards.
    """
    if len(bones) < 12:
        return {}
    for up in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)):
        found = _Figure(bones, np.array(up)).joints()
        if found:
            return found
    return {}


class _Figure:
    """An armature looked at with one axis up."""

    def __init__(self, bones: Bones, up: np.ndarray) -> None:
        self.bones, self.up, self.children = bones, up, children_of(bones)
        heads = np.array([bone.head for bone in bones.values()])
        tails = np.array([bone.tail for bone in bones.values()])
        heights = np.concatenate([heads, tails]) @ up
        self.floor, self.height = float(heights.min()), float(np.ptp(heights))
        self.depth = {name: self._depth(name) for name in bones}

    def _depth(self, name: str) -> int:
        """How many bones hang below in the longest chain."""
        deepest, open_bones = 0, [(name, 0)]
        while open_bones:
            bone, depth = open_bones.pop()
            deepest = max(deepest, depth)
            open_bones += [(child, depth + 1) for child in self.children[bone]]
        return deepest

    def _high(self, name: str) -> float:
        return (float(self.bones[name].head @ self.up) - self.floor) / max(self.height, 1e-9)

    def joints(self) -> dict[str, str]:
        """The map; empty if there is no body."""
        for hips in self._by_depth(self.bones):
            legs = self._pair(hips, self._leg)
            if legs is None:
                continue
            without = {*legs[0], *legs[1]}
            arms = {chest: self._pair(chest, self._arm) for chest in self._by_depth(self._below(hips, without))}
            arms = {c: pair for c, pair in arms.items() if pair and not without & {*pair[0], *pair[1]}}
            arms = {c: pair for c, pair in arms.items() if self._high(pair[0][0]) > self._high(legs[0][0])}
            if arms:
                chest = max(arms, key=lambda name: self._length(arms[name][0]))
                return self._named(hips, legs, chest, *arms[chest])
        return {}

    def _by_depth(self, names: Iterable[str]) -> list[str]:
        """Bones with the farthest from the root first: the hips are nearer to the legs than the root is."""
        return sorted(names, key=lambda name: -len(ancestors_of(name, self.bones)))

    def _below(self, start: str, without: set[str]) -> Iterator[str]:
        open_bones = [start]
        while open_bones:
            name = open_bones.pop(0)
            if name not in without:
                yield name
                open_bones += self.children[name]

    def _pair(
        self, parent: str, limb_of: Callable[[list[str]], list[str] | None]
    ) -> tuple[list[str], list[str]] | None:
        """The longest two mirrored limbs that start below a bone."""
        limbs = [limb for limb in (limb_of(self._chain(start)) for start in self.children[parent]) if limb]
        best, length = None, 0.0
        for i, a in enumerate(limbs):
            for b in limbs[i + 1 :]:
                reach = self._length(a) + self._length(b)
                if reach > length and self._mirrored(a, b):
                    best, length = (a, b), reach
        return best

    def _length(self, limb: list[str]) -> float:
        return self._reach(limb[0], limb[1]) + self._reach(limb[1], limb[2])

    def _mirrored(self, a: list[str], b: list[str]) -> bool:
        """Whether two limbs are the same height and length at their joints, and apart."""
        if any(abs(self._high(one) - self._high(other)) > SAME_PLACE for one, other in zip(a[:3], b[:3])):
            return False
        apart = self._reach(a[1], b[1])
        return apart > SAME_PLACE * self.height and abs(self._length(a) - self._length(b)) < SAME_PLACE * self.height

    def _chain(self, start: str) -> list[str]:
        """A bone and its longest line of descendants, bones in the same place left out."""
        chain = [start]
        while self.children[chain[-1]]:
            chain.append(max(self.children[chain[-1]], key=lambda c: (self.depth[c], self._reach(chain[-1], c))))
        kept = [chain[0]]
        for name in chain[1:]:
            if self._reach(kept[-1], name) > 1e-3 * self.height:
                kept.append(name)
            elif len(kept) == 1:
                kept[0] = name
        return kept

    def _reach(self, one: str, other: str) -> float:
        return float(np.linalg.norm(self.bones[other].head - self.bones[one].head))

    def _leg(self, chain: list[str]) -> list[str] | None:
        """Hip, knee, ankle and toes: the ankle is where a chain that goes down turns forwards."""
        for k in range(2, len(chain)):
            tip = self.bones[chain[k + 1]].head if k + 1 < len(chain) else self.bones[chain[k]].tail
            step = tip - self.bones[chain[k]].head
            if self._high(chain[k]) < 0.25 and np.linalg.norm(step) > FORWARDS * abs(step @ self.up):
                halves = self._halves(chain[: k + 1], first=self.height * SHORTEST)
                return halves and [*halves, *chain[k + 1 : k + 2]]
        return None

    def _arm(self, chain: list[str]) -> list[str] | None:
        """Shoulder, elbow and wrist: the wrist is where a chain splits into fingers, or one of its last bones."""
        pairs = zip(chain, [*chain[1:], None])
        wrist = next((k for k, pair in enumerate(pairs) if k >= 2 and self._splits(*pair)), None)
        ends = [wrist] if wrist is not None else range(max(2, len(chain) - 3), len(chain))
        arms = [self._halves(chain[: end + 1], first=self.height * SHORTEST) for end in ends]
        return min((arm for arm in arms if arm), key=lambda arm: self._unlike(chain, arm), default=None)

    def _unlike(self, chain: list[str], limb: list[str]) -> float:
        """How unlike an arm or a leg three bones of a chain are; each bone of the chain that is passed over counts."""
        start, _, end = (chain.index(name) for name in limb)
        ratio = self._reach(limb[0], limb[1]) / self._reach(limb[1], limb[2])
        return abs(np.log(ratio / UPPER_TO_LOWER)) + PASSED_OVER * (end - start - 2)

    def _splits(self, name: str, following: str | None) -> bool:
        """Whether fingers start at a bone: children off the line to the next bone. Twist bones lie on it."""
        if following is None:
            return False
        along = self.bones[following].head - self.bones[name].head
        for child in self.children[name]:
            away = self.bones[child].head - self.bones[name].head
            far = np.linalg.norm(away)
            if child != following and far > 0.003 * self.height and along @ away < 0.985 * far * np.linalg.norm(along):
                return True
        return False

    def _halves(self, chain: list[str], *, first: float) -> list[str] | None:
        """Start, middle and end that are most like a limb's: collar and twist bones fall out."""
        limbs = []
        for i in range(min(3, len(chain) - 2)):
            for j in range(i + 1, len(chain) - 1):
                upper, lower = self._reach(chain[i], chain[j]), self._reach(chain[j], chain[-1])
                if min(upper, lower) > first and abs(np.log(upper / lower)) < np.log(MOST_UNLIKE):
                    limbs.append([chain[i], chain[j], chain[-1]])
        return min(limbs, key=lambda limb: self._unlike(chain, limb), default=None)

    def _named(self, hips: str, legs: tuple, chest: str, *arms: list[str]) -> dict[str, str]:
        found = {"Hips": hips}
        spine = [
            name
            for name in reversed([chest, *ancestors_of(chest, self.bones)])
            if hips in ancestors_of(name, self.bones)
        ]
        found |= _spread(spine[:MOST_SPINE])
        starts = [arm[0] for arm in arms]
        collars = [ancestors_of(start, self.bones)[0] for start in starts]
        neck = self._neck(chest, {*starts, *collars} - {chest})
        if neck:
            found |= {"Head": neck[-1]} | ({"Neck": neck[0]} if len(neck) > 1 else {})
        left = self._left(legs)
        for side, leg in zip(("Left", "Right"), legs if self._is_left(legs[0], legs[1], left) else legs[::-1]):
            found |= {side + limb: bone for limb, bone in zip(("UpperLeg", "LowerLeg", "Foot", "Toes"), leg)}
        for side, arm in zip(("Left", "Right"), arms if self._is_left(arms[0], arms[1], left) else arms[::-1]):
            found |= {side + limb: bone for limb, bone in zip(("UpperArm", "LowerArm", "Hand"), arm)}
            collar = ancestors_of(arm[0], self.bones)[0]
            if collar != chest:
                found[f"{side}Shoulder"] = collar
        return found

    def _neck(self, chest: str, arms: set[str]) -> list[str]:
        """Bones from the neck to the head: the chain from the chest that rises highest."""
        chain, name = [], chest
        while len(chain) < 4:
            above = [c for c in self.children[name] if c not in arms and self._high(c) >= self._high(name) - 0.01]
            if not above:
                break
            # the head carries the most bones (hair, eyes, jaw); among equals the one that reaches highest
            name = max(above, key=lambda c: (self._top(c), self.depth[c]))
            if chain and (self._top(name) - self._high(chain[-1]) < 0.04 or self._is_above_the_head(name, chain)):
                break
            chain.append(name)
            if sum(1 for c in self.children[name] if self._top(c) > self._high(name)) > 1:
                break
        return chain

    def _is_above_the_head(self, name: str, chain: list[str]) -> bool:
        """Whether the last bone of a chain is the head, and this one a face in its place or the top of its skull."""
        step = self._reach(chain[-1], name)
        if step < 0.005 * self.height:
            return True
        last = len(chain) > 1 and not self.children[name]
        return last and step > LONG_END * self._reach(chain[-2], chain[-1])

    def _top(self, name: str) -> float:
        bone = self.bones[name]
        return (float(max(bone.head @ self.up, bone.tail @ self.up)) - self.floor) / max(self.height, 1e-9)

    def _left(self, legs: tuple[list[str], list[str]]) -> np.ndarray:
        """The figure's left: up × forwards, which is where the feet point."""
        forwards = np.zeros(3)
        for leg in legs:
            tip = self.bones[leg[3]].head if len(leg) > 3 else self.bones[leg[2]].tail
            forwards += tip - self.bones[leg[2]].head
        forwards -= (forwards @ self.up) * self.up
        return np.cross(self.up, forwards)

    def _is_left(self, one: list[str], other: list[str], left: np.ndarray) -> bool:
        return float((self.bones[one[1]].head - self.bones[other[1]].head) @ left) > 0


def _spread(spine: list[str]) -> dict[str, str]:
    """Spine, Chest and UpperChest on a spine of any length, from the hips up."""
    if len(spine) < 4:
        return dict(zip(("Spine", "Chest", "UpperChest"), spine))
    return {"Spine": spine[0], "Chest": spine[len(spine) // 2], "UpperChest": spine[-1]}
