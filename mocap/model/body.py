"""The human body, once: its parts, their joints, the keypoints that show them, joint limits and contact points.

Solver, joint limits, left/right repair, contact detection, corrections, report and validation read this table; none of
them keeps one of its own. A new part (a hand with fingers, say) is one more entry of ``BODY``.
"""

from __future__ import annotations

import math

from mocap.model.parts import SIDES, Body, Contact, Joint, Limit, Marker, Part, both_sides

# Rest offsets: Winter, "Biomechanics and Motor Control of Human Movement" (4th ed.), fig. 4.1 after Drillis & Contini.
# Limits: widest normal ranges (AAOS, "Joint Motion: Method of Measuring and Recording") with a margin of about a tenth.
# The face: adult means in the head's frame, rounded to half a centimetre.
_SPINE = Limit(45, 35)
TRUNK = Part(
    "trunk",
    "trunk",
    "",
    (
        Joint("Hips", None, (0.0, 0.525, 0.0), is_optimised=True),
        Joint("Spine", "Hips", (0.0, 0.060, 0.0), _SPINE, give=0.15),
        Joint("Chest", "Spine", (0.0, 0.070, 0.0), _SPINE, is_optimised=True, give=0.15),
        Joint("UpperChest", "Chest", (0.0, 0.070, 0.0), _SPINE, give=0.15),
    ),
)
_FACE = (
    Marker("left_ear", (0.075, 0.0, 0.0), is_steady=True),
    Marker("right_ear", (-0.075, 0.0, 0.0), is_steady=True),
    Marker("left_eye", (0.032, 0.025, 0.085)),
    Marker("right_eye", (-0.032, 0.025, 0.085)),
    Marker("nose", (0.0, -0.015, 0.115)),
    Marker("left_mouth", (0.025, -0.06, 0.09)),
    Marker("right_mouth", (-0.025, -0.06, 0.09)),
    *(Marker(f"{side}_eye_{corner}") for side in SIDES for corner in ("inner", "outer")),
    Marker("head_top", is_solved=False),
)
HEAD = Part(
    "head",
    "head",
    "",
    (
        Joint(
            "Neck",
            "UpperChest",
            (0.0, 0.113, 0.0),
            Limit(50, 50),
            markers=(Marker("neck", is_solved=False),),
            give=0.3,
        ),
        Joint("Head", "Neck", (0.0, 0.060, 0.010), Limit(60, 60), markers=_FACE, end=(0.0, 0.097, 0.0), give=0.3),
    ),
)
LEFT_ARM = Part(
    "left_arm",
    "arm",
    "left",
    (
        Joint("LeftShoulder", "UpperChest", (0.020, 0.088, 0.0), Limit(35, 15), is_optimised=True, give=0.2),
        Joint("LeftUpperArm", "LeftShoulder", (0.085, 0.0, 0.0), Limit(160, 110), "left_shoulder", is_optimised=True),
        Joint(
            "LeftLowerArm",
            "LeftUpperArm",
            (0.172, 0.0, 0.0),
            Limit(160, 100, (0.0, -1.0, 0.0)),
            "left_elbow",
            is_optimised=True,
        ),
        Joint(
            "LeftHand",
            "LeftLowerArm",
            (0.157, 0.0, 0.0),
            Limit(85, 90),
            "left_wrist",
            markers=(Marker("left_pinky"), Marker("left_index"), Marker("left_thumb")),
            end=(0.108, 0.0, 0.0),
        ),
    ),
    without_tips="no hands: they follow the forearms",
)
LEFT_LEG = Part(
    "left_leg",
    "leg",
    "left",
    (
        Joint("LeftUpperLeg", "Hips", (0.055, 0.0, 0.0), Limit(140, 70), "left_hip", is_optimised=True),
        Joint(
            "LeftLowerLeg",
            "LeftUpperLeg",
            (0.0, -0.245, 0.0),
            Limit(165, 40, (1.0, 0.0, 0.0)),
            "left_knee",
            is_optimised=True,
        ),
        Joint(
            "LeftFoot",
            "LeftLowerLeg",
            (0.0, -0.246, 0.0),
            Limit(75, 50),
            "left_ankle",
            markers=(Marker("left_heel"), Marker("left_foot_index", is_steady=True)),
            is_optimised=True,
        ),
        Joint("LeftToes", "LeftFoot", (0.0, -0.030, 0.080), Limit(60, 20), end=(0.0, -0.004, 0.037), give=0.15),
    ),
    contacts=(
        # the heel lies at the height of the toes, a third of their distance behind the ankle
        Contact("LeftHeel", "LeftFoot", "left_heel", (math.inf, 1.0, -3.0)),
        Contact("LeftToes", "LeftToes", "left_foot_index", (1.0, 1.0, 1.0)),
    ),
    without_tips="no heels and toes: the pitch of feet follows the shins or the floor",
)
BODY = Body((TRUNK, HEAD, *both_sides(LEFT_ARM), *both_sides(LEFT_LEG)))
GROUPS = ("trunk", "arms", "legs")  # keypoints whose left and right a network swaps together
TRUNK_CORNERS = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
