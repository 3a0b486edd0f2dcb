"""What a result says of its origin: the checkpoint, what it was tested on and how, and the versions that computed it."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path

from .. import __version__
from .. import host as hosts
from ..base.config import read
from ..base.files import sha256
from ..base.processes import rank_and_world
from ..models.depends import Use, dependencies
from ..models.prepare import model_class
from .reference_result import Reference
from .rp_reference import hp_checkpoint_hash, own_weights_hash, tested_checkpoint
from .test_setup import TestSetup

PLACES = {
    "data_cfg": ("dataset_root", "dataset_partition", "num_workers", "cache"),
    "evaluator_cfg": ("restore_hint",),
}
"""Keys that hold a path on one machine, or a reading speed; the contents have hashes."""


def describe_origin(setup: TestSetup, earlier: Reference | None, file: str | Path | None, measured: dict) -> dict:
    """The entry ``provenance`` of a result, plain values.

    Args:
        setup: of the test.
        earlier: the result that HP is taken from; None = HP was measured in this run.
        file: the YAML of the configuration; None = a configuration without a file.
        measured: what was measured: the facts of every row, ``occlusion`` (condition -> the block of the first seed), ``preset``,
            ``left_out``, ``manifest`` and ``saved_manifest`` (SHA-256 or None).

    Returns:
        ``measured`` and: ``cfgs`` (the file's name), ``config`` (`config_hash`), SHA-256 of ``checkpoint``, of each network that the
        model depends on (None = not there) and of ``hp``'s checkpoint, ``weights`` (`own_weights_hash`), ``ven_kinds`` (kinds that a
        frozen network inside names), ``host``, ``commit``, ``version``, ``device``, ``processes``, `versions` and ``date``.
    """
    host, cfgs = hosts.current(), setup.cfgs
    return {
        **measured,
        "cfgs": None if file is None else Path(file).name,
        "config": config_hash(cfgs),
        "checkpoint": sha256(tested_checkpoint(cfgs)),
        **_hash_dependencies(setup),
        "hp": hp_checkpoint_hash(setup, earlier),
        "weights": own_weights_hash(setup),
        "ven_kinds": _kinds_inside(cfgs),
        "host": host.name,
        "commit": host.commit,
        "version": __version__,
        "device": str(hosts.device()),
        "processes": rank_and_world()[1],
        **versions(),
        "date": now(),
    }


def _hash_dependencies(setup: TestSetup) -> dict[str, str | None]:
    """SHA-256 of the checkpoints of teacher, VEN ...; None if the file is not there, or is not the one that trained the model."""
    found: dict[str, str | None] = {"teacher": None, "ven": None}
    for name, network in dependencies(setup.cfgs).items():
        file = network.weights()
        trained = network.use is Use.FROZEN_INSIDE or (network.use is Use.TRAINING and setup.reference is not None)
        found[name] = sha256(file) if trained and file.is_file() else None
    return found


def _kinds_inside(cfgs: dict) -> list[str] | None:
    """The kinds that a frozen network inside the model was trained to name; None without one."""
    for network in dependencies(cfgs).values():
        inner = network.read_cfgs()
        fields = getattr(model_class(inner), "FIELDS", {})
        if network.use is Use.FROZEN_INSIDE and "kinds" in fields:
            return read(inner["model_cfg"], "model_cfg", fields).kinds
    return None


def config_hash(cfgs: dict) -> str:
    """``sha256:<hex>`` of a merged configuration, without `PLACES` and the test's batch size.

    So neither another place of the data nor another number of processes changes it.
    """
    kept = copy.deepcopy(cfgs)
    for block, keys in PLACES.items():
        for key in keys:
            kept.get(block, {}).pop(key, None)
    (kept.get("evaluator_cfg", {}).get("sampler") or {}).pop("batch_size", None)
    return "sha256:" + hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
