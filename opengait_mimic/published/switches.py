"""``reference_compat``: what the public MimicGait code does otherwise than the paper or its supplement, as named switches.

The block stands in the ``model_cfg`` of any model. Every switch is off by default. A switch takes ``true``, or ``train`` or ``test`` for
one phase alone, or its own value. The word ``all`` sets what the public code does for that model and its losses; exceptions may follow:

.. code-block:: yaml

    reference_compat: {rank: bare, moving: test}
    reference_compat: all
    reference_compat: {all: true, live_teacher: false, shared_draw: {processes: 2, test_batch: 4}}

One half of D15 is no switch: Baseline-1, trained on 64x44, is fed 64x64 by its YAML's ``evaluator_cfg.transform`` (BaseSilTransform
in the place of BaseSilCuttingTransform).

Source: the public code of MimicGait (WACV 2025), commit 36c14ef, read for facts; the departures are numbered as in the project's
notes on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import Field

from ..base.config import Block, Count, losses_of, nearest, unknown_key
from ..base.errors import ConfigError

TRAIN, TEST = "train", "test"
BOTH = (TRAIN, TEST)
HIDING, VEN, MIMICGAIT, MICKD = "hiding", "VEN", "MimicGait", "MiCKDLoss"
"""What a switch is about: the occlusion of any model, the model VEN or MimicGait, or the loss MiCKDLoss of any model."""
KEY = "model_cfg.reference_compat"


class Shared(Block):
    """The value of ``shared_draw``: the published number of processes, and the test batch that is dealt to them."""

    processes: Count = Field(8, description="processes of the published training and test")
    test_batch: Count = Field(16, description="clips in a test batch of all processes")


class Switch(NamedTuple):
    """One departure that can be switched on."""

    name: str
    about: str
    departures: tuple[str, ...]
    says: str  # what the public code does
    phases: tuple[str, ...] = BOTH
    apart: bool = False  # whether training and test may differ
    published: Any = True  # its value when it is on
    not_in_all_of: str = ""  # "VEN", or "others": models for which `all` leaves it off, as the public code does


SWITCHES = (
    Switch(
        "shared_draw", HIDING, ("D2", "D3", "D4"),
        "draws one occlusion for all clips of a process's packed batch, in training and in the test, and moves patch and pole over the"
        " joined clips; with fixed sampling each clip has its own draw", apart=True, published={"processes": 8, "test_batch": 16},
        not_in_all_of=VEN,
    ),
    Switch(
        "moving", HIDING, ("D10",),
        "starts patch and pole inside the picture at its left edge, moves them to the right, once, by the frame's index in the array the"
        " transform was given", apart=True,
    ),
    Switch(
        "sizes", HIDING, ("D11", "D12"),
        "draws a patch's width and height apart, each 30-50 % of the picture, a pole's width from 20-40 %, blackens the middle half, and"
        " cuts top and bottom off by whole rows", apart=True,
    ),
    Switch(
        "trim_columns", HIDING, ("D7",),
        "cuts as many columns (half at each side) as it keeps rows where it hides top or bottom for the VEN, then stretches both ways",
        apart=True, not_in_all_of="others",
    ),
    Switch(
        "grey_whole", HIDING, ("D18",),
        "binarises clips whose top, bottom or middle is hidden, and no others: whole clips and those under patch and pole keep grey edges",
        not_in_all_of=VEN,
    ),
    Switch("rank", MIMICGAIT, ("D1",), "ranks the mimic backbone's output before the fusion", (TEST,), published="bare"),
    Switch(
        "live_teacher", MIMICGAIT, ("D14",),
        "leaves the teacher in training mode: its BatchNorm uses the batch's statistics and its running ones drift", (TRAIN,),
    ),
    Switch("any_geometry", MIMICGAIT, ("D15",), "feeds 64x64 silhouettes to a teacher that was trained on 64x44", (TRAIN,)),
    Switch("input_255", VEN, ("D5",), "trains and tests the VEN on values 0/255, and guides the mimic with 0/1"),
    Switch("kept_amount", VEN, ("D6",), "teaches the VEN the share that is kept, and 0 where nothing is hidden"),
    Switch("double_softmax", VEN, ("D16",), "applies softmax before a cross-entropy that applies it again", (TRAIN,)),
    Switch("teacher_anchors", MICKD, ("D17",), "uses the teacher's embeddings as anchors as well", (TRAIN,)),
    Switch("l2_normalised", MICKD, ("1.4",), "takes distances between L2-normalised flattened embeddings", (TRAIN,)),
    Switch(
        "relabel_by_position", MICKD, ("D22",),
        "in its loss over instance pairs alone, makes a clip a class of its own by its place in the gathered batch: right in one process",
        (TRAIN,),
    ),
)  # fmt: skip

HIDING_SWITCHES = tuple(switch.name for switch in SWITCHES if switch.about == HIDING)
NOT_SWITCHES = {
    "D8": "a key: MiCKDLoss.margin (the supplement 0.05, the public configurations and our default 0.2)",
    "D9": "a key: optimizer_cfg.lr (the paper 0.1, the public GREW configuration 0.01)",
    "D13": "a key: trainer_cfg.transform (the paper crops, the public configurations rotate)",
    "D19": "always as the public code: the VEN's last pool gives 9x9 where the supplement says 8x8, so that weights fit",
    "D20": "nothing to switch: code, configurations and weights that were not published",
    "D21": "nothing to switch: a misspelt key of one configuration whose default equals it",
}
"""The departures without a switch, and where they are instead."""


class On(NamedTuple):
    """A switch that is on: its value, and the phases it is on in."""

    value: Any
    phases: tuple[str, ...]


def read_switches(cfgs: dict) -> dict[str, On]:
    """The switches that a complete configuration has on, in the order of the table.

    Raises:
        ConfigError: an unknown switch, with the nearest name; a value that a switch does not take; a switch that is not about this
            model or its losses; an old place of the block.
    """
    refuse_old_places(cfgs)
    model_cfg = cfgs["model_cfg"] if isinstance(cfgs["model_cfg"], dict) else {}
    given, name = model_cfg.get("reference_compat"), model_cfg.get("model")
    if given is None or given == {}:
        return {}
    if isinstance(given, str) and given != "all":
        raise ConfigError(f"{KEY} = {given!r}{nearest(given, ('all',))}; expected the word all, or a mapping of {', '.join(_names())}")
    if not isinstance(given, (str, dict)):
        raise ConfigError(f"{KEY} = {given!r}; expected the word all, or a mapping of {', '.join(_names())}")
    given = {"all": True} if given == "all" else dict(given)
    every = given.pop("all", False)
    if not isinstance(every, bool):
        raise ConfigError(f"{KEY}.all = {every!r}; expected true or false")
    if unknown := [key for key in given if key not in _names()]:
        raise ConfigError(*(unknown_key(KEY, key, given[key], ["all", *_names()]) for key in unknown))
    on = {}
    for switch in SWITCHES:
        if switch.name in given:
            read = _read_value(switch, given[switch.name])
            if read and (why := _not_about(switch, cfgs)):
                raise ConfigError(f"{KEY}.{switch.name} = {given[switch.name]!r}: {why}")
        else:
            read = On(switch.published, switch.phases) if every and _in_all(switch, name, cfgs) else None
        if read:
            on[switch.name] = read
    return on


def _names() -> list[str]:
    return [switch.name for switch in SWITCHES]


def _read_value(switch: Switch, value) -> On | None:
    """A switch as the YAML gives it; None = off."""
    where = f"{KEY}.{switch.name}"
    if value is None or value is False or (switch.name == "rank" and value == "fused"):
        return None
    if value is True or (isinstance(switch.published, str) and value == switch.published):
        return On(switch.published, switch.phases)
    if switch.name == "shared_draw" and isinstance(value, dict):
        shared = Shared.read(value, where).model_dump()
        if shared["test_batch"] % shared["processes"]:
            raise ConfigError(f"{where} = {shared}: the test batch is dealt to the processes in equal parts; choose a multiple of them")
        return On(shared, switch.phases)
    phases = switch.phases if len(switch.phases) == 1 or switch.apart else ()
    if isinstance(value, str) and value in phases:
        return On(switch.published, (value,))
    own = {"shared_draw": ["{processes: 8, test_batch: 16}"], "rank": ["bare"]}.get(switch.name, [])
    why = ": a network is tested on the input it was trained on" if value in switch.phases == BOTH and not switch.apart else ""
    why = why or nearest(value, own)
    raise ConfigError(f"{where} = {value!r}{why}; expected {', '.join(['true', 'false', *phases, *own])}")


def _not_about(switch: Switch, cfgs: dict) -> str:
    """Why a switch has nothing to do with a configuration; empty where it has."""
    model = cfgs["model_cfg"].get("model")
    if switch.about in (VEN, MIMICGAIT) and model != switch.about:
        return f"this switch is about a {switch.about}, the model here is {model}"
    if switch.about == MICKD and not _mickd(cfgs):
        return "loss_cfg has no MiCKDLoss"
    return ""


def _in_all(switch: Switch, model: str, cfgs: dict) -> bool:
    """Whether ``all`` sets a switch in a configuration."""
    if _not_about(switch, cfgs) or switch.not_in_all_of == (VEN if model == VEN else "others"):
        return False
    return switch.name != "relabel_by_position" or all(loss.get("positives") == ["own_teacher"] for loss in _mickd(cfgs))


def _mickd(cfgs: dict) -> list[dict]:
    losses = losses_of(cfgs) if cfgs.get("loss_cfg") else []
    return [loss for loss in losses if isinstance(loss, dict) and loss.get("type") == MICKD]


def _sampled_fixed(cfgs: dict, phase: str) -> bool:
    sampler = cfgs["trainer_cfg" if phase == TRAIN else "evaluator_cfg"]["sampler"]
    return str(sampler.get("sample_type")).startswith("fixed")


def switches_of(cfgs: dict, phase: str, whole_bodies: bool = False) -> dict[str, Any]:
    """The switches that take effect in a phase (``train`` or ``test``): dotted key -> value, as records and results name them.

    With fixed sampling ``shared_draw`` has no effect: there the public code draws clip by clip. Where only whole bodies are seen, only
    ``grey_whole`` of the switches about hiding has one.
    """
    on = {name: each for name, each in read_switches(cfgs).items() if phase in each.phases}
    apart = [switch.name for switch in SWITCHES if switch.apart]
    on = {name: each.phases[0] if name in apart and len(each.phases) == 1 else each.value for name, each in on.items()}
    if _sampled_fixed(cfgs, phase):
        on.pop("shared_draw", None)
    if whole_bodies:
        on = {name: value for name, value in on.items() if name == "grey_whole" or name not in HIDING_SWITCHES}
    return {f"{KEY}.{name}": value for name, value in on.items()}


def test_hiding(cfgs: dict) -> dict[str, Any]:
    """The block ``reference_compat`` that makes another model's test hide as this configuration's does; empty without such switches."""
    on = {name: each for name, each in read_switches(cfgs).items() if name in HIDING_SWITCHES and TEST in each.phases}
    return {name: each.value for name, each in on.items()}


test_hiding.__test__ = False  # not a test for pytest


def refuse_old_places(cfgs: dict) -> None:
    """Refuse ``reference_compat`` in an ``occlusion`` block or in a loss.

    Raises:
        ConfigError: names every such place, and the new one.
    """
    old = [
        f"{engine}.occlusion" for engine in ("trainer_cfg", "evaluator_cfg")
        if isinstance(cfgs.get(engine), dict) and _has_block(cfgs[engine].get("occlusion"))
    ]  # fmt: skip
    losses = cfgs.get("loss_cfg") or []
    losses = losses if isinstance(losses, list) else [losses]
    old += [f"loss_cfg[{i}]" for i, loss in enumerate(losses) if _has_block(loss)]
    if old:
        way = f"this block has moved: write its switches into {KEY}"
        raise ConfigError(*(f"{place}.reference_compat: {way} (true, train or test for each)" for place in old))


def _has_block(value) -> bool:
    return isinstance(value, dict) and "reference_compat" in value
