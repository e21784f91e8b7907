"""What a camera sees of bodies in motion: random bodies, cameras and detector noise, with exact truth for a lifter.

Bodies are the takes of ``training.motions`` with other proportions, mirrored, some with another take's upper body.
Lengths are in statures: a body is 1 tall. Every batch is made anew from a seed, so nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mocap.keypoints import BLAZEPOSE_33, COCO_17, LSP_14
from mocap.networks.lifter_features import FEET, features_of
from mocap.rotation import Array
from mocap.skeleton import humanoid
from mocap.solve import FACE
from training.motions import FPS, PARTS, POINTS, SourceTake

# Whole subjects of CMU, and keyed animations, that no training sees.
TEST_TAKES = (
    "iclone_direct/002", "iclone_direct/007", "iclone_direct/005_05", "iclone_direct/005_13", "cgspeed_walkcycles/02",
    "cgspeed_walkcycles/07", "cgspeed_walkcycles/16", "isaacgym/07", "isaacgym/55", "isaacgym/49", "keijiro/135_02",
    "from_expmap/train_jumping_5", "from_expmap/train_running_5", "from_expmap/train_soccer_5",
    "from_expmap/train_basketball_5", "from_expmap/train_basketball_signal_5",
    "quaternius_base/Jump_", "quaternius_base/Sitting_", "quaternius_base/Punch_", "quaternius_base/Dance_Loop",
    "quaternius_base/PickUp_Table", "mesh2motion_addon/Dance Charleston", "mesh2motion_addon/Throw Object",
    "mesh2motion_addon/Fighting Right Jab", "mesh2motion_addon/Jumping Jacks", "mesh2motion_addon/Kneeling",
)  # fmt: skip
POSED_AT_REST = ("iclone_direct", "keijiro")  # their rest pose is no T-pose: parts turn against the body's mean instead
NAMES = BLAZEPOSE_33.names
K = len(NAMES)
MIRROR = np.arange(K)
for _left, _right in BLAZEPOSE_33.mirror_pairs:
    MIRROR[[_left, _right]] = _right, _left
SHAKY = np.array([1.7 if n.endswith(("wrist", "pinky", "index", "thumb", "ankle", "heel")) else 1.0 for n in NAMES])
CONTACT_SPEED = 0.35  # statures a second: the CONTACT rule's 0.6 m/s
CONTACT_HEIGHT = 0.035  # statures: 0.06 m over the lowest place within half a second


@dataclass(frozen=True, eq=False)
class Body:
    """A take with its parts' frames, ready to be cut: points (T, 16, 3), frames of PARTS (T, 7, 3, 3)."""

    name: str
    points: Array
    frames: Array


@dataclass(frozen=True, eq=False)
class Batch:
    """features (B, T, F); truth (B, T, 33, 3) about the hips' middle, along the axes of the viewing camera, statures;

    up (B, T, 3) unit, the same axes; contacts (B, T, 4) of FEET, 0 or 1.
    """

    features: Array
    truth: Array
    up: Array
    contacts: Array


def split(takes: list[SourceTake]) -> tuple[list[Body], list[Body]]:
    """Bodies for training and for testing, which share no take."""
    bodies = [prepared(take) for take in takes]
    train = [body for body in bodies if not body.name.startswith(TEST_TAKES)]
    return train, [body for body in bodies if body.name.startswith(TEST_TAKES)]


def _at(points: Array, name: str) -> Array:
    return points[..., POINTS.index(name), :]


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _axes(x: Array, y: Array) -> Array:
    """Frames (…, 3, 3) whose columns are y's exact direction and the nearest x."""
    y = _unit(y)
    z = _unit(np.cross(x, y))
    return np.stack([np.cross(y, z), y, z], axis=-1)


