"""The run sheet beside a result."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.provenance import config_hash, now
from ..models.upstream_weights import checkpoint_file
from ..training.inputs import plain, sha256
from ..training.record import write_whole
from .machine import command, device_name, machine
from .plans import of_test
from .training import of_checkpoint
from .words import HEAD, beside


def write_result_sheet(file: Path, cfgs: dict, provenance: dict | None = None) -> None:
    """Write the run sheet of a result that was written just now; for rank 0.

    Args:
        file: the result's JSON.
        cfgs: the prepared configuration that was tested.
        provenance: the result's own, which says what was hidden, of whom and by which protocol.

    Raises:
        HostError: the place cannot be written. CheckpointError: the weights that were tested are gone.
    """
    weights = checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint")
    write_whole(
        beside(Path(file)),
        {
            **HEAD,
            "what": "test",
            "date": now(),
            "checkpoint": sha256(weights),
            "test": of_test(cfgs),
            "provenance": provenance,
            "training": of_checkpoint(weights),
            "machine": machine([device_name()]),
            **command(),
            "config_hash": config_hash(cfgs),
            "config": plain(cfgs),
        },
    )
