"""Occluded evaluation of any model: one row per protocol cell, from one pass per condition."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from . import host as hosts
from .config import ConfigError
from .distributed import rank_and_world
from .host import is_ours, load_cfgs, resolve
from .launch import build, model_class, prepare, start_log
from .protocol import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, is_probe, row, score, split
from .records import write_whole

BACKBONES = {"Baseline": "GaitBase"}  # OpenGait's class name -> the name the field uses
METHODS = {"Baseline2": "Baseline-2"}
DEFAULT = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "protocol": BOTH, "seed": 0}
"""The papers' setting; used where the YAML has no ``evaluator_cfg.occlusion``."""


class Passes(NamedTuple):
    """The embeddings of the test set in one condition each, and who the sequences are."""

    holistic: np.ndarray  # [N, c, p]
    occluded: np.ndarray | None  # [N, c, p]
    labels: list
    types: list
    views: list
    trained_with: dict  # the switches of `reference_compat` that decided the weights, by their dotted keys
    tested_with: dict  # those of the test alone


def embed_test_set(cfgs: dict, occluded: bool, before=lambda model, passes: None) -> Passes:
    """Build the model in test phase and embed the test set whole and, if asked for, occluded; ``before`` see `evaluate`."""
    from .models.common import Condition

    model = build(cfgs, training=False, occludable=True)
    inner = getattr(model, "module", model)
    before(model, 1 + occluded)
    found = []
    for block in (None, cfgs["evaluator_cfg"]["occlusion"]) if occluded else (None,):
        condition = Condition.from_cfg(block, "evaluator_cfg.occlusion")
        object.__setattr__(inner, "condition", condition if block is None else condition._replace(protocol=BOTH))
        with torch.no_grad():
            found.append(np.asarray(inner.inference(rank_and_world()[0])["embeddings"], dtype=np.float32))
    data = inner.test_loader.dataset
    listed = (data.label_list, data.types_list, data.views_list)
    return Passes(found[0], found[1] if occluded else None, *listed, inner.trained_with, inner.tested_with)


def switches_of(passes: Passes, protocol: str) -> dict:
    """The switches that a row names: what the weights were trained with, and what its test heeds; whole bodies no occlusion's."""
    hides = protocol != HOLISTIC
    tested = {key: value for key, value in passes.tested_with.items() if hides or not key.startswith("evaluator_cfg.occlusion.")}
    return {**passes.trained_with, **tested}


def teacher_cfgs(cfgs: dict) -> tuple[dict | None, str]:
    """The configuration of the backbone's teacher, ready to be tested on this run's data; or None and why not."""
    from .models.subnetwork import CheckpointError, around, backbone_cfg, checkpoint_file

    model_cfg = cfgs["model_cfg"]
    stage = model_cfg.get("teacher") or {}
    if stage.get("cfgs"):
        found = load_cfgs(stage["cfgs"], "model_cfg.teacher.cfgs")
    else:
        found = backbone_cfg(model_cfg.get("backbone"), "model_cfg.backbone")[1]
    if found is None:
        return None, "the backbone is given inline, so its whole-body run is unknown: name teacher.cfgs, or pass --reference"
    try:
        file = checkpoint_file(stage.get("checkpoint", "auto"), found, "model_cfg.teacher.checkpoint")
    except CheckpointError as error:
        return None, f"no whole-body run of the backbone: {error} Or pass --reference"
    evaluator = {**found["evaluator_cfg"], "restore_hint": str(file), "sampler": cfgs["evaluator_cfg"]["sampler"]}
    return {**found, "data_cfg": around(cfgs, found)["data_cfg"], "evaluator_cfg": evaluator}, ""


def reference_hp(file: str | os.PathLike, dataset: str, backbone: str) -> float:
    """Rank-1 on whole bodies of Baseline-1 from an earlier result.

    Raises:
        HostError: the file is missing. ConfigError: it is no result, or holds no such row for this data set and backbone.
    """
    try:
        rows = json.loads(resolve(str(file), "--reference").read_text())["rows"]
        found = {(r["method"], r["backbone"], r["dataset"], r["protocol"]): r["rank1"] for r in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"--reference {file}: not a result that `opengait-mimic evaluate --json` writes ({error!r})") from error
    wanted = ("Baseline-1", backbone, dataset, HOLISTIC)
    if wanted not in found:
        held = ", ".join(sorted(" ".join(key) for key in found)) or "nothing"
        raise ConfigError(f"--reference {file}: needs a row {' '.join(wanted)}; it holds {held}")
    return found[wanted]


def who(cfgs: dict) -> tuple[str, str]:
    """The method and the backbone of a configuration, by the names the field uses."""
    name, wrapped = cfgs["model_cfg"]["model"], cfgs["model_cfg"].get("backbone")
    if wrapped is not None:
        from .models.subnetwork import backbone_cfg

        inner = backbone_cfg(wrapped, "model_cfg.backbone")[0]["model"]
        return METHODS.get(name, name), BACKBONES.get(inner, inner)
    if "OcclusionAugmentation" in str(cfgs["trainer_cfg"].get("transform")):
        return "OcclusionAugmentation", BACKBONES.get(name, name)
    return "Baseline-1", BACKBONES.get(name, name)