def prepared(take: SourceTake) -> Body:
    """The take with legs of one length for all sources, and frames for head, hands and feet that mean the same."""
    points = take.points.astype(float)
    legs = [np.linalg.norm(_at(points, f"{s}_hip") - _at(points, f"{s}_knee"), axis=-1).mean() for s in SIDES]
    legs += [np.linalg.norm(_at(points, f"{s}_knee") - _at(points, f"{s}_ankle"), axis=-1).mean() for s in SIDES]
    points *= 2 * (LENGTHS["thigh"] + LENGTHS["shin"]) / sum(legs)
    frames = take.rotations.astype(float)
    chest = _axes(
        _at(points, "left_shoulder") - _at(points, "right_shoulder"),
        _middle(points, "shoulder") - _middle(points, "hip"),
    )
    posed = take.name.startswith(POSED_AT_REST)
    if posed:
        frames[:, PARTS.index("head")] = _against_mean(frames[:, PARTS.index("head")], chest)
    for i, side in enumerate(SIDES):
        forearm = _at(points, f"{side}_wrist") - _at(points, f"{side}_elbow")
        bends = np.cross(_at(points, f"{side}_elbow") - _at(points, f"{side}_shoulder"), forearm)
        bends = np.where(np.linalg.norm(bends, axis=-1, keepdims=True) > 1e-3, bends, -chest[..., 1])
        hand = frames[:, PARTS.index(f"{side}_wrist")]
        along = np.einsum("tij,j->ti", hand, take.arms_at_rest[i])
        forwards = hand[..., 2]
        if posed:
            along, forwards = forearm, np.cross(bends, forearm)
        frames[:, PARTS.index(f"{side}_wrist")] = _axes(forwards, along)  # columns: thumb's side, fingers, palm
        if posed:
            frames[:, PARTS.index(f"{side}_ankle")] = _foot_frame(points, side)
    return Body(take.name, points, frames)


def _middle(points: Array, part: str) -> Array:
    return 0.5 * (_at(points, f"left_{part}") + _at(points, f"right_{part}"))


def _against_mean(frames: Array, reference: Array) -> Array:
    """Frames turned by a constant so that in the mean they agree with the reference."""
    u, _, vt = np.linalg.svd(np.einsum("tji,tjk->ik", frames, reference))
    return np.asarray(frames @ (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt))


def _foot_frame(points: Array, side: str) -> Array:
    """Frames (T, 3, 3) of a foot from knee, ankle and ball: x to the left, y out of the instep, z along the sole."""
    foot = _unit(_at(points, f"{side}_ball") - _at(points, f"{side}_ankle"))
    shank = _at(points, f"{side}_knee") - _at(points, f"{side}_ankle")
    x = _unit(np.cross(shank, foot))
    sole = np.arctan2(LENGTHS["ankle_height"] - LENGTHS["ball_height"], LENGTHS["ball"])  # slope of ankle to ball
    z = np.cos(sole) * foot + np.sin(sole) * np.cross(foot, x)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _template() -> dict[str, float]:
    body = humanoid(1.0)
    rest = dict(zip(body.names, body.rest_positions()))
    distance = lambda a, b: float(np.linalg.norm(rest[a] - rest[b]))  # noqa: E731
    shoulders = 0.5 * (rest["LeftUpperArm"] + rest["RightUpperArm"])
    hips = 0.5 * (rest["LeftUpperLeg"] + rest["RightUpperLeg"])
    toes = rest["LeftToes"]
    return {
        "hip": 0.5 * distance("LeftUpperLeg", "RightUpperLeg"),
        "thigh": distance("LeftUpperLeg", "LeftLowerLeg"),
        "shin": distance("LeftLowerLeg", "LeftFoot"),
        "shoulder": 0.5 * distance("LeftUpperArm", "RightUpperArm"),
        "upper_arm": distance("LeftUpperArm", "LeftLowerArm"),
        "forearm": distance("LeftLowerArm", "LeftHand"),
        "trunk": float(np.linalg.norm(shoulders - hips)),
        "head": float(np.linalg.norm(rest["Head"] - shoulders)),
        "ear": float(0.25 * np.linalg.norm(body.ends["Head"])),
        "ankle_height": float(rest["LeftFoot"][1]),
        "ball_height": float(toes[1]),
        "ball": float(toes[2] - rest["LeftFoot"][2]),
        "toe_tip": float(np.linalg.norm(body.ends["LeftToes"])),
    }


SIDES = ("left", "right")
LENGTHS = _template()


