"""What a configuration says about its test: which method, which backbone, whose whole-body score RP divides by, which protocol."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..base.config import Flag, read_value
from ..base.errors import ConfigError
from ..base.processes import on_rank_0
from ..host import is_ours, load_cfgs, resolve
from ..metrics.protocols import Listed, Rule, Split, content_hash, protocol_of, read_pairs, read_protocol, refuse_unscorable, split
from ..models.depends import built_on
from ..models.prepare import model_class, prepare
from ..published.hooks import refuse_fixed_sizes
from ..published.switches import test_hiding
from ..training.launch import start_log
from .cells import BOTH, OWN, Cell, Hiding, standard_cells
from .cells_file import read_cells

BACKBONES = {"Baseline": "GaitBase"}  # OpenGait's class name -> the name the field uses
METHODS = {"Baseline2": "Baseline-2"}
DEFAULT = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "occluded_side": BOTH, "seed": 0}
"""The papers' setting; used where the YAML has no ``evaluator_cfg.occlusion``."""


def who(cfgs: dict) -> tuple[str, str]:
    """The method and the backbone of a configuration, by the names the field uses."""
    name, wrapped = cfgs["model_cfg"]["model"], cfgs["model_cfg"].get("backbone")
    if wrapped is not None:
        from ..models.upstream_weights import backbone_cfg

        inner = backbone_cfg(wrapped, "model_cfg.backbone")[0]["model"]
        return METHODS.get(name, name), BACKBONES.get(inner, inner)
    if "OcclusionAugmentation" in str(cfgs["trainer_cfg"].get("transform")):
        return "OcclusionAugmentation", BACKBONES.get(name, name)
    return "Baseline-1", BACKBONES.get(name, name)


def architecture(cfgs: dict) -> str:
    """Names the network that a backbone is, where a name such as GaitBase stands for several.

    Returns:
        The hash of the backbone's ``model_cfg`` (of Baseline-1 its own), but for every ``class_num``: the identities it was trained on.
    """
    wrapped = cfgs["model_cfg"].get("backbone")
    if wrapped is None:
        return content_hash(_without_classes(cfgs["model_cfg"]))
    from ..models.upstream_weights import backbone_cfg

    return content_hash(_without_classes(backbone_cfg(wrapped, "model_cfg.backbone")[0]))


def _without_classes(value):
    if isinstance(value, dict):
        return {key: _without_classes(each) for key, each in value.items() if key not in ("class_num", "reference_compat")}
    return [_without_classes(each) for each in value] if isinstance(value, (list, tuple)) else value


def teacher_cfgs(cfgs: dict) -> tuple[dict | None, str]:
    """The configuration of the backbone's teacher, ready to be tested on this run's data; or None and why not."""
    from ..base.errors import CheckpointError
    from ..models.upstream_weights import around, backbone_cfg, checkpoint_file

    model_cfg = cfgs["model_cfg"]
    stage = model_cfg.get("teacher") or {}
    if stage.get("cfgs"):
        found = load_cfgs(stage["cfgs"], "model_cfg.teacher.cfgs")
    else:
        found = backbone_cfg(model_cfg.get("backbone"), "model_cfg.backbone")[1]
    if found is None:
        return None, "the backbone is given inline, so its whole-body run is unknown: name teacher.cfgs, or pass --reference"
    try:
        yaml = stage.get("cfgs") or model_cfg["backbone"]["cfgs"]
        file = checkpoint_file(stage.get("checkpoint", "auto"), found, "model_cfg.teacher.checkpoint", yaml=yaml)
    except CheckpointError as error:
        return None, f"no whole-body run of the backbone: {error} Or pass --reference"
    evaluator = {**found["evaluator_cfg"], "restore_hint": str(file), "sampler": cfgs["evaluator_cfg"]["sampler"]}
    model_cfg = found["model_cfg"]
    if hiding := test_hiding(cfgs):  # the teacher's input is hidden in the same way
        model_cfg = {**model_cfg, "reference_compat": hiding}
    return {**found, "data_cfg": around(cfgs, found)["data_cfg"], "model_cfg": model_cfg, "evaluator_cfg": evaluator}, ""


class Subject(NamedTuple):
    """What is to be tested: a configuration, and what is known before anything is embedded."""

    cfgs: dict
    base: dict  # its evaluator_cfg.occlusion, filled up
    dataset: str
    protocol: Rule | Listed
    probe_set: frozenset  # of the partition; empty where it has none
    pairs: Listed | None  # for verification; None = every probe against the gallery, or the protocol's own
    method: str
    backbone: str
    taught: bool  # a teacher trained it
    teacher: dict | None  # the configuration of the backbone's whole-body run
    reason: str  # there is none
    as_teacher: bool = False  # itself the teacher of another, by whose configuration its weights are named

    def split(self, labels, types, views) -> Split:
        """Probe and gallery of the test sequences."""
        found = split(self.protocol, labels, types, views, self.probe_set)
        return found if self.pairs is None else replace(found, pairs=self.pairs.indices(labels, types, views))


