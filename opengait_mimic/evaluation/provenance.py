"""Where a result comes from: all that another person needs to know to get the same numbers."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import platform
import sys
from importlib import metadata
from pathlib import Path

import torch

PLACES = {
    "data_cfg": ("dataset_root", "dataset_partition", "num_workers", "cache"),
    "evaluator_cfg": ("restore_hint",),
}
"""Keys that say where something lies on a machine, or how fast it is read; what lies there has hashes of its own."""


def provenance(cfgs: dict, file: str | Path | None, weights: dict[str, str | None], measured: dict, machine: dict) -> dict:
    """The entry ``provenance`` of a result, plain values.

    Args:
        cfgs: the merged configuration, as it was run.
        file: the YAML it came from; None = a configuration without a file.
        weights: SHA-256 of the files of ``checkpoint``, ``teacher``, ``ven``, and of the checkpoint that HP was measured with (``hp``);
            ``weights``: of Baseline-1, the hash of its tensors that its mimics' checkpoints keep. None where there is none.
        measured: ``method``, ``backbone``, ``backbone_cfg``, ``dataset``, ``protocol_name``, ``protocol_hash``, ``pairs``, ``metric``,
            ``data`` (the test data's fingerprint), ``seeds``, ``occlusion`` (condition -> the complete block of the first seed),
            ``ven_kinds`` (what the model's VEN was taught, or None), ``preset`` (or the name of a file of cells), ``manifest`` and
            ``saved_manifest`` (SHA-256 of the files or None).
        machine: ``host``, ``commit``, ``version`` (of the plugin), ``device``, ``processes``.

    Returns:
        All of these, with ``cfgs`` (the file's name), ``config`` (see `config_hash`), `versions`, and ``date`` (`now`).
    """
    return {
        **measured,
        "cfgs": None if file is None else Path(file).name,
        "config": config_hash(cfgs),
        **{key: weights.get(key) for key in ("checkpoint", "teacher", "ven", "hp", "weights")},
        **machine,
        **versions(),
        "date": now(),
    }


def versions() -> dict[str, str]:
    """Of python and of what computes: torch, numpy, kornia; and CUDA's and OpenCV's, where torch is built with it and it is loaded."""
    found = {"python": platform.python_version(), "torch": torch.__version__}
    found.update({name: metadata.version(name) for name in ("numpy", "kornia")})
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    if "cv2" in sys.modules:  # the host's transforms are its
        found["cv2"] = sys.modules["cv2"].__version__
    return found


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def config_hash(cfgs: dict) -> str:
    """``sha256:<hex>`` of a merged configuration: of its JSON with sorted keys, without `PLACES` and the test's batch (the number of
    processes), so that moving the data or adding a process does not change it.
    """
    kept = copy.deepcopy(cfgs)
    for block, keys in PLACES.items():
        for key in keys:
            kept.get(block, {}).pop(key, None)
    (kept.get("evaluator_cfg", {}).get("sampler") or {}).pop("batch_size", None)
    return "sha256:" + hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