def landmarks_of(body: Body, upper: Body, rng: np.random.Generator) -> Array:
    """The 33 landmarks (T, 33, 3) of a window with random proportions; ``upper`` gives what is above the hips."""
    P, varied = body.points, lambda sigma=0.05: float(np.exp(rng.normal(0, sigma)))
    size = varied(0.04)  # legs against stature
    hips = size * _middle(P, "hip")
    turn = _yaw_between(upper.points, P) if upper is not body else np.broadcast_to(np.eye(3), (len(P), 3, 3))
    places: dict[str, Array] = {}
    shoulders = hips + LENGTHS["trunk"] * varied() * _unit(
        _turned(turn, _middle(upper.points, "shoulder") - _middle(upper.points, "hip"))
    )
    widths = {"hip": LENGTHS["hip"] * varied(0.1), "shoulder": LENGTHS["shoulder"] * varied(0.08)}
    lengths = {part: LENGTHS[part] * varied() for part in ("upper_arm", "forearm")}
    thigh, shin, foot = size * varied(0.03), size * varied(0.03), size * varied(0.08)
    for i, side in enumerate(SIDES):
        places[f"{side}_hip"] = hips + widths["hip"] * _unit(_at(P, f"{side}_hip") - _middle(P, "hip"))
        places[f"{side}_knee"] = places[f"{side}_hip"] + thigh * (_at(P, f"{side}_knee") - _at(P, f"{side}_hip"))
        places[f"{side}_ankle"] = places[f"{side}_knee"] + shin * (_at(P, f"{side}_ankle") - _at(P, f"{side}_knee"))
        frame = body.frames[:, PARTS.index(f"{side}_ankle")]
        sole = -LENGTHS["ankle_height"] * foot
        heel = np.array([0, sole + 0.005, -0.035 * foot]) + rng.normal(0, 0.004, 3)
        toe = np.array([0, sole + 0.005, foot * (LENGTHS["ball"] + LENGTHS["toe_tip"])]) + rng.normal(0, 0.005, 3)
        places[f"{side}_heel"] = places[f"{side}_ankle"] + frame @ heel
        places[f"{side}_foot_index"] = places[f"{side}_ankle"] + frame @ toe
        _place_arm(places, side, i, shoulders, turn, upper, widths, lengths, rng)
    head = turn @ upper.frames[:, PARTS.index("head")]
    base = shoulders + LENGTHS["head"] * varied(0.1) * _unit(
        _turned(turn, _at(upper.points, "head") - _middle(upper.points, "shoulder"))
    )
    grown = varied(0.06)
    faces = {name: np.array(place) / 1.75 for name, place in FACE.items()}
    for eye, sign in (("left_eye", 1), ("right_eye", -1)):
        faces[f"{eye}_inner"] = faces[eye] - [sign * 0.006, 0, 0]
        faces[f"{eye}_outer"] = faces[eye] + [sign * 0.006, 0, 0]
    for name, place in faces.items():
        places[name] = base + head @ (grown * place + [0, LENGTHS["ear"], 0] + rng.normal(0, 0.003, 3))
    return np.stack([places[name] for name in NAMES], axis=1)


def _turned(turn: Array, vectors: Array) -> Array:
    return np.einsum("tij,tj->ti", turn, vectors)


def _place_arm(places: dict[str, Array], side: str, i: int, shoulders: Array, turn: Array, upper: Body,
               widths: dict[str, float], lengths: dict[str, float], rng: np.random.Generator) -> None:  # fmt: skip
    P = upper.points
    along = {"elbow": ("shoulder", "upper_arm"), "wrist": ("elbow", "forearm")}
    sideways = _unit(_turned(turn, _at(P, f"{side}_shoulder") - _middle(P, "shoulder")))
    places[f"{side}_shoulder"] = shoulders + widths["shoulder"] * sideways
    for part, (parent, limb) in along.items():
        bone = _unit(_turned(turn, _at(P, f"{side}_{part}") - _at(P, f"{side}_{parent}")))
        places[f"{side}_{part}"] = places[f"{side}_{parent}"] + lengths[limb] * bone
    hand = turn @ upper.frames[:, PARTS.index(f"{side}_wrist")]
    grown = np.exp(rng.normal(0, 0.12))
    for finger, place in (("index", (0.02, 0.05, 0)), ("pinky", (-0.018, 0.046, 0)), ("thumb", (0.025, 0.025, 0))):
        places[f"{side}_{finger}"] = places[f"{side}_wrist"] + hand @ (
            grown * np.array(place) + rng.normal(0, 0.004, 3)
        )


def _yaw_between(a: Array, b: Array) -> Array:
    """Rotations (T, 3, 3) about Y that turn the hips of a to those of b."""
    across = [_at(p, "left_hip") - _at(p, "right_hip") for p in (a, b)]
    angle = [np.unwrap(np.arctan2(-v[:, 2], v[:, 0])) for v in across]
    return _about_y(angle[1] - angle[0])


def _about_y(angle: Array) -> Array:
    c, s, o, l = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)  # noqa: E741
    return np.stack([np.stack([c, o, s], -1), np.stack([o, l, o], -1), np.stack([-s, o, c], -1)], axis=-2)


