"""The kinds of occlusion that weights were trained on, over their whole history.

A training adds a *phase*, ``{kinds: {kind: probability}, hidden: [low, high]}``, to those of the weights it starts from. A checkpoint
keeps them as plain values, the entry ``trained_on``:

.. code-block:: json

    {"kinds": {"none": 0.2, "top": 0.2, "bottom": 0.2, "middle": 0.4}, "hidden": [0.4, 0.6],
     "before": [{"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}]}

``before`` lists the earlier phases, the oldest first. It is null if the training started from weights of unknown history.
"""

from __future__ import annotations

from .draws import Occlusion
from .kinds import KINDS

WHOLE_BODIES = {"kinds": {"none": 1.0}, "hidden": [0.0, 0.0]}
"""The phase of a training without occlusion."""


def phase_of(drawn: Occlusion) -> dict:
    """The phase of a training that draws from an `Occlusion`; plain values."""
    return {"kinds": {kind: float(share) for kind, share in drawn.kinds.items()}, "hidden": [float(end) for end in drawn.hidden]}


def add_phase(before: list[dict] | None, phase: dict) -> dict:
    """The entry ``trained_on`` of weights with these earlier phases; a training that is resumed adds no second phase."""
    return {**phase, "before": before[:-1] if before and before[-1] == phase else before}


def read_phases(entry) -> list[dict] | None:
    """Every phase of an entry ``trained_on``, the oldest first; None if the history is unknown."""
    if not isinstance(entry, dict) or entry.get("before", []) is None:
        return None
    return [*entry.get("before", []), {key: entry[key] for key in ("kinds", "hidden")}]


def kinds_of(phases: list[dict]) -> list[str]:
    """The kinds that phases drew, in the order of `KINDS`."""
    return [kind for kind in KINDS if any(each["kinds"].get(kind, 0) > 0 for each in phases)]
