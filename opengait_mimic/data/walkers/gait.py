"""How a body moves: joint angles over the gait cycle, and the spheres of the body that follow from them.

Axes: x forward, y left, z up, metres; the ground is z = 0. Phase 0 is the left heel strike.
"""

from __future__ import annotations

import numpy as np

from .body import Session, Subject

# Angles in degrees at the given share of the cycle, from one heel strike to the next of the same foot: the thigh
# against the vertical (forward positive), the bend of the knee, the foot against the shank (toes up positive).
# Source: drawn after the normal curves in D. A. Winter, Biomechanics and Motor Control of Human Movement.
THIGH = (
    (0.00, 0.12, 0.30, 0.40, 0.50, 0.55, 0.60, 0.70, 0.80, 0.87, 0.95),
    (21, 17, 1, -8, -17, -18, -14, 4, 17, 24, 23),
)
KNEE = (
    (0.00, 0.05, 0.12, 0.20, 0.30, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.74, 0.80, 0.85, 0.90, 0.95),
    (3, 10, 17, 15, 8, 4, 5, 11, 21, 37, 52, 60, 59, 46, 30, 13, 4),
)
ANKLE = (
    (0.00, 0.06, 0.12, 0.20, 0.30, 0.40, 0.48, 0.55, 0.62, 0.66, 0.72, 0.80, 0.90),
    (0, -6, -2, 4, 7, 10, 9, -3, -17, -15, -6, 0, 2),
)

Spheres = dict  # name -> (centre [s, 3] or [3], radius)


def _curve(knots: tuple, phase: np.ndarray) -> np.ndarray:
    return np.radians(np.interp(phase, *knots, period=1.0))


def _turned(x, y, angle):
    """(x, y) turned about the vertical."""
    return x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)


def _xyz(x, y, z) -> np.ndarray:
    point = np.empty((*np.broadcast(x, y, z).shape, 3))
    point[..., 0], point[..., 1], point[..., 2] = x, y, z
    return point


def _leg(who: Subject, day: Session, hip: np.ndarray, phase: np.ndarray, side: int) -> Spheres:
    amount = who.stride * (1 + side * who.limp) * np.sqrt(day.speed)
    thigh = amount * _curve(THIGH, phase)
    shank = thigh - who.knee_lift * _curve(KNEE, phase)
    foot = shank + _curve(ANKLE, phase)
    upper, lower = who.thigh * who.stature, who.shank * who.stature
    inward = side * (who.step_width - who.hips * who.stature) / (upper + lower)
    knee = hip + upper * _xyz(np.sin(thigh), inward, -np.cos(thigh))
    ankle = knee + lower * _xyz(np.sin(shank), inward, -np.cos(shank))
    calf = knee + 0.3 * (ankle - knee) + 0.018 * _xyz(-np.cos(shank), 0, -np.sin(shank))

    def sole(ahead: float, below: float) -> np.ndarray:
        flat = ahead * np.cos(foot) + below * np.sin(foot)
        x, y = _turned(flat, 0.0, side * np.radians(who.toe_out))
        return ankle + _xyz(x, y, ahead * np.sin(foot) - below * np.cos(foot))

    length, fat = who.foot * who.stature, who.build
    return {
        "groin": (hip, (who.thigh_radius + 0.008) * fat),
        "knee": (knee, 0.8 * who.calf_radius * fat + 0.012),
        "calf": (calf, who.calf_radius * fat),
        "ankle": (ankle, 0.62 * who.calf_radius * fat + 0.004),
        "heel": (sole(-0.2 * length, 0.042), 0.034),
        "ball": (sole(0.48 * length, 0.048), 0.031),
        "toe": (sole(0.68 * length, 0.054), 0.022),
    }


