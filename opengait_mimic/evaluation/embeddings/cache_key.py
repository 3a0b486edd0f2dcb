"""The key of a cached pass: everything that decides its embeddings."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import torch

from ... import __version__
from ... import host as hosts
from ...base.plain_values import as_json
from ...base.processes import rank_and_world
from ...data.fingerprint import fingerprint_half
from ...host import Host, is_ours
from ...models.dependencies import Use, dependencies
from ...models.prepare import model_class
from ...occlusion.condition import Condition
from ...occlusion.manifest import Manifest
from ...published.switches import TEST
from ...training.recipe import complete_model_cfg

FORMAT = 2  # of the npz and of this key; files of another format are not used
PACKAGE = Path(__file__).resolve().parents[2]
HOST_FOLDERS = ("modeling", "data", "utils")  # of a host's code, what can change an embedding


def fingerprint_test_data(cfgs: dict) -> str:
    """``sha256:<hex>`` of the test half of a prepared configuration's data, see `opengait_mimic.data.fingerprint`."""
    data = cfgs["data_cfg"]
    partition = json.loads(Path(data["dataset_partition"]).read_bytes())
    return fingerprint_half(data["dataset_root"], partition, "TEST_SET")


def pass_key(cfgs: dict, block: dict | None, data: str, weights: str, manifest: Manifest | None = None, batch: int | None = None) -> dict:
    """All that decides the embeddings of a pass, as plain JSON values.

    ``block``: as in `embed_each`, as are manifest and batch. ``data``: `fingerprint_test_data`. ``weights``: SHA-256 of the checkpoint. The
    numbers of processes, of sequences at a time and of workers count only where they decide which frames are drawn.

    Raises:
        ConfigError: the block is wrong, or the manifest does not hold its condition.
    """
    evaluator, host, condition, given, dealt = cfgs["evaluator_cfg"], hosts.current(), None, None, None
    if block is not None:
        hides = read_condition(block)
        condition = {"seed": hides.seed, **hides.occlusion._asdict()}
        given = None if manifest is None else manifest.of(hides.occlusion, hides.seed).hash
    if samples_frames(cfgs):
        dealt = {"processes": rank_and_world()[1], "batch": batch, "workers": cfgs["data_cfg"]["num_workers"]}
    frozen = [each for each in dependencies(cfgs, in_test=True).values() if each.use is Use.FROZEN_INSIDE]
    inside = {each.name: each.read_cfgs()["model_cfg"] for each in frozen}
    kept = {name: evaluator.get(name) for name in ("enable_float16", "restore_ckpt_strict", "transform")}
    kept["sampler"] = {name: value for name, value in evaluator["sampler"].items() if name != "batch_size"}
    return as_json(
        {
            "format": FORMAT, "version": __version__, "host": host.name, "commit": host.commit, "device": hosts.device().type,
            "code": code_hash(host), "torch": torch.__version__, "dealt": dealt,
            "weights": weights, "model_cfg": {**complete_model_cfg(cfgs, TEST), **inside}, "evaluator_cfg": kept,
            "seed": cfgs["trainer_cfg"].get("seed", 0),
            "data_cfg": {name: cfgs["data_cfg"].get(name) for name in ("dataset_name", "test_dataset_name", "data_in_use")},
            "data": data, "manifest": given, "condition": condition,
        }
    )  # fmt: skip


@functools.cache
def code_hash(host: Host) -> str:
    """``sha256:<hex>`` of every Python file of this package and of the host's `HOST_FOLDERS`: their names there and their bytes."""
    folders = [(PACKAGE, PACKAGE), *((host.source, host.source / name) for name in HOST_FOLDERS if host.name != "embedded")]
    digest = hashlib.sha256()
    for root, folder in folders:
        for file in sorted(folder.rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return f"sha256:{digest.hexdigest()}"


def samples_frames(cfgs: dict) -> bool:
    """Whether a test's sampling draws frames in place of taking them all."""
    return not cfgs["evaluator_cfg"]["sampler"]["sample_type"].startswith("all")


def read_condition(block: dict) -> Condition:
    """What a block hides of probes and gallery, its defaults filled in."""
    return Condition.from_cfg({**block, "occluded_side": "both"}, "evaluator_cfg.occlusion")


def binarise_threshold(cfgs: dict) -> float | None:
    """Above which hidden input is 1 and else 0; None = it keeps its grey values."""
    from ...models.occluded_input import OccludedConfig  # imports the host

    given = {"binarise": cfgs["model_cfg"]["binarise"]} if is_ours(model_class(cfgs)) and "binarise" in cfgs["model_cfg"] else {}
    return OccludedConfig.read(given, "model_cfg").binarise
