"""The kinds of occlusion that weights were trained on, over their whole history.

A training adds a *phase*, ``{kinds: {kind: probability}, hidden: [low, high]}``, to those of the weights it starts from. A checkpoint
keeps them as plain values, the entry ``trained_on``:

.. code-block:: json

    {"kinds": {"none": 0.2, "top": 0.2, "bottom": 0.2, "middle": 0.4}, "hidden": [0.4, 0.6],
     "before": [{"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}]}

``before`` lists the earlier phases, the oldest first. It is null if the training started from weights of unknown history.
"""

from __future__ import annotations

from pathlib import Path

from ..base import checkpoint_file
from ..host import is_ours, resolve
from ..host.run_paths import checkpoint_at
from ..models.prepare import model_class
from ..occlusion import KINDS, Occlusion

WHOLE_BODIES = {"kinds": {"none": 1.0}, "hidden": [0.0, 0.0]}
"""The phase of a training without occlusion."""


def trained_kinds(cfgs: dict, checkpoint: str | Path) -> list[str] | None:
    """The kinds of occlusion that a checkpoint's weights met in training, over their whole history; ``none`` stands for whole bodies.

    Args:
        cfgs: the complete configuration that tests the checkpoint.
        checkpoint: its file.

    Returns:
        Kinds in the order of `KINDS`. None where it is not known: a file without a record under the YAML of a model of ours. Without a
        record under the YAML of a host's own model, the file counts as trained as that YAML says.
    """
    phases = _read_phases(cfgs, Path(checkpoint))
    return None if phases is None else [kind for kind in KINDS if any(phase["kinds"].get(kind, 0) > 0 for phase in phases)]


def history_of(cfgs: dict) -> dict:
    """The key ``trained_on`` of a training's record; a training that is resumed adds no second phase."""
    hint, before, phase = cfgs["trainer_cfg"]["restore_hint"], [], _phase_of(cfgs)
    if hint != 0:
        before = _read_phases(cfgs, resolve(hint, "trainer_cfg.restore_hint") if isinstance(hint, str) else checkpoint_at(cfgs, hint))
    return {**phase, "before": before[:-1] if before and before[-1] == phase else before}


def _read_phases(cfgs: dict, file: Path) -> list[dict] | None:
    """What each training of a checkpoint's weights occluded, the oldest first; None where it is not known."""
    record = checkpoint_file.entry(file)
    if not record:
        return None if _is_ours(cfgs) else [_phase_of(cfgs)]
    entry = record["trained_on"]
    if entry["before"] is None:
        return None
    return [*entry["before"], {key: entry[key] for key in ("kinds", "hidden")}]


def _phase_of(cfgs: dict) -> dict:
    """What a training with this configuration occludes."""
    from ..models.occluded_input import TRAINING  # needs the host's modules

    trainer = cfgs["trainer_cfg"]
    block = trainer.get("occlusion", TRAINING) if _is_ours(cfgs) else _augmentation(trainer["transform"])
    if block is None:
        return WHOLE_BODIES
    drawn = Occlusion.from_cfg({key: block[key] for key in ("kinds", "hidden") if key in block}, "occlusion")
    return {"kinds": {kind: float(share) for kind, share in drawn.kinds.items()}, "hidden": [float(end) for end in drawn.hidden]}


def _augmentation(transform) -> dict | None:
    blocks = transform if isinstance(transform, list) else []
    steps = [step for block in blocks for step in block.get("trf_cfg", [block])]
    return next((step for step in steps if step["type"] == "OcclusionAugmentation"), None)


def _is_ours(cfgs: dict) -> bool:
    return is_ours(model_class(cfgs))
