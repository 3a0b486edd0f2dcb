"""The rows a result is made of: one method in one cell under one seed."""

from __future__ import annotations

from ..metrics import relative_performance
from ..metrics.protocols.split_scores import RANKS
from .cells import Cell

CURVES = ("cmc", "by_view", "by_kind", "view_pairs", "verification", "verification_reason")
"""Keys of a row that only a result folder and ``--json`` have; see `drop_curves`. The last one explains a ``verification`` of None."""


def make_row(facts: dict, cell: Cell, seed: int, numbers: dict, whole: dict, hp: dict | None, reason: str = "") -> dict:
    """One row of a result.

    Args:
        facts: what every row of a run says: ``method`` (``MimicGait``), ``backbone`` (``GaitBase``), ``dataset``, ``protocol_name``
            (``grew-local``), ``protocol_hash``, ``pairs`` (`pairs_hash`), ``backbone_cfg`` (`hash_backbone`), ``metric`` (``euc`` or
            ``cos``), ``data`` (the test data's fingerprint), ``seeds`` (of the run), ``post`` (of `opengait_mimic.metrics.POST`),
            ``transductive`` (False, or that name), ``trained_kinds`` (see `is_seen`), ``mates_only`` (probes without a mate are left out),
            ``hp_network`` (the network whose score is HP: its backbone and its file).
        cell: what is hidden, and who embeds the gallery.
        seed: of the occlusion draws.
        numbers: of this cell: ``rank1`` to ``rank20``, ``mAP``, ``mINP`` in percent, what there is of `COUNTS` and of `CURVES`; and
            ``subsets``, the same without curves for each of the protocol's.
        whole: ``rank1`` ... of the method's own whole bodies.
        hp: ``rank1`` ... of the backbone's teacher (Baseline-1) on whole bodies, and of each of the ``subsets``; None = not known.
        reason: why ``hp`` is None.

    Returns:
        Plain values, ready for JSON. Ratios: ``rp_rank1`` ... (this row's over HP's), ``retention_rank1`` (own whole bodies over HP);
        None where there is none, with ``rp_reason``. Where the protocol has several subsets, ``subsets``: name -> its numbers, and its RP
        against the HP of the same subset.
    """
    hiding = cell.hiding
    kinds = None if hiding is None else dict(hiding.kinds)
    out = {
        **facts,
        "occluded_side": cell.occluded_side,
        "gallery_embedder": cell.gallery_embedder,
        "cell": cell.name,
        "condition": hiding and hiding.name,
        "kinds": kinds,
        "hidden": None if hiding is None else list(hiding.hidden),
        "seed": seed,
        **{key: value for key, value in numbers.items() if key != "subsets"},
        "holistic_rank1": whole["rank1"],
        **_divide(numbers, hp, reason),
        "retention_rank1": relative_performance(whole["rank1"], hp and hp["rank1"]).value,
        "seen": is_seen(kinds, facts["trained_kinds"]),
    }
    subsets = numbers.get("subsets", {})
    if len(subsets) > 1:
        out["subsets"] = {}
        for name, found in subsets.items():
            below = hp and hp.get("subsets", {}).get(name)
            out["subsets"][name] = {**found, **_divide(found, below, reason if hp is None else f"HP of the subset {name} is not known")}
    return out


def _divide(numbers: dict, hp: dict | None, reason: str) -> dict:
    """HP and RP at each of `RANKS`, and why there is no RP."""
    ratios = {k: relative_performance(numbers[f"rank{k}"], hp and hp[f"rank{k}"]) for k in RANKS}
    out = {f"hp_rank{k}": hp and hp[f"rank{k}"] for k in RANKS}
    out.update({f"rp_rank{k}": ratio.value for k, ratio in ratios.items()})
    if ratios[1].value is None:
        out["rp_reason"] = reason if hp is None and reason else ratios[1].reason
    return out


def is_seen(kinds: dict[str, float] | None, trained: list[str] | None) -> bool | None:
    """Whether a network was trained on every kind that a cell can draw; None for whole bodies, or where ``trained`` is not known."""
    if kinds is None or trained is None:
        return None
    return {kind for kind, share in kinds.items() if share > 0} - {"none"} <= set(trained)


def drop_curves(row: dict) -> dict:
    """A row without its `CURVES`."""
    return {key: value for key, value in row.items() if key not in CURVES}