def _arm(who: Subject, day: Session, shoulder: np.ndarray, phase: np.ndarray, side: int, held: bool) -> Spheres:
    swing = who.arm_swing * (1 - side * who.limp) * day.arm_swing * day.speed * (0.35 if held else 1.0)
    beat = -np.cos(2 * np.pi * phase)  # furthest back at the heel strike of the same side
    upper = np.radians(who.arm_carry + swing * beat)
    bend = 6.0 if held else np.maximum(who.elbow + day.elbow + 0.35 * swing * beat, 4.0)
    lower = upper + np.radians(bend)
    out = side * np.sin(np.radians(np.maximum(who.arm_spread + day.arm_spread, 1.0)))
    elbow = shoulder + who.upper_arm * who.stature * _xyz(np.sin(upper), out, -np.cos(upper))
    wrist = elbow + who.forearm * who.stature * _xyz(np.sin(lower), 0.3 * out, -np.cos(lower))
    hand = wrist + 0.052 * who.stature * _xyz(np.sin(lower), 0.0, -np.cos(lower))
    r = who.arm_radius * who.build + day.coat * 0.45
    return {
        "shoulder": (shoulder, r + 0.012),
        "elbow": (elbow, 0.9 * r),
        "wrist": (wrist, 0.66 * r),
        "hand": (hand, 0.034),
    }


def pose_body(who: Subject, day: Session, phase: np.ndarray) -> Spheres:
    """The spheres of the body at each phase of the gait cycle (``[s]``, 1 is a whole cycle), walking on the spot.

    Returns:
        Name, as `hulls` uses it -> (centre ``[s, 3]``, radius).
    """
    h, fat, tau = who.stature, who.build, 2 * np.pi * phase
    beat = np.cos(tau)
    pelvis_turn = -np.radians(who.pelvis_turn) * beat
    shoulder_turn = np.radians(who.shoulder_turn) * beat
    lean = np.radians(who.lean + day.lean + 1.0 * np.cos(2 * tau))
    sway = who.sway * np.sin(tau)
    pelvis = _xyz(0.0, sway, 0.0)
    up = _xyz(np.sin(lean), -0.25 * sway / (who.trunk * h), np.cos(lean))
    neck = pelvis + who.trunk * h * up
    waist = pelvis + 0.42 * who.trunk * h * up
    coat = day.coat
    chest_r = who.chest_radius * fat + coat
    waist_r = who.waist_radius * fat + 1.2 * coat
    hip_r = who.hip_radius * fat + 0.9 * coat

    body: Spheres = {}
    for side, tag in ((1, "_l"), (-1, "_r")):
        own = phase if side == 1 else phase + 0.5
        x, y = _turned(0.0, side * who.hips * h, pelvis_turn)
        drop = 0.008 * side * np.sin(tau)  # the pelvis sinks on the side of the swinging leg
        hip = pelvis + _xyz(x, y, drop)
        body |= {name + tag: ball for name, ball in _leg(who, day, hip, own, side).items()}
        back = 0.02
        x, y = _turned(-back, side * max(0.095 * h * fat - who.hip_radius * fat, 0.01), pelvis_turn)
        body["seat" + tag] = (pelvis + _xyz(x, y, 0.035), hip_r)
        x, y = _turned(0.0, side * max(0.148 * fat - who.waist_radius * fat, 0.01), 0.3 * pelvis_turn)
        body["waist" + tag] = (waist + _xyz(x, y, 0.0), waist_r)
        x, y = _turned(0.0, side * (who.shoulders * h - 0.055), shoulder_turn)
        body["chest" + tag] = (neck + _xyz(x, y, -0.085), chest_r)
        x, y = _turned(0.0, side * who.shoulders * h, shoulder_turn)
        held = day.bag == "handbag" and side == day.bag_side
        arm = _arm(who, day, neck + _xyz(x, y, -0.03), own, side, held)
        body |= {name + tag: ball for name, ball in arm.items()}
        if coat:
            thigh = body["knee" + tag][0] - hip
            hang = _xyz(0.0, 0.02 * side, -0.2 * day.hem * who.thigh * h)
            body["hem" + tag] = (hip + 0.8 * day.hem * thigh + hang, 0.085 + coat)

    poke = who.head_poke + day.head_poke + np.sin(lean) * 0.06
    head = neck + _xyz(poke, 0.0, who.neck * h)
    body["neck"] = (neck + _xyz(0.25 * poke, 0.0, 0.0), 0.055 + 0.3 * coat)
    body["nape"] = (neck + _xyz(0.6 * poke, 0.0, 0.55 * who.neck * h), 0.052 + 0.3 * coat)
    body["head"] = (head, who.head_radius)
    body["jaw"] = (head + _xyz(0.03, 0.0, -0.065), 0.66 * who.head_radius)
    body["hair"] = (head + _xyz(-0.01 - max(who.hair, 0.0), 0.0, 0.012), who.head_radius)
    body["belly"] = (waist + _xyz(max(who.belly, 0.0), 0.0, -0.02), who.waist_radius * fat + coat)
    body["stoop"] = (neck + _xyz(-max(who.stoop, 0.0), 0.0, -0.10), chest_r)
    _bag(body, day, neck, waist)
    _stand(body, who, day, phase)
    return body


