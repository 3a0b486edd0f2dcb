"""HP, the denominator of RP: the whole-body score of the network that the tested model is compared with (Baseline-1)."""

from __future__ import annotations

from pathlib import Path

from ..base.checkpoint_file import read_weights
from ..base.errors import CheckpointError, ConfigError
from ..host.model_cfg import cfgs_for_backbone
from ..host.run_paths import checkpoint_file
from ..models.dependencies import Use, rp_reference
from ..models.prepare import model_class
from ..published.switches import test_hiding
from .reference_result import Reference


def reference_cfgs(cfgs: dict) -> tuple[dict | None, str]:
    """The configuration of the network whose whole-body score is HP, ready to be tested on this run's data.

    Returns:
        The configuration, its checkpoint as ``evaluator_cfg.restore_hint``; or None and the reason.
    """
    network = rp_reference(cfgs)
    if network is None:
        return None, "the backbone is given inline, so its whole-body run is unknown: name teacher.cfgs, or pass --reference"
    found = network.read_cfgs()
    try:
        file = network.weights(must_exist=True)
    except CheckpointError as error:
        return None, f"no whole-body run of the backbone: {error} Or pass --reference"
    evaluator = {**found["evaluator_cfg"], "restore_hint": str(file), "sampler": cfgs["evaluator_cfg"]["sampler"]}
    model_cfg = found["model_cfg"]
    if hiding := test_hiding(cfgs):  # its test input is hidden in the same way
        model_cfg = {**model_cfg, "reference_compat": hiding}
    return {**found, "data_cfg": cfgs_for_backbone(cfgs, found)["data_cfg"], "model_cfg": model_cfg, "evaluator_cfg": evaluator}, ""


def is_distilled(cfgs: dict) -> bool:
    """Whether a network that is used in training only taught the model. Only that network may embed a gallery for it."""
    return Use.TRAINING in getattr(model_class(cfgs), "DEPENDS", {}).values()


def tested_checkpoint(cfgs: dict) -> Path:
    """The checkpoint that a test restores."""
    return checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint")


def refuse_other_network(setup, earlier: Reference) -> None:
    """RP of a distilled model divides by the network that trained it and by no other.

    Raises:
        ConfigError: the checkpoint and the reference's provenance (``weights``) name different networks.
    """
    if not setup.distilled:
        return
    from ..models.teacher import KEPT  # imports the host

    state = read_weights(tested_checkpoint(setup.cfgs), "evaluator_cfg.restore_hint").get("_extra_state")
    known, theirs = state.get(KEPT) if isinstance(state, dict) else None, earlier.provenance.get("weights")
    if None not in (known, theirs) and known != theirs:
        raise ConfigError(
            f"--reference: its Baseline-1 has other weights ({theirs[:12]}) than the teacher that trained this {setup.method}"
            f" ({known[:12]}), so RP would not be this mimic's. Give the result of that teacher, or train the mimic again"
        )