def cut(body: Body, frames: int, rng: np.random.Generator, speed: float) -> Body:
    """A window of ``frames`` at another speed; a take that is too short is played to and fro."""
    T = len(body.points)
    ticks = rng.uniform(0, max(T - 1 - speed * (frames - 1), 0)) + speed * np.arange(frames)
    ticks = np.abs((ticks + T - 1) % (2 * T - 2) - (T - 1)) if T > 1 else 0 * ticks
    ticks = ticks if ticks.max() <= T - 1 else np.clip(ticks, 0, T - 1)
    low = np.minimum(ticks.astype(int), T - 2)
    part = (ticks - low)[:, None, None]
    points = (1 - part) * body.points[low] + part * body.points[low + 1]
    return Body(body.name, points, body.frames[np.rint(ticks).astype(int)])


class Views:
    """Batches of windows, each seen by a camera of its own."""

    def __init__(self, bodies: list[Body], *, frames: int = 81, noisy: bool = True) -> None:
        self.bodies, self.frames, self.noisy = bodies, frames, noisy
        share = np.array([len(body.points) ** 0.5 for body in bodies])
        walks = np.array([0.5 if "walk" in body.name else 1.0 for body in bodies])
        self.chances = share * walks / np.sum(share * walks)

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """``size`` windows."""
        world = np.stack([self._window(rng) for _ in range(size)])
        seen, up = _viewed(world, rng)
        return _noticed(seen, up, _touching(world), rng, noisy=self.noisy)

    def _window(self, rng: np.random.Generator) -> Array:
        choose = lambda: self.bodies[rng.choice(len(self.bodies), p=self.chances)]  # noqa: E731
        speed = float(np.exp(rng.uniform(np.log(0.6), np.log(1.5))))
        body = cut(choose(), self.frames, rng, speed)
        upper = cut(choose(), self.frames, rng, speed) if self.noisy and rng.random() < 0.3 else body
        landmarks = landmarks_of(body, upper, rng)
        if rng.random() < 0.5:
            landmarks = landmarks[:, MIRROR] * [-1, 1, 1]
        return landmarks


def _touching(world: Array) -> Array:
    """Contacts (B, T, 4) of FEET: slow and low."""
    feet = world[:, :, [NAMES.index(name) for name in FEET]]
    speed = np.linalg.norm(np.gradient(feet, axis=1), axis=-1) * FPS
    low = np.minimum.accumulate(feet[..., 1], axis=1)[:, -1:, :]
    half = FPS // 2
    padded = np.pad(feet[..., 1], ((0, 0), (half, half), (0, 0)), mode="edge")
    low = np.min(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1), axis=-1)
    return np.asarray((speed < CONTACT_SPEED) & (feet[..., 1] - low < CONTACT_HEIGHT), dtype=float)


