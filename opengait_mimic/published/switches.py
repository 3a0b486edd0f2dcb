"""``reference_compat``: what the public MimicGait code does otherwise than the paper or its supplement, as named switches.

Every switch is off by default. A block takes single switches, the word ``all``, or ``all`` with exceptions:

.. code-block:: yaml

    reference_compat: {rank: bare}
    reference_compat: all
    reference_compat: {all: true, live_teacher: false}

``all`` sets what the public code does in that place (see `Switch.place`): of the ``occlusion`` switches, ``trim_columns`` in a VEN's
configuration alone, ``shared_draw`` and ``grey_whole`` everywhere else; ``relabel_by_position`` where MiCKD's pairs are a clip's own
alone.

One half of D15 is no switch: Baseline-1, trained on 64x44, is fed 64x64 by its YAML's ``evaluator_cfg.transform`` (BaseSilTransform
in the place of BaseSilCuttingTransform).

Source: the public code of MimicGait (WACV 2025), commit 36c14ef, read for facts; the departures are numbered as in the project's
notes on it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, NamedTuple

from ..base.config import boolean, choice, integer, nearest, optional, read
from ..base.errors import ConfigError

VEN, OTHERS, OWN = "a VEN", "others", "positives: [own_teacher]"
"""Places: an ``occlusion`` block of a VEN's configuration, or of any other; a MiCKDLoss over a clip's own pairs alone."""


class Switch(NamedTuple):
    """One departure that can be switched on."""

    name: str
    block: str  # whose `reference_compat` takes it: an ``occlusion`` block, or the class MimicGait, VEN or MiCKDLoss
    departures: tuple[str, ...]
    default: Any  # off
    check: Callable
    published: Any  # what `all` sets
    says: str  # what the public code does
    place: str = ""  # where alone `all` sets it; "" = everywhere


def _shared(value, where):
    """A check: the published number of processes and its test batch, which it divides."""
    shared = vars(read(value, where, {"processes": (8, integer(1)), "test_batch": (16, integer(1))}))
    if shared["test_batch"] % shared["processes"]:
        raise ConfigError(f"{where} = {shared}: the test batch is dealt to the processes in equal parts; choose a multiple of them")
    return shared


SWITCHES = (
    Switch(
        "shared_draw", "occlusion", ("D2", "D3", "D4"), None, optional(_shared), {"processes": 8, "test_batch": 16},
        "draws one occlusion for all clips of a process's packed batch, in training and in the test, and moves patch and pole over the"
        " joined clips; with fixed sampling each clip has its own draw", OTHERS,
    ),
    Switch(
        "moving", "occlusion", ("D10",), None, optional(choice("published")), "published",
        "starts patch and pole inside the picture at its left edge, moves them to the right, once, by the frame's index in the array the"
        " transform was given",
    ),
    Switch(
        "sizes", "occlusion", ("D11", "D12"), None, optional(choice("published")), "published",
        "draws a patch's width and height apart, each 30-50 % of the picture, a pole's width from 20-40 %, blackens the middle half, and"
        " cuts top and bottom off by whole rows",
    ),
    Switch(
        "trim_columns", "occlusion", ("D7",), False, boolean, True,
        "cuts as many columns (half at each side) as it keeps rows where it hides top or bottom for the VEN, then stretches both ways",
        VEN,
    ),
    Switch(
        "grey_whole", "occlusion", ("D18",), False, boolean, True,
        "binarises clips whose top, bottom or middle is hidden, and no others: whole clips and those under patch and pole keep grey edges",
        OTHERS,
    ),
    Switch("rank", "MimicGait", ("D1",), "fused", choice("fused", "bare"), "bare", "ranks the mimic backbone's output before the fusion"),
    Switch(
        "live_teacher", "MimicGait", ("D14",), False, boolean, True,
        "leaves the teacher in training mode: its BatchNorm uses the batch's statistics and its running ones drift",
    ),
    Switch("any_geometry", "MimicGait", ("D15",), False, boolean, True, "feeds 64x64 silhouettes to a teacher that was trained on 64x44"),
    Switch("input_255", "VEN", ("D5",), False, boolean, True, "trains and tests the VEN on values 0/255, and guides the mimic with 0/1"),
    Switch("kept_amount", "VEN", ("D6",), False, boolean, True, "teaches the VEN the share that is kept, and 0 where nothing is hidden"),
    Switch("double_softmax", "VEN", ("D16",), False, boolean, True, "applies softmax before a cross-entropy that applies it again"),
    Switch("teacher_anchors", "MiCKDLoss", ("D17",), False, boolean, True, "uses the teacher's embeddings as anchors as well"),
    Switch("l2_normalised", "MiCKDLoss", ("1.4",), False, boolean, True, "takes distances between L2-normalised flattened embeddings"),
    Switch(
        "relabel_by_position", "MiCKDLoss", ("D22",), False, boolean, True,
        "in its loss over instance pairs alone, makes a clip a class of its own by its place in the gathered batch: right in one process",
        OWN,
    ),
)  # fmt: skip

NOT_SWITCHES = {
    "D8": "a key: MiCKDLoss.margin (the supplement 0.05, the public configurations and our default 0.2)",
    "D9": "a key: optimizer_cfg.lr (the paper 0.1, the public GREW configuration 0.01)",
    "D13": "a key: trainer_cfg.transform (the paper crops, the public configurations rotate)",
    "D19": "always as the public code: the VEN's last pool gives 9x9 where the supplement says 8x8, so that weights fit",
    "D20": "nothing to switch: code, configurations and weights that were not published",
    "D21": "nothing to switch: a misspelt key of one configuration whose default equals it",
}
"""The departures without a switch, and where they are instead."""

BLOCKS = ("occlusion", "MimicGait", "VEN", "MiCKDLoss")
TESTS = ("model_cfg.reference_compat.rank", "evaluator_cfg.")
"""How the keys of switches begin that no training heeds."""


def place_of(model: str | None) -> str:
    """The place of the ``occlusion`` blocks of a model's configuration."""
    return VEN if model == "VEN" else OTHERS