def known_protocol(cfgs: dict) -> tuple[str, frozenset]:
    """The test set's name, and its ``PROBE_SET`` (empty where it has none).

    Raises:
        ConfigError: a data set without a protocol.
    """
    data = cfgs["data_cfg"]
    dataset = data.get("test_dataset_name") or data["dataset_name"]
    probe_set = frozenset(json.loads(Path(data["dataset_partition"]).read_text()).get("PROBE_SET", ()))
    try:
        is_probe(dataset, "-", "-", "-", probe_set)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return dataset, probe_set


def evaluate(
    path: str | os.PathLike | dict, iteration: int = 0, reference=None, quiet: bool = False, before=lambda model, passes: None
) -> list[dict]:
    """Score one configuration in every protocol cell.

    Cells: ``holistic``, ``probe`` and ``both`` with the method's own gallery; for a model that a teacher trained also ``probe`` with
    the whole gallery embedded by that; where only another teacher's weights are there, this cell and RP are left out, with a warning. The
    occlusion is ``evaluator_cfg.occlusion``, or `DEFAULT`.

    Args:
        path: the YAML of any silhouette model, ours or the host's own (= Baseline-1); or its complete configuration.
        iteration: the checkpoint; 0 = the YAML's ``restore_hint``.
        reference: a result file that holds the backbone's whole-body row, in place of running its teacher for RP.
        quiet: only warnings on the console.
        before: called with every model that embeds the test set, and how often it will, before it does.

    Returns:
        Rows of `opengait_mimic.protocol.row`; on ranks above 0 none. ``hp_rank1`` is the whole-body Rank-1 of the backbone's
        teacher (Baseline-1), the same for every method of a backbone; where it is unknown RP is None, with ``rp_reason``.
        ``reference_compat`` names the switches that were on, where any was: those of the training and of its VEN's (``ven.``...) as the
        checkpoint says, whatever the YAML does, and the YAML's for the test (``rank``, ``evaluator_cfg.occlusion``). The checkpoints of
        Baseline-1, of Baseline-2 and of files older than that say nothing: there only the YAML is known.

    Raises:
        HostError, ConfigError, CheckpointError: see `prepare` and the models; before anything is embedded.
    """
    from utils import get_msg_mgr

    from .models.teacher import other_teacher

    cfgs = prepare(path, "embed", iteration)
    evaluator = cfgs["evaluator_cfg"]
    evaluator["occlusion"] = drawn = {**DEFAULT, **(evaluator.get("occlusion") or {})}
    start_log(cfgs, False, False, quiet)
    name, kind = cfgs["model_cfg"]["model"], model_class(cfgs)
    taught = is_ours(kind) and kind.taught
    if name == "VEN":
        raise ConfigError("model_cfg.model = VEN: it ranks nobody; test it with python -m opengait_mimic --phase test")
    dataset, probe_set = known_protocol(cfgs)  # one without is refused before the first pass
    method, backbone = who(cfgs)
    hp, whole, reason = None, None, "the model was trained on hidden input: pass --reference"
    if cfgs["model_cfg"].get("backbone") is not None:
        whole, reason = teacher_cfgs(cfgs)
    if taught and whole is not None and (other := other_teacher(cfgs, whole)):
        get_msg_mgr().log_warning(other)
        whole, reason = None, other
    if reference is not None:
        hp, whole = reference_hp(reference, dataset, backbone), whole if taught else None

    own = embed_test_set(cfgs, True, before)
    teacher = None if whole is None else embed_test_set(whole, False, before)
    if rank_and_world()[0] > 0:
        return []
    parts = split(dataset, own.labels, own.types, own.views, probe_set)

    def scored(probe, gallery):
        probe, gallery = (torch.from_numpy(side).to(hosts.device()) for side in (probe, gallery))
        return score(parts, probe, gallery, own.labels, own.views, metric=evaluator.get("metric", "euc"))

    results = {
        Cell(HOLISTIC, OWN): scored(own.holistic, own.holistic),
        Cell(PROBE, OWN): scored(own.occluded, own.holistic),
        Cell(BOTH, OWN): scored(own.occluded, own.occluded),
    }
    if taught and teacher is not None:
        results[Cell(PROBE, TEACHER)] = scored(own.occluded, teacher.holistic)
    holistic = results[Cell(HOLISTIC, OWN)]["rank1"]
    if hp is None and teacher is not None:
        hp = scored(teacher.holistic, teacher.holistic)["rank1"]
    elif hp is None and method == "Baseline-1":
        hp = holistic
    rows = []
    for cell, result in results.items():
        kinds, hidden = (drawn["kinds"], drawn["hidden"]) if cell.protocol != HOLISTIC else (None, None)
        rows.append(row(method, backbone, dataset, cell, kinds, hidden, result, holistic, hp, drawn["seed"]))
        if hp is None:
            rows[-1]["rp_reason"] = reason
        if on := switches_of(own, cell.protocol):
            rows[-1]["reference_compat"] = on
    return rows


def write_json(file: str | os.PathLike, rows: list[dict], **more) -> None:
    """Write rows and whatever belongs with them, through a temporary name.

    Raises:
        HostError: the place cannot be written.
    """
    write_whole(Path(file), {"rows": rows, **more})