def _viewed(world: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Landmarks (B, T, 33, 3) in the frame of a random camera, and up (B, 3) in it."""
    B = len(world)
    hips = 0.5 * (world[:, :, NAMES.index("left_hip")] + world[:, :, NAMES.index("right_hip")])
    middle = np.median(hips, axis=1)
    yaw, roll = rng.uniform(0, 2 * np.pi, B), np.radians(np.clip(rng.normal(0, 6, B), -20, 20))
    pitch = np.radians(np.clip(rng.normal(10, 14, B), -20, 50))
    distance = np.exp(rng.uniform(np.log(1.2), np.log(6.0), B))
    R = _about_y(yaw)
    c, s = np.cos(pitch), np.sin(pitch)
    down = np.zeros(
        (B, 3, 3)
    )  # x right, y down, z forwards of a camera that looks along world -Z, turned down by pitch
    down[:, 0, 0], down[:, 1, 1], down[:, 1, 2], down[:, 2, 1], down[:, 2, 2] = 1, -c, s, -s, -c
    c, s = np.cos(roll), np.sin(roll)
    rolled = np.zeros((B, 3, 3))
    rolled[:, 0, 0], rolled[:, 0, 1], rolled[:, 1, 0], rolled[:, 1, 1], rolled[:, 2, 2] = c, -s, s, c, 1
    camera = rolled @ down @ R
    seen = np.einsum("bij,btkj->btki", camera, world - middle[:, None, None])
    spread = np.abs(seen).max(axis=(1, 2, 3))
    depth = np.maximum(distance, spread + 0.25)
    off_axis = rng.normal(0, 0.12, (B, 2)) * depth[:, None]
    place = np.concatenate([off_axis, depth[:, None]], axis=1)
    return seen + place[:, None, None], camera[:, :, 1]


def _slow_noise(shape: tuple[int, ...], memory: float, rng: np.random.Generator) -> Array:
    """Noise of unit variance that is correlated along axis 1 (first-order autoregressive)."""
    white = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        white[:, t] = memory * white[:, t - 1] + np.sqrt(1 - memory**2) * white[:, t]
    return white


def _spans(B: int, T: int, chance: float, rng: np.random.Generator) -> Array:
    """Flags (B, T, K): each keypoint with that chance lacks for a random span."""
    begin, length = rng.integers(-10, T, (B, K)), rng.geometric(0.06, (B, K))
    t = np.arange(T)[None, :, None]
    hit = rng.random((B, K)) < chance
    return np.asarray(hit[:, None] & (t >= begin[:, None]) & (t < (begin + length)[:, None]))


def _noticed(seen: Array, up: Array, contacts: Array, rng: np.random.Generator, *, noisy: bool) -> Batch:
    """What a detector says of landmarks in the camera's frame, as the network's features, beside the truth."""
    B, T = seen.shape[:2]
    rays = seen[..., :2] / np.maximum(seen[..., 2:], 0.1)
    size = 1 / np.median(seen[..., 2], axis=(1, 2))[:, None, None, None]  # rays a stature long
    confidence = np.full((B, T, K), 0.95)
    if noisy:
        level = np.exp(rng.normal(0, 0.5, (B, 1, 1))) * SHAKY
        bias = rng.normal(0, 0.008, (B, 1, K, 2)) * SHAKY[:, None]
        shake = 0.006 * level[..., None] * _slow_noise((B, T, K, 2), 0.8, rng)
        doubtful = _spans(B, T, 0.12, rng)
        wrong = doubtful[..., None] * (0.05 * _slow_noise((B, T, K, 2), 0.95, rng))
        rays = rays + size * (bias + shake + wrong) + 0.003 * size * rng.standard_normal((B, T, K, 2))
        confidence = np.clip(rng.uniform(0.8, 1.0, (B, 1, K)) + rng.normal(0, 0.02, (B, T, K)), 0.3, 1)
        confidence = np.where(doubtful, rng.uniform(0.1, 0.7, (B, 1, K)), confidence)
        confidence = _fewer(confidence, rng)
        rays = rays * np.exp(rng.normal(0, 0.12, (B, 1, 1, 1)))  # the focal length is a guess
    truth_turn, features = features_of(rays, confidence, _guess(seen, rng) if noisy else None)
    about_hips = seen - 0.5 * (seen[:, :, [NAMES.index("left_hip")]] + seen[:, :, [NAMES.index("right_hip")]])
    truth = np.einsum("btij,btkj->btki", truth_turn, about_hips)
    return Batch(features, truth, np.einsum("btij,bj->bti", truth_turn, up), contacts)


def _fewer(confidence: Array, rng: np.random.Generator) -> Array:
    """Some windows with the keypoints of smaller layouts only, without legs, or with gaps."""
    B, T, _ = confidence.shape
    confidence = np.where(_spans(B, T, 0.06, rng), 0.0, confidence)
    for layout, chance in ((COCO_17, 0.08), (LSP_14, 0.08)):
        kept = np.isin(NAMES, layout.names)
        confidence = np.where((rng.random((B, 1, 1)) < chance) & ~kept, 0.0, confidence)
    legs = np.array([n.endswith(("knee", "ankle", "heel", "foot_index")) for n in NAMES])
    return np.where((rng.random((B, 1, 1)) < 0.04) & legs, 0.0, confidence)


def _guess(seen: Array, rng: np.random.Generator) -> Array:
    """A pose network's own 3D (B, T, 33, 3) with its faults: leaning, flat, trembling depth; NaN is none."""
    B, T = seen.shape[:2]
    about_hips = seen - 0.5 * (seen[:, :, [NAMES.index("left_hip")]] + seen[:, :, [NAMES.index("right_hip")]])
    lean = np.radians(rng.normal(0, 10, (B, 1)) + 4 * _slow_noise((B, T), 0.97, rng))
    c, s = np.cos(lean), np.sin(lean)
    y, z = about_hips[..., 1], about_hips[..., 2] * rng.uniform(0.6, 1.1, (B, 1, 1))
    far = np.linalg.norm(about_hips, axis=-1)
    z = z + 0.16 * far * (0.7 * rng.standard_normal((B, 1, K)) + 0.8 * _slow_noise((B, T, K), 0.93, rng))
    leaning = np.stack(
        [about_hips[..., 0], c[..., None] * y - s[..., None] * z, s[..., None] * y + c[..., None] * z], -1
    )
    leaning = leaning + 0.012 * _slow_noise((B, T, K, 3), 0.8, rng) + rng.normal(0, 0.012, (B, 1, K, 3))
    absent = rng.random((B, 1, 1, 1)) < 0.35
    return np.where(absent, np.nan, leaning)