def _bag(body: Spheres, day: Session, neck: np.ndarray, waist: np.ndarray) -> None:
    """Add what is carried as the spheres ``bag_0``.. ``bag_3``."""
    size, side = day.bag_size, day.bag_side
    tag = "_l" if side == 1 else "_r"
    if day.bag == "backpack":
        ends = ((neck, -0.12), (waist, 0.0))
        corners = [end + np.array([-0.17 - 0.03 * size, y, up]) for end, up in ends for y in (-0.07, 0.07)]
        radius = 0.09 * size
    elif day.bag == "handbag":
        hand = body["hand" + tag][0]
        ups = (-0.10, -0.10 - 0.16 * size)
        corners = [hand + np.array([x * size, 0.01 * side, up]) for x in (-0.10, 0.10) for up in ups]
        radius = 0.045 * size
    elif day.bag == "satchel":
        hip = body["seat" + tag][0]
        ups = (0.06, 0.06 - 0.18 * size)
        corners = [hip + np.array([x * size - 0.03, 0.14 * side, up]) for x in (-0.11, 0.11) for up in ups]
        radius = 0.06 * size
    else:
        return
    body |= {f"bag_{i}": (corner, radius) for i, corner in enumerate(corners)}


def _stand(body: Spheres, who: Subject, day: Session, phase: np.ndarray) -> None:
    """Add the clothes and lift the body so that the lower foot stands on the ground: the bounce of the trunk."""
    soles = [body[part + tag] for part in ("heel", "ball", "toe") for tag in ("_l", "_r")]
    lift = -np.min([centre[:, 2] - radius for centre, radius in soles], axis=0)
    spring = who.bounce * -np.cos(4 * np.pi * phase)
    bare = ("head", "jaw", "hair", "nape", "hand_l", "hand_r")
    for name, (centre, radius) in body.items():
        foot = name[:-2] in ("heel", "ball", "toe", "ankle")
        centre = centre.copy()
        centre[:, 2] += lift if foot else lift + spring
        body[name] = (centre, radius if foot or name in bare else radius + day.clothes)


def list_hulls(day: Session) -> list[tuple[str, ...]]:
    """The body as hulls of named spheres; a limb is the hull of two, more are a ring."""
    parts = [("head", "jaw"), ("head", "hair"), ("neck", "nape"), ("nape", "jaw")]
    parts += [("chest_l", "chest_r", "waist_r", "waist_l"), ("waist_l", "waist_r", "seat_r", "seat_l")]
    parts += [("neck", "shoulder_l"), ("neck", "shoulder_r"), ("stoop", "belly")]
    for tag in ("_l", "_r"):
        chain = (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand"), ("groin", "knee"), ("knee", "ankle"))
        parts += [(a + tag, b + tag) for a, b in (*chain, ("calf", "ankle"))]
        parts += [tuple(name + tag for name in ("ankle", "heel", "ball", "toe"))]
    if day.coat:
        parts += [("waist_l", "waist_r", "hem_r", "hem_l")]
    if day.bag:
        parts += [("bag_0", "bag_1", "bag_3", "bag_2")]
    return parts


def measure_stride(who: Subject, day: Session) -> float:
    """Metres per gait cycle: twice the distance between the ankles when a heel strikes, so that feet do not slide."""
    body = pose_body(who, day, np.array([0.0, 0.5]))
    left, right = body["ankle_l"][0][:, 0], body["ankle_r"][0][:, 0]
    return float(np.abs(left - right).sum())
