"""What made a result, and what decides it: a stored result whose inputs are the same is not computed again."""

from __future__ import annotations

import copy
from pathlib import Path

from .. import __version__
from .. import host as hosts
from ..base import checkpoint_file
from ..base.files import sha256
from ..base.plain_values import as_json
from ..base.processes import rank_and_world
from ..base.versions import library_versions, utc_now
from ..models.dependencies import Use, dependencies
from ..models.prepare import model_class
from ..published.switches import TEST
from ..training.recipe import complete_model_cfg, describe_data
from ..training.record import PLACES, config_hash, readable
from .evaluation_setup import TestSetup
from .reference_result import Reference
from .rp_reference import reference_cfgs, tested_checkpoint

FILE_KEYS = ("save_name", "restore_hint", "restore_ckpt_strict")
"""Keys of ``evaluator_cfg`` that name the tested file, not how it is tested."""


def describe_origin(setup: TestSetup, earlier: Reference | None, file: str | Path | None, measured: dict) -> dict:
    """The entry ``provenance`` of a result, plain values.

    ``earlier``: the result that HP is taken from; None = HP was measured in this run. ``file``: the YAML, if any. ``measured``: the
    facts of every row, ``occlusion`` (condition -> the block of the first seed), ``preset``, ``left_out``, ``manifest`` and
    ``saved_manifest`` (SHA-256 or None).

    Returns:
        ``measured`` and: ``cfgs`` (the file's name), ``config`` (`config_hash`), SHA-256 of ``checkpoint``, of each network that the
        model depends on (None = not there) and of ``hp``'s checkpoint (None = unknown), ``weights`` (the hash by which the mimics of a
        Baseline-1 know it), ``ven_kinds`` (kinds that a frozen network inside names), ``training`` (the checkpoint's record without
        paths, or None), ``evaluator_cfg``, ``host``, ``commit``, ``version``, ``device``, ``processes``, libraries and ``date``.
    """
    from ..models.teacher import weights_of_teacher  # imports the host

    host, cfgs = hosts.current(), setup.cfgs
    checkpoint = tested_checkpoint(cfgs)
    tested, baseline = sha256(checkpoint), setup.method == "Baseline-1"
    if earlier is not None:
        hp = earlier.provenance.get("checkpoint")
    elif baseline or setup.reference is None:
        hp = tested if baseline else None
    else:
        hp = sha256(setup.reference["evaluator_cfg"]["restore_hint"])
    return {
        **measured,
        "cfgs": None if file is None else Path(file).name,
        "config": config_hash(cfgs),
        "checkpoint": tested,
        **_hash_dependencies(setup),
        "hp": hp,
        "weights": weights_of_teacher(checkpoint) if baseline else None,
        "ven_kinds": _kinds_inside(cfgs),
        "training": _read_record(checkpoint),
        "evaluator_cfg": _without_places(as_json({"evaluator_cfg": cfgs["evaluator_cfg"]}))["evaluator_cfg"],
        "host": host.name,
        "commit": host.commit,
        "version": __version__,
        "device": str(hosts.device()),
        "processes": rank_and_world()[1],
        **library_versions(),
        "date": utc_now(),
    }


def _hash_dependencies(setup: TestSetup) -> dict[str, str | None]:
    """SHA-256 of the networks' checkpoints; None if the file is not there, or is not the one that trained the model."""
    found = dict.fromkeys(getattr(model_class(setup.cfgs), "DEPENDS", ()))
    for name, network in dependencies(setup.cfgs, in_test=True).items():
        file = network.weights()
        trained = network.use is Use.FROZEN_INSIDE or (network.use is Use.TRAINING and setup.reference is not None)
        found[name] = sha256(file) if trained and file.is_file() else None
    return found


def _read_record(checkpoint: Path) -> dict | None:
    """The record in the tested checkpoint, without this machine's paths; None if it has none."""
    record = readable(checkpoint_file.entry(checkpoint))
    record.pop("command", None)
    return {**record, "config": _without_places(record["config"])} if record else None


def _without_places(cfgs: dict) -> dict:
    return {block: {k: v for k, v in keys.items() if k not in PLACES[block]} if block in PLACES else keys for block, keys in cfgs.items()}


def _kinds_inside(cfgs: dict) -> list[str] | None:
    """The kinds that a frozen network inside the model was trained to name; None without one."""
    for network in dependencies(cfgs, in_test=True).values():
        inner = network.read_cfgs()
        config = getattr(model_class(inner), "Config", None)
        if network.use is Use.FROZEN_INSIDE and config is not None and "kinds" in config.model_fields:
            return config.read(inner["model_cfg"], "model_cfg").kinds
    return None


def read_test_inputs(cfgs: dict) -> dict:
    """Everything of a prepared configuration that decides what `evaluate` or the host's test reports, as plain JSON values."""
    evaluator = {key: copy.deepcopy(value) for key, value in cfgs["evaluator_cfg"].items() if key not in FILE_KEYS}
    evaluator["sampler"].pop("batch_size", None)  # the number of processes
    host, teacher = hosts.current(), None
    whole = reference_cfgs(cfgs)[0] if cfgs["model_cfg"].get("backbone") is not None else None  # RP divides by its score
    data = {key: cfgs["data_cfg"].get(key) for key in ("dataset_name", "test_dataset_name", "data_in_use", "remove_no_gallery")}
    if whole:
        teacher = {
            "weights": sha256(whole["evaluator_cfg"]["restore_hint"]),
            "model_cfg": whole["model_cfg"],
            "evaluator_cfg": {key: whole["evaluator_cfg"].get(key) for key in ("enable_float16", "metric", "transform")},
            "dataset_name": whole["data_cfg"]["dataset_name"],
        }
    return as_json(
        {
            "version": __version__,
            "host": host.name,
            "commit": host.commit,
            "data_cfg": data,
            "data": describe_data(cfgs, "TEST_SET"),
            "model_cfg": complete_model_cfg(cfgs, TEST),
            "evaluator_cfg": evaluator,
            "weights": sha256(tested_checkpoint(cfgs)),
            "teacher": teacher,
        }
    )