def switches(block: str, place: str = OTHERS) -> Callable:
    """The check of a block's ``reference_compat`` key; it returns a namespace with every switch of the block.

    Args:
        block: of `BLOCKS`.
        place: where it stands, which ``all`` heeds.

    Raises:
        ConfigError: (the check) an unknown switch, with the nearest name; a value it does not take.
    """
    mine = [switch for switch in SWITCHES if switch.block == block]

    def check(value, where) -> SimpleNamespace:
        if isinstance(value, str) and value != "all":
            raise ConfigError(
                f"{where} = {value!r}{nearest(value, ('all',))}; expected the word all, or a mapping of {', '.join(s.name for s in mine)}"
            )
        given = {"all": True} if value == "all" else value
        every = isinstance(given, dict) and given.get("all") is True
        fields = {s.name: (s.published if every and s.place in ("", place) else s.default, s.check) for s in mine}
        found = read(given, where, {"all": (False, boolean), **fields})
        del found.all
        return found

    return check


def switched_on(found: SimpleNamespace, block: str) -> dict[str, Any] | None:
    """The switches of a block that are on, with their values; None where there is none."""
    on = {s.name: getattr(found, s.name) for s in SWITCHES if s.block == block and getattr(found, s.name) != s.default}
    return on or None


def in_configuration(cfgs: dict) -> dict[str, Any]:
    """Every switch that a method's complete configuration has on: its dotted key -> its value; empty where there is none.

    A ``shared_draw`` beside fixed sampling is left out: it does nothing there.

    Raises:
        ConfigError: a block of switches is wrong.
    """
    model, losses = cfgs["model_cfg"].get("model"), cfgs.get("loss_cfg") or []
    blocks = [("model_cfg", model, cfgs["model_cfg"], OTHERS)]
    for engine in ("trainer_cfg", "evaluator_cfg"):
        blocks.append((f"{engine}.occlusion", "occlusion", cfgs.get(engine, {}).get("occlusion"), place_of(model)))
    for loss in losses if isinstance(losses, list) else [losses]:
        place = OWN if loss.get("positives") == ["own_teacher"] else OTHERS
        blocks.append((f"loss_cfg.{loss.get('log_prefix')}", loss.get("type"), loss, place))
    found = {}
    for where, name, block, place in blocks:
        given = block.get("reference_compat") if isinstance(block, dict) else None
        if given and name in BLOCKS:
            key = f"{where}.reference_compat"
            on = switched_on(switches(name, place)(given, key), name) or {}
            found.update({f"{key}.{switch}": value for switch, value in on.items()})
    for engine in ("trainer_cfg", "evaluator_cfg"):
        if str(cfgs.get(engine, {}).get("sampler", {}).get("sample_type")).startswith("fixed"):
            found.pop(f"{engine}.occlusion.reference_compat.shared_draw", None)
    return found


def of_training(found: dict[str, Any]) -> dict[str, Any]:
    """Of the switches `in_configuration` found, those that decide the weights."""
    return {key: value for key, value in found.items() if not key.startswith(TESTS)}


def of_test(found: dict[str, Any]) -> dict[str, Any]:
    """Of the switches `in_configuration` found, those of the test alone."""
    return {key: value for key, value in found.items() if key.startswith(TESTS)}
