"""What was occluded in the trainings that made a checkpoint, from its record."""

from __future__ import annotations

from pathlib import Path

from ..base import checkpoint_file
from ..host import is_ours, lookup, resolve
from ..host.run_paths import checkpoint_at
from ..occlusion import KINDS, Occlusion

WHOLE_BODIES = {"kinds": {"none": 1.0}, "hidden": [0.0, 0.0]}
"""Of a training that occludes nothing."""


def trained_kinds(cfgs: dict, checkpoint: str | Path) -> list[str] | None:
    """The kinds of occlusion that a checkpoint's weights met in training, over their whole history; ``none`` stands for whole bodies.

    Args:
        cfgs: the complete configuration that tests the checkpoint.
        checkpoint: its file.

    Returns:
        Kinds in the order of `KINDS`. None where it is not known: a file without a record under the YAML of a model of ours. Without a
        record under the YAML of a host's own model, the file counts as trained as that YAML says.
    """
    phases = _phases(cfgs, Path(checkpoint))
    return None if phases is None else [kind for kind in KINDS if any(each["kinds"].get(kind, 0) > 0 for each in phases)]


def _phases(cfgs: dict, file: Path) -> list[dict] | None:
    """What each training of a checkpoint's weights occluded, the oldest first; None where it is not known."""
    known = checkpoint_file.entry(file).get("trained_on")
    if known is None:
        return None if _is_ours(cfgs) else [_phase_of(cfgs)]
    if known["before"] is None:
        return None
    return [*known["before"], {key: known[key] for key in ("kinds", "hidden")}]


def history_of(cfgs: dict) -> dict:
    """The key ``trained_on`` of a training; one that goes on with the same occlusion adds nothing."""
    hint, own, before = cfgs["trainer_cfg"]["restore_hint"], _phase_of(cfgs), []
    if hint != 0:
        before = _phases(cfgs, resolve(hint, "trainer_cfg.restore_hint") if isinstance(hint, str) else checkpoint_at(cfgs, hint))
    return {**own, "before": before[:-1] if before and before[-1] == own else before}


def _phase_of(cfgs: dict) -> dict:
    """``kinds`` and ``hidden`` of a training with this configuration."""
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
    return is_ours(lookup("modeling.models", cfgs["model_cfg"]["model"], "model_cfg.model"))
