"""What the weights of a checkpoint were trained on: the kinds that were hidden, over their whole history.

A training adds a *phase*, ``{kinds: {kind: probability}, hidden: [low, high]}``, to those of the weights it started from
(``trainer_cfg.restore_hint``). Checkpoints of MimicGait and OcclusionAware keep them in their ``_extra_state.trained_on``; those of
Baseline-2 and of the host's own models are plain OpenGait files, for which the record beside them (``training.json``) does:

.. code-block:: json

    {"kinds": {"none": 0.2, "top": 0.2, "bottom": 0.2, "middle": 0.4}, "hidden": [0.4, 0.6],
     "before": [{"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}]}

``before`` lists the earlier phases, the oldest first; null: the training started from weights that do not say. An entry without
``before``, as older files have it, counts as having none.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..host import is_ours, lookup, resolve
from ..occlusion import Occlusion
from ..occlusion.training_history import WHOLE_BODIES, add_phase, kinds_of, phase_of, read_phases
from .inputs import checkpoint_at, sha256
from .record import read_record


def trained_kinds(cfgs: dict, checkpoint: str | os.PathLike | None = None) -> list[str] | None:
    """The kinds that a checkpoint's weights met in training, over their whole history, ``none`` (whole bodies) among them.

    Args:
        cfgs: the complete configuration that tests the checkpoint.
        checkpoint: the file; None = the one that ``evaluator_cfg`` names.

    Returns:
        Kinds in the order of `KINDS`; Baseline-1's are ``["none"]``. None where it cannot be known: a file that the public code wrote, a
        checkpoint of Baseline-2 without its record, and whatever started from such a file. A plain file without a record under the YAML
        of a host's own model counts as OpenGait's own, which hides nothing unless a transform of that YAML does.

    Raises:
        CheckpointError: no such file, or no checkpoint. HostError: the record beside it is not JSON.
    """
    from ..models.upstream_weights import checkpoint_file

    file = checkpoint_file("auto" if checkpoint is None else str(checkpoint), cfgs, "evaluator_cfg.restore_hint")
    found = phases(cfgs, file)
    return None if found is None else kinds_of(found)


def phases(cfgs: dict, file: Path) -> list[dict] | None:
    """Every phase of a checkpoint's weights, the oldest first; None where it cannot be known. See `trained_kinds`."""
    from ..models.upstream_weights import read_weights

    says = read_weights(file, "the checkpoint").get("_extra_state")
    if isinstance(says, dict):
        return read_phases(says.get("trained_on"))
    record = read_record(file.parent.parent)
    if record is not None and sha256(file) in record["checkpoints"].values():
        if "trained_on" in record:
            return read_phases(record["trained_on"])
        inputs = record["inputs"]  # written before records kept it
        return [own_phase(inputs)] if inputs["trainer_cfg"]["restore_hint"] == 0 else None
    return None if _ours(cfgs) else [own_phase(cfgs)]


def own_phase(cfgs: dict) -> dict:
    """The phase that a training of this configuration, or of a record's ``inputs``, adds."""
    trainer = cfgs["trainer_cfg"]
    if _ours(cfgs):
        from ..models.occluded_input import TRAINING

        block = trainer.get("occlusion", TRAINING)
    else:
        blocks = trainer["transform"] if isinstance(trainer["transform"], list) else []
        steps = [step for block in blocks for step in block.get("trf_cfg", [block])]
        block = next((step for step in steps if step["type"] == "OcclusionAugmentation"), None)
        if block is None:
            return WHOLE_BODIES
    drawn = Occlusion.from_cfg({key: block[key] for key in ("kinds", "hidden") if key in block}, "occlusion")
    return phase_of(drawn)


def started_from(cfgs: dict) -> list[dict] | None:
    """The phases of the weights that a training's ``trainer_cfg.restore_hint`` names; none of them for random weights."""
    hint = cfgs["trainer_cfg"]["restore_hint"]
    if hint == 0:
        return []
    return phases(cfgs, resolve(hint, "trainer_cfg.restore_hint") if isinstance(hint, str) else checkpoint_at(cfgs, hint))


def history(cfgs: dict) -> dict:
    """The entry ``trained_on`` of a training with this prepared configuration."""
    return add_phase(started_from(cfgs), own_phase(cfgs))


def _ours(cfgs: dict) -> bool:
    return is_ours(lookup("modeling.models", cfgs["model_cfg"]["model"], "model_cfg.model"))
