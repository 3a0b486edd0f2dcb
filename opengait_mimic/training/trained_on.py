"""What was occluded in the trainings that made a checkpoint, from its record; see `opengait_mimic.occlusion.training_history`."""

from __future__ import annotations

from pathlib import Path

from ..base import checkpoint_file
from ..host import is_ours, lookup, resolve
from ..host.run_paths import checkpoint_at
from ..occlusion import Occlusion
from ..occlusion.training_history import WHOLE_BODIES, add_phase, kinds_of, phase_of, read_phases


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
    return None if phases is None else kinds_of(phases)


def history_of(cfgs: dict) -> dict:
    """The key ``trained_on`` of a training's record."""
    hint, before = cfgs["trainer_cfg"]["restore_hint"], []
    if hint != 0:
        before = _read_phases(cfgs, resolve(hint, "trainer_cfg.restore_hint") if isinstance(hint, str) else checkpoint_at(cfgs, hint))
    return add_phase(before, _phase_of(cfgs))


def _read_phases(cfgs: dict, file: Path) -> list[dict] | None:
    """What each training of a checkpoint's weights occluded, the oldest first; None where it is not known."""
    entry = checkpoint_file.entry(file)
    if entry:
        return read_phases(entry["trained_on"])
    return None if _is_ours(cfgs) else [_phase_of(cfgs)]


def _phase_of(cfgs: dict) -> dict:
    """What a training with this configuration occludes."""
    from ..models.occluded_input import TRAINING  # needs the host's modules

    trainer = cfgs["trainer_cfg"]
    block = trainer.get("occlusion", TRAINING) if _is_ours(cfgs) else _augmentation(trainer["transform"])
    if block is None:
        return WHOLE_BODIES
    return phase_of(Occlusion.from_cfg({key: block[key] for key in ("kinds", "hidden") if key in block}, "occlusion"))


def _augmentation(transform) -> dict | None:
    blocks = transform if isinstance(transform, list) else []
    steps = [step for block in blocks for step in block.get("trf_cfg", [block])]
    return next((step for step in steps if step["type"] == "OcclusionAugmentation"), None)


def _is_ours(cfgs: dict) -> bool:
    return is_ours(lookup("modeling.models", cfgs["model_cfg"]["model"], "model_cfg.model"))
