"""Who is probe and who is gallery: one rule per data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rule:
    """How a data set is split. ``probes`` maps a subset to its types; None stands for every type but the gallery's.

    With ``by_list`` the partition file's PROBE_SET decides instead, entries ``label-type-view``, and all the rest is
    gallery; probes without a mate are then left out, as OpenGait evaluates Gait3D. With ``cross_view`` Rank-k is taken per
    pair of views, pairs of identical views are left out.
    """

    name: str
    gallery: tuple[str, ...] = ()
    probes: dict[str, tuple[str, ...] | None] | None = None
    by_list: bool = False
    cross_view: bool = False


PROTOCOLS = {
    "walkers": Rule("walkers", gallery=("nm-01",), probes={"all": None}),
    "GREW": Rule("grew-local", gallery=("01",), probes={"all": ("02",)}),
    "Gait3D": Rule("gait3d", probes={"all": None}, by_list=True),
    "CASIA-B": Rule(
        "casia-b",
        gallery=("nm-01", "nm-02", "nm-03", "nm-04"),
        probes={"NM": ("nm-05", "nm-06"), "BG": ("bg-01", "bg-02"), "CL": ("cl-01", "cl-02")},
        cross_view=True,
    ),
    "OUMVLP": Rule("oumvlp", gallery=("01",), probes={"NM": ("00",)}, cross_view=True),
}


@dataclass(frozen=True)
class Split:
    """Probe and gallery of a list of sequences.

    ``subsets`` maps a name to (probe mask [N], gallery mask [N]); with ``mates_only`` probes without a mate are left out.
    """

    name: str
    subsets: dict[str, tuple[np.ndarray, np.ndarray]]
    cross_view: bool
    mates_only: bool = False


def _rule(dataset, probe_set):
    if dataset not in PROTOCOLS:
        raise ValueError(
            f"data set {dataset!r} has no protocol; known: {', '.join(PROTOCOLS)}. Set data_cfg.test_dataset_name to "
            "one of these (OpenGait's default is CASIA-B), or add a rule to opengait_mimic.protocol.PROTOCOLS"
        )
    rule = PROTOCOLS[dataset]
    if rule.by_list and not probe_set:
        raise ValueError(
            f"data set {dataset!r} needs the list PROBE_SET of its partition file (entries label-type-view), "
            f"got {probe_set!r}: pass it as probe_set"
        )
    return rule


def is_probe(dataset: str, label: str, type_: str, view: str, probe_set=None) -> bool:
    """Whether a sequence is a probe; these are the sequences hidden in the cell ``probe``.

    Args:
        dataset: a name of ``PROTOCOLS``.
        label: subject.
        type_: OpenGait's type, e.g. ``nm-05``.
        view: OpenGait's view.
        probe_set: the partition's PROBE_SET, any container of ``label-type-view``; needed by Gait3D only.

    Raises:
        ValueError: an unknown data set, or a missing ``probe_set``.
    """
    rule = _rule(dataset, probe_set)
    if rule.by_list:
        return f"{label}-{type_}-{view}" in probe_set
    return any(type_ not in rule.gallery if types is None else type_ in types for types in rule.probes.values())


def split(dataset: str, labels, types, views, probe_set=None) -> Split:
    """Divide the test sequences of a data set into probe and gallery.

    Args:
        dataset: a name of ``PROTOCOLS``.
        labels: subject of each sequence.
        types: OpenGait's type of each sequence.
        views: OpenGait's view of each sequence.
        probe_set: the partition's PROBE_SET, a list of ``label-type-view``; needed by Gait3D only.

    Shape:
        labels, types, views [N]; masks [N] bool

    Raises:
        ValueError: an unknown data set, lists of unequal length, or a subset without probes or gallery.

    Example:
        >>> split("GREW", ["a", "a"], ["01", "02"], ["v", "w"]).subsets["all"][0]
        array([False,  True])
    """
    if not len(labels) == len(types) == len(views):
        raise ValueError(f"{len(labels)} labels, {len(types)} types and {len(views)} views; expected one of each")
    rule, kinds = _rule(dataset, probe_set), np.asarray(types, dtype=str)
    if rule.by_list:
        listed = set(probe_set)
        probe = np.array([is_probe(dataset, *key, listed) for key in zip(labels, types, views)], dtype=bool)
        subsets = {"all": (probe, ~probe)}
    else:
        gallery = np.isin(kinds, rule.gallery)
        subsets = {name: (~gallery if wanted is None else np.isin(kinds, wanted), gallery) for name, wanted in rule.probes.items()}
    for name, masks in subsets.items():
        for side, mask in zip(("probe", "gallery"), masks):
            if not mask.any():
                raise ValueError(
                    f"data set {dataset!r}: no {side} for subset {name!r} among {len(kinds)} sequences; "
                    f"types present: {', '.join(np.unique(kinds)) or 'none'}; {_wanted(rule, name, side)}. "
                    "Check data_cfg.test_dataset_name, dataset_root and dataset_partition"
                )
    return Split(rule.name, subsets, rule.cross_view, rule.by_list)


def _wanted(rule, subset, side):
    if rule.by_list:
        return f"a {side} is a sequence {'in' if side == 'probe' else 'not in'} PROBE_SET (label-type-view)"
    types = rule.gallery if side == "gallery" else rule.probes[subset]
    return "expected any type but " + ", ".join(rule.gallery) if types is None else "expected " + ", ".join(types)
