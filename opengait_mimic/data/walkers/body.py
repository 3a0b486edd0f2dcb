"""Who a subject is (the same in every session) and what a session changes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from .random_stream import RandomStream


def _trait(mean: float, sd: float):
    return field(metadata={"mean": mean, "sd": sd})


@dataclass(frozen=True)
class Subject:
    """One walker: shape and gait that all of the subject's sequences share.

    Each trait is drawn from a bell curve with the mean and standard deviation written next to it. Lengths marked
    ``share`` are shares of the stature; radii are metres at ``build`` 1; angles are degrees.
    """

    seed: int
    index: int
    # shape
    stature: float = _trait(1.70, 0.085)  # m
    build: float = _trait(1.0, 0.08)  # factor on all radii but the head's
    thigh: float = _trait(0.245, 0.009)  # share
    shank: float = _trait(0.240, 0.009)  # share
    foot: float = _trait(0.150, 0.007)  # share
    trunk: float = _trait(0.288, 0.011)  # share, hip to shoulder
    neck: float = _trait(0.107, 0.007)  # share, shoulder line to centre of the head
    upper_arm: float = _trait(0.172, 0.008)  # share
    forearm: float = _trait(0.148, 0.008)  # share
    shoulders: float = _trait(0.108, 0.009)  # share, half the width between the joints
    hips: float = _trait(0.053, 0.005)  # share, half the width between the joints
    head_radius: float = _trait(0.097, 0.007)
    hair: float = _trait(0.0, 0.025)  # m that hair stands off the back of the head; below zero: none
    chest_radius: float = _trait(0.105, 0.010)
    waist_radius: float = _trait(0.100, 0.010)
    hip_radius: float = _trait(0.108, 0.009)
    belly: float = _trait(0.02, 0.022)  # m forward
    thigh_radius: float = _trait(0.078, 0.007)
    calf_radius: float = _trait(0.052, 0.005)
    arm_radius: float = _trait(0.044, 0.004)
    # gait
    cadence: float = _trait(0.94, 0.055)  # strides per second at the usual speed
    stride: float = _trait(1.0, 0.09)  # factor on the swing of the thighs
    knee_lift: float = _trait(1.0, 0.09)  # factor on the bend of the knee
    arm_swing: float = _trait(21.0, 7.0)  # degrees to either side
    arm_carry: float = _trait(-3.0, 5.0)  # mean angle of the upper arm, forward positive
    arm_spread: float = _trait(8.0, 3.5)  # away from the body
    elbow: float = _trait(22.0, 9.0)  # mean bend
    bounce: float = _trait(0.0, 0.007)  # m on top of what the legs give
    lean: float = _trait(4.0, 3.0)  # trunk forward
    head_poke: float = _trait(0.035, 0.018)  # m that the head is ahead of the shoulders
    stoop: float = _trait(0.02, 0.014)  # m that the upper back is behind the shoulders
    pelvis_turn: float = _trait(6.0, 2.0)
    shoulder_turn: float = _trait(6.0, 2.5)
    sway: float = _trait(0.018, 0.007)  # m to the standing leg
    step_width: float = _trait(0.055, 0.014)  # m, half the distance between the ankles
    toe_out: float = _trait(7.0, 5.0)
    limp: float = _trait(0.0, 0.045)  # left against right, share of the swing of thigh and arm


@dataclass(frozen=True)
class Session:
    """What one session changes: pace, posture of the day, clothes, something carried."""

    speed: float  # factor on the usual speed
    lean: float  # degrees
    arm_swing: float  # factor
    elbow: float  # degrees
    head_poke: float  # m
    arm_spread: float  # degrees
    clothes: float  # m on all radii but the head's
    coat: float = 0.0  # m of cloth on trunk and arms; 0: no coat
    hem: float = 0.0  # lower end of the coat, share of the thigh
    bag: str = ""  # "", "backpack", "handbag" or "satchel"
    bag_size: float = 1.0
    bag_side: int = 1  # 1 left, -1 right


def draw_subject(seed: int, index: int) -> Subject:
    """The walker ``index`` (1 upwards, as in the label) of the population ``seed``; who else is generated does not matter."""
    draws = RandomStream(seed, "subject", index)
    traits = [f for f in fields(Subject) if f.metadata]
    return Subject(seed, index, **{f.name: float(draws.bell(f.metadata["mean"], f.metadata["sd"])) for f in traits})


def draw_session(who: Subject, name: str) -> Session:
    """What the session ``name`` (nm- normal, bg- bag or cl- coat, then two digits) changes for this subject in all views."""
    draws = RandomStream(who.seed, "session", who.index, name)
    day = {
        "speed": float(draws.bell(1.0, 0.09)),
        "lean": float(draws.bell(0.0, 1.6)),
        "arm_swing": float(draws.bell(1.0, 0.16)),
        "elbow": float(draws.bell(0.0, 4.5)),
        "head_poke": float(draws.bell(0.0, 0.011)),
        "arm_spread": float(draws.bell(0.0, 2.0)),
        "clothes": float(draws.uniform(-0.004, 0.010)),
    }
    if name.startswith("cl"):
        day["coat"] = float(draws.uniform(0.018, 0.04))
        day["hem"] = float(draws.uniform(0.35, 1.05))
    if name.startswith("bg"):
        day["bag"] = ("backpack", "handbag", "satchel")[int(draws.uniform(0, 3))]
        day["bag_size"] = float(draws.uniform(0.75, 1.25))
        day["bag_side"] = 1 if draws.uniform() < 0.5 else -1
    return Session(**day)
