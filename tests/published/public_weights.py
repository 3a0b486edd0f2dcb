"""Weights of the public MimicGait code under our names, and ours under its names. Pure: dictionaries of tensors in, the same out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PublicWeightsError(RuntimeError):
    """Weights of the public code do not fit our network; the message lists every name."""


class Rule(NamedTuple):
    """What becomes of the public names that begin alike."""

    theirs: str
    ours: str | None  # what takes the place of ``theirs``; None: dropped
    note: str  # the group they belong to, or why they are dropped


TRUNK = (("layer1.0.", "trunk.0."), ("layer2.0.", "trunk.3."), ("layer3.0.", "trunk.6."), ("fc1.", "fc."), ("layer4.0.", "fc."))
HEADS = (("fc2.", "kind_head."), ("classification_head.0.", "kind_head."), ("layer5.0.", "kind_head."),
         ("fc_amount_head.", "amount_head."), ("layer_amount.0.", "amount_head."))  # fmt: skip
DEEP = (
    "the public code's deep detector (`detector_type: deep`) is another network than our VEN, which has three convolutions; there is"
    " nothing to import it into"
)
REFUSED = {  # how a public name begins -> why nothing of ours is the network that has it
    **{prefix + name: DEEP for prefix in ("", "occ_detector.") for name in ("layer3_1.", "fc0.")},
    "Bn.": "this GaitGL ranks the fused embedding after its BatchNorm head, ours before a head; one with SeparateBNNecks can be imported",
}


def _detector(theirs: str, pairs: tuple, note: str) -> tuple[Rule, ...]:
    return tuple(Rule(theirs + name, f"VEN.{ours}", note) for name, ours in pairs)


RULES = {
    "mimicgait": (
        Rule("mimic_component.", "Mimic.", "mimic"),
        Rule("occ_mixer_fc.", "Mixer.", "mixer T"),
        *_detector("occ_detector.", TRUNK, "VEN trunk"),
        Rule("full_component.", None, "the teacher, as its BatchNorm statistics drifted; our checkpoints hold no teacher"),
        Rule("BNNecks.", "BNNecks.", "identity head"),
    ),
    "occlusionaware": (
        Rule("occ_mixer_fc.", "Mixer.", "mixer T"),
        *_detector("occ_detector.", TRUNK, "VEN trunk"),
        Rule("BNNecks.", "BNNecks.", "identity head"),
        Rule("", "Backbone.", "backbone"),
    ),
    "ven": (*_detector("", TRUNK, "VEN trunk"), *_detector("", HEADS, "VEN heads")),
}
"""Kind of a public checkpoint -> its rules. Two names of one tensor (the detector registers its linear layers twice) are both
mapped and must be equal."""


class Conversion(NamedTuple):
    """Public weights under our names."""

    state: dict[str, Tensor]  # complete for the network it was made for
    groups: dict[str, dict[str, str]]  # group -> public name -> our name
    dropped: dict[str, list[str]]  # reason -> public names
    zeroed: list[str]  # heads of our VEN that the public weights have no counterpart of


def rule_of(kind: str, name: str) -> Rule | None:
    """The rule for a public name, None if there is none."""
    return next((rule for rule in RULES[kind] if name.startswith(rule.theirs)), None)


def convert(kind: str, public: dict[str, Tensor], own: dict[str, Tensor], without_heads: bool = False) -> Conversion:
    """Public weights under our names, complete and of the shapes of our network.

    Args:
        kind: one of `RULES`.
        public: the public state dict; names may begin with ``module.`` as ``DataParallel`` writes them.
        own: the state dict of the network they are for, for its names and shapes.
        without_heads: drop the detector's heads and fill our VEN's with zeros. A public mimic has none, so there it is
            always done: the guidance does not read them.

    Raises:
        PublicWeightsError: a name nobody knows, a missing tensor, another shape, two unequal tensors under one name (all at
            once), or a network that none of ours is (`REFUSED`).
    """
    public = {name.removeprefix("module."): value for name, value in public.items()}
    wanted = {name: value for name, value in own.items() if isinstance(value, Tensor)}
    without_heads = without_heads or kind != "ven"
    for name in public:
        if why := next((why for prefix, why in REFUSED.items() if name.startswith(prefix)), None):
            raise PublicWeightsError(f"{name}: {why}")
    problems, found = [], Conversion({}, {}, {}, [])
    for name, value in public.items():
        rule = rule_of(kind, name)
        if rule is None:
            problems.append(f"{name} is not a name of the public code's {kind}")
            continue
        ours = None if rule.ours is None else rule.ours + name[len(rule.theirs) :]
        reason = rule.note if ours is None else _no_place(ours, wanted, without_heads)
        if reason:
            found.dropped.setdefault(reason, []).append(name)
        elif ours not in wanted:
            problems.append(f"{name} would be {ours}, which is not part of the model")
        elif not isinstance(value, Tensor) or value.shape != wanted[ours].shape:
            shape = list(value.shape) if isinstance(value, Tensor) else f"a {type(value).__name__}"
            problems.append(f"{name} is {shape}, expected {list(wanted[ours].shape)} ({ours})")
        elif ours in found.state and not torch.equal(found.state[ours], value):
            problems.append(f"{name} differs from the other tensor that is our {ours}")
        else:
            found.state[ours] = value
            found.groups.setdefault(rule.note, {})[name] = ours
    refused = {rule.ours + name[len(rule.theirs) :] for name in public if (rule := rule_of(kind, name)) and rule.ours}
    for ours in sorted(set(wanted) - set(found.state)):
        if _is_head(ours) and without_heads:
            found.state[ours] = torch.zeros_like(wanted[ours])
            found.zeroed.append(ours)
        elif ours not in refused:
            problems.append(f"{' or '.join(names_of(kind, ours)) or 'a public counterpart'} is missing ({ours})")
    if problems:
        raise PublicWeightsError(_some(problems, "; "))
    return found


def to_public(kind: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under every public name that they have; what has none (a mimic's VEN heads, ``_extra_state``) is left out."""
    return {theirs: value for name, value in state.items() for theirs in names_of(kind, name)}


def names_of(kind: str, ours: str) -> list[str]:
    """The public names of one of our tensors."""
    return [rule.theirs + ours[len(rule.ours) :] for rule in RULES[kind] if rule.ours and ours.startswith(rule.ours)]


def _is_head(ours: str) -> bool:
    return ours.startswith(("VEN.kind_head.", "VEN.amount_head."))


def _no_place(ours: str, wanted: dict, without_heads: bool) -> str | None:
    """Why a tensor that has a name of ours is dropped all the same."""
    if ours.startswith("BNNecks.") and ours not in wanted:
        return "identity head, which no embedding passes through and the YAML does not have (SeparateBNNecks)"
    if not _is_head(ours) or (ours in wanted and not without_heads):
        return None
    return "a head of the detector, left out as asked" if without_heads else "a head that the YAML's VEN does not have"


def _some(names: list[str], by: str = ", ", most: int = 8) -> str:
    return by.join(names[:most]) + (f" (and {len(names) - most} more)" if len(names) > most else "")
