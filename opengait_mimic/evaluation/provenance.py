"""Where a result comes from: all that another person needs to know to get the same numbers."""

from __future__ import annotations

from pathlib import Path

from ..base.versions import library_versions, utc_now
from ..training.record import config_hash


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
        All of these, with ``cfgs`` (the file's name), ``config`` (see `config_hash`), the versions of libraries, and ``date``.
    """
    return {
        **measured,
        "cfgs": None if file is None else Path(file).name,
        "config": config_hash(cfgs),
        **{key: weights.get(key) for key in ("checkpoint", "teacher", "ven", "hp", "weights")},
        **machine,
        **library_versions(),
        "date": utc_now(),
    }