def read_subject(
    path: str | os.PathLike | dict, iteration: int, quiet: bool, split_file: str | None, pairs: str | None, as_teacher: bool = False
) -> Subject:
    """Read a configuration that is to be tested, and start the log; arguments as `opengait_mimic.evaluation.evaluate.measure`.

    Raises:
        ConfigError: a VEN, a data set without a protocol, a protocol or pairs that do not fit the test set. See also `prepare`.
    """
    from ..models.teacher import other_teacher

    cfgs = prepare(path, "embed", iteration)
    cfgs["evaluator_cfg"]["occlusion"] = base = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
    start_log(cfgs, False, False, quiet)
    if cfgs["model_cfg"]["model"] == "VEN":
        raise ConfigError("model_cfg.model = VEN: it ranks nobody; test it with python -m opengait_mimic --phase test")
    dataset, known, probe_set = known_protocol(cfgs, split_file)
    listed = None if pairs is None else read_pairs(resolve(pairs, "--pairs"))
    kind = model_class(cfgs)
    taught = is_ours(kind) and any(each.is_whole_body() for each in built_on(cfgs).values())
    whole, reason = None, "the model was trained on hidden input: pass --reference"
    if cfgs["model_cfg"].get("backbone") is not None:
        whole, reason = teacher_cfgs(cfgs)
    if taught and whole is not None and (other := other_teacher(cfgs, whole)):
        _messages().log_warning(other)
        whole, reason = None, other
    subject = Subject(cfgs, base, dataset, known, probe_set, listed, *who(cfgs), taught, whole, reason, as_teacher)
    on_rank_0(lambda: _fits(subject))
    return subject


def _fits(subject: Subject) -> None:
    """Named sequences that the test set lacks, empty sides, and what cannot be scored are told before anything is embedded."""
    data = subject.cfgs["data_cfg"]
    labels = json.loads(Path(data["dataset_partition"]).read_text())["TEST_SET"]
    views = [view for label in labels for view in sorted(Path(data["dataset_root"], str(label)).glob("*/*")) if any(view.iterdir())]
    try:
        if views:  # else the model's own loader says what is missing
            labels, types, seen_from = zip(*(view.parts[-3:] for view in views))
            refuse_unscorable(subject.split(labels, types, seen_from), labels, seen_from)
    except ValueError as error:
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error


def cells_of(subject: Subject, given: str | None) -> tuple[list[Cell], list[str]]:
    """The cells to score, and the names of those left out, as nothing of this method's teacher embeds a gallery.

    Args:
        subject: whose.
        given: a preset or a file (`read_cells`); None = the YAML's own condition in `standard_cells`.

    Raises:
        ConfigError: see `read_cells`; no cell is left.
    """
    if given is not None:
        cells = read_cells(given, subject.base)
        refuse_fixed_sizes(subject.cfgs, {cell.name: cell.hiding for cell in cells if cell.hiding}, given)
    else:
        cells = [*standard_cells(Hiding.of(subject.base["kinds"], subject.base["hidden"], where="evaluator_cfg.occlusion"))]
    if subject.taught and subject.teacher is not None:
        return cells, []
    kept = [cell for cell in cells if cell.gallery_embedder == OWN]
    left_out = [cell.name for cell in cells if cell.gallery_embedder != OWN]
    if not kept:
        raise ConfigError(f"{given}: every cell has its gallery embedded by a teacher, and {_no_teacher(subject)}")
    if given is not None and left_out:
        _messages().log_info(f"{len(left_out)} cell(s) with the teacher's gallery are left out: {_no_teacher(subject)}")
    return kept, left_out if given is not None else []


def _no_teacher(subject: Subject) -> str:
    return subject.reason if subject.taught else f"no teacher trained a {subject.method}"


def known_protocol(cfgs: dict, file: str | None = None) -> tuple[str, Rule | Listed, frozenset]:
    """The test set's name, its protocol, and its ``PROBE_SET`` (empty where it has none).

    Args:
        cfgs: a prepared configuration.
        file: a protocol of named sequences (`read_protocol`), in the place of the data set's own, whichever
            ``evaluator_cfg.cross_view_gallery`` makes that.

    Raises:
        ConfigError: a data set without a protocol, or a wrong file.
    """
    data = cfgs["data_cfg"]
    dataset = data.get("test_dataset_name") or data["dataset_name"]
    probe_set = frozenset(json.loads(Path(data["dataset_partition"]).read_text()).get("PROBE_SET", ()))
    if file is not None:
        return dataset, read_protocol(resolve(file, "--split")), probe_set
    crossed = read_value(Flag, cfgs["evaluator_cfg"].get("cross_view_gallery", False), "evaluator_cfg.cross_view_gallery")
    try:
        return dataset, protocol_of(dataset, probe_set, crossed), probe_set
    except ValueError as error:
        raise ConfigError(f"{error}; evaluate takes one by --split") from error


def _messages():
    from utils import get_msg_mgr

    return get_msg_mgr()
