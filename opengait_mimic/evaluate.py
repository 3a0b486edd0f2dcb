"""Occluded evaluation of any model: one row per protocol cell, from one pass per condition."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from .config import ConfigError
from .distributed import rank_and_world
from .host import HostError, load_cfgs, resolve
from .launch import build, prepare, start_log
from .protocol import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, row, score, split

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


def embed_test_set(cfgs: dict, occluded: bool) -> Passes:
    """Build the model in test phase and embed the test set whole and, if asked for, occluded."""
    from .models.common import Condition

    model = build(cfgs, training=False, occludable=True)
    inner = getattr(model, "module", model)
    found = []
    for block in (None, cfgs["evaluator_cfg"]["occlusion"]) if occluded else (None,):
        condition = Condition.from_cfg(block, "evaluator_cfg.occlusion")
        object.__setattr__(inner, "condition", condition if block is None else condition._replace(protocol=BOTH))
        with torch.no_grad():
            found.append(np.asarray(inner.inference(rank_and_world()[0])["embeddings"], dtype=np.float32))
    data = inner.test_loader.dataset
    return Passes(found[0], found[1] if occluded else None, data.label_list, data.types_list, data.views_list)


def teacher_cfgs(cfgs: dict) -> tuple[dict | None, str]:
    """The configuration of the backbone's teacher, ready to be tested on this run's data; or None and why not."""
    from .models.subnetwork import CheckpointError, backbone_cfg, checkpoint_file

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
    return {**found, "data_cfg": cfgs["data_cfg"], "evaluator_cfg": evaluator}, ""


def reference_hp(file: str | os.PathLike, dataset: str, backbone: str) -> float:
    """Rank-1 on whole bodies of Baseline-1 from an earlier result.

    Raises:
        HostError: the file is missing. ConfigError: it holds no such row for this data set and backbone; says what it holds.
    """
    rows = json.loads(resolve(str(file), "--reference").read_text())["rows"]
    for r in rows:
        if (r["method"], r["protocol"], r["dataset"], r["backbone"]) == ("Baseline-1", HOLISTIC, dataset, backbone):
            return r["rank1"]
    held = sorted({f"{r['method']} {r['backbone']} {r['dataset']} {r['protocol']}" for r in rows})
    raise ConfigError(f"--reference {file}: needs a holistic Baseline-1 row of {backbone} on {dataset}; it holds {', '.join(held)}")


def evaluate(path: str | os.PathLike, iteration: int = 0, reference=None, quiet: bool = False) -> list[dict]:
    """Score one configuration in every protocol cell.

    Cells: ``holistic``, ``probe`` and ``both`` with the method's own gallery; for a mimic also ``probe`` with the whole gallery
    embedded by its teacher. The occlusion is ``evaluator_cfg.occlusion``, or `DEFAULT`.

    Args:
        path: the YAML of any silhouette model: ours, or the host's own (= Baseline-1).
        iteration: the checkpoint; 0 = the YAML's ``restore_hint``.
        reference: a result file that holds the backbone's whole-body row, in place of running its teacher.
        quiet: only warnings on the console.

    Returns:
        Rows of `opengait_mimic.protocol.row`. ``hp_rank1`` is the whole-body Rank-1 of the backbone's teacher (Baseline-1), the
        same for every method of a backbone; where it is unknown RP is None, with ``rp_reason``.

    Raises:
        HostError, ConfigError, CheckpointError: see `prepare` and the models.
    """
    cfgs = prepare(path, "test", iteration)
    cfgs["evaluator_cfg"].setdefault("occlusion", DEFAULT)
    start_log(cfgs, False, False, quiet)
    name, data = cfgs["model_cfg"]["model"], cfgs["data_cfg"]
    if name == "VEN":
        raise ConfigError("model_cfg.model = VEN: it ranks nobody; test it with python -m opengait_mimic --phase test")
    dataset = data.get("test_dataset_name") or data["dataset_name"]
    own = embed_test_set(cfgs, occluded=True)
    probe_set = json.loads(Path(data["dataset_partition"]).read_text()).get("PROBE_SET")
    parts = split(dataset, own.labels, own.types, own.views, probe_set)
    metric = cfgs["evaluator_cfg"].get("metric", "euc")

    def scored(probe, gallery):
        return score(parts, probe, gallery, own.labels, own.views, metric=metric)

    holistic = scored(own.holistic, own.holistic)
    wrapped, teacher, reason = "backbone" in cfgs["model_cfg"], None, ""
    if wrapped:
        from .models.subnetwork import backbone_cfg

        inner = backbone_cfg(cfgs["model_cfg"]["backbone"], "model_cfg.backbone")[0]["model"]
        backbone, method = BACKBONES.get(inner, inner), METHODS.get(name, name)
        whole, reason = teacher_cfgs(cfgs)
        teacher = None if whole is None else embed_test_set(whole, occluded=False)
    else:
        backbone, method = BACKBONES.get(name, name), "Baseline-1"
    hp = holistic["rank1"] if not wrapped else None
    if reference is not None:
        hp, reason = reference_hp(reference, dataset, backbone), ""
    elif teacher is not None:
        hp = scored(teacher.holistic, teacher.holistic)["rank1"]

    results = [
        (Cell(HOLISTIC, OWN), holistic),
        (Cell(PROBE, OWN), scored(own.occluded, own.holistic)),
        (Cell(BOTH, OWN), scored(own.occluded, own.occluded)),
    ]
    if name == "MimicGait" and teacher is not None:
        results.append((Cell(PROBE, TEACHER), scored(own.occluded, teacher.holistic)))
    drawn = cfgs["evaluator_cfg"]["occlusion"]
    rows = []
    for cell, result in results:
        hides = cell.protocol != HOLISTIC
        rows.append(
            row(
                method,
                backbone,
                dataset,
                cell,
                drawn.get("kinds", DEFAULT["kinds"]) if hides else None,
                drawn.get("hidden", DEFAULT["hidden"]) if hides else None,
                result,
                holistic["rank1"],
                hp,
                drawn.get("seed", 0),
            )
        )
        if "rp_reason" in rows[-1] and reason:
            rows[-1]["rp_reason"] = reason
    return rows


def write_json(file: str | os.PathLike, rows: list[dict], **more) -> None:
    """Write rows and whatever belongs with them, through a temporary name.

    Raises:
        HostError: the place cannot be written.
    """
    file = Path(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps({"rows": rows, **more}, indent=2) + "\n")
        part.replace(file)
    except OSError as error:
        raise HostError(f"cannot write {file}: {error}") from error
