"""Split a list of test sequences into probe and gallery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .data_set_rules import CROSS_VIEW_GALLERY, PROTOCOLS, Rule
from .split_file import Listed


@dataclass(frozen=True)
class Split:
    """Probe and gallery of N sequences.

    Attributes:
        name: the protocol's name.
        subsets: name -> (probe mask [N], gallery mask [N]), bool; each subset may have a gallery of its own.
        cross_view: Rank-k per pair of views, identical ones left out.
        mates_only: probes without a mate are left out; never with ``cross_view``.
        by_probe_view: Rank-k per view of the probes, against the whole gallery but their own subject at their own view.
        views: the names cross-view compares, str [N], where they are not the sequences' own (CCPG); else None.
        overall: the subset whose scores are the total's (SUSTech1K); None = the mean over the subsets.
        pairs: the trials of verification as (probe, gallery) indices among the N, int64 [M, 2], of both kinds; None = every probe
            against the whole gallery of its subset.
    """

    name: str
    subsets: dict[str, tuple[np.ndarray, np.ndarray]]
    cross_view: bool
    mates_only: bool = False
    by_probe_view: bool = False
    views: np.ndarray | None = None
    overall: str | None = None
    pairs: np.ndarray | None = None


class UnknownDataSet(ValueError):
    """A data set without a protocol of its own."""


def protocol_of(dataset: str | Rule | Listed, partition: Mapping | None = None, cross_view_gallery: bool = False) -> Rule | Listed:
    """The protocol of a data set.

    Args:
        dataset: a name of `PROTOCOLS`; or a rule or what `read_protocol` returned, which are protocols themselves.
        partition: of the data set; a rule ``by_list`` reads the list there that it names (Gait3D: PROBE_SET).
        cross_view_gallery: ``evaluator_cfg.cross_view_gallery``: OpenGait's other protocol of CASIA-B and OUMVLP.

    Raises:
        UnknownDataSet: (a ValueError) an unknown data set.
        ValueError: one without the other protocol that is asked for, or a missing list.
    """
    if isinstance(dataset, (Rule, Listed)):
        return dataset
    if cross_view_gallery:
        if dataset not in CROSS_VIEW_GALLERY:
            raise ValueError(
                f"evaluator_cfg.cross_view_gallery = true: {', '.join(CROSS_VIEW_GALLERY)} have this protocol, the test set {dataset!r} has"
                " none: set the key to false, or leave it out"
            )
        return CROSS_VIEW_GALLERY[dataset]
    if dataset not in PROTOCOLS:
        raise UnknownDataSet(
            f"data set {dataset!r} has no protocol here; known: {', '.join(PROTOCOLS)}. Name its probes and gallery in a file and give it"
            " by --split to evaluate and pipeline, or set data_cfg.test_dataset_name to one of these (OpenGait's default is CASIA-B)"
        )
    rule = PROTOCOLS[dataset]
    if not rule.by_list:
        return rule
    listed = (partition or {}).get(rule.by_list)
    if not listed:
        raise ValueError(
            f"data set {dataset!r} needs the list {rule.by_list} of its partition file (entries label-type-view), got {listed!r}"
        )
    sides = (frozenset(listed), None) if rule.by_list == "PROBE_SET" else (None, frozenset(listed))
    return Listed(rule.name, {"all": sides}, mates_only=True, source=rule.by_list, complete=False)


def is_probe(known: Rule | Listed, label: str, type_: str, view: str) -> bool:
    """Whether a sequence is a probe of any subset of a protocol. In CCPG a probe of one subset may be gallery of another."""
    if isinstance(known, Listed):
        return known.is_probe(label, type_, view)
    return any(probe[0] for probe, _ in known.masks([type_], [view]).values())


def split(dataset: str | Rule | Listed, labels, types, views, partition: Mapping | None = None) -> Split:
    """Divide the test sequences of a data set into probe and gallery.

    Args:
        dataset: see `protocol_of`.
        labels: subject of each sequence.
        types: OpenGait's type of each sequence.
        views: OpenGait's view of each sequence.
        partition: see `protocol_of`.

    Shape:
        labels, types, views [N]; masks [N] bool

    Raises:
        ValueError: an unknown data set, lists of unequal length, or a subset without probes or gallery.
        ConfigError: (a ValueError) a protocol file that does not fit the sequences, see `Listed`.

    Example:
        >>> split("GREW", ["a", "a"], ["01", "02"], ["v", "w"]).subsets["all"][0]
        array([False,  True])
    """
    found, known, at = _divide(dataset, labels, types, views, partition)
    for name, masks in found.subsets.items():
        for i, (side, mask) in enumerate(zip(("probe", "gallery"), masks)):
            if not mask.any():
                raise ValueError(
                    f"{at}: no {side} for subset {name!r} among {len(types)} sequences; "
                    f"types present: {', '.join(np.unique(np.asarray(types, dtype=str))) or 'none'}; "
                    f"expected {known.describe_side(name, i)}. Check data_cfg.test_dataset_name, dataset_root and dataset_partition"
                )
    return found


def split_present(known: Rule | Listed, labels, types, views) -> tuple[Split, list[str]]:
    """As `split`, without the subsets that have no probe or no gallery, whose names come with it.

    Raises:
        ValueError: as `split`, where no subset is whole.
    """
    found = _divide(known, labels, types, views, None)[0]
    present = {name: masks for name, masks in found.subsets.items() if all(mask.any() for mask in masks)}
    if not present or (found.overall is not None and found.overall not in present):
        split(known, labels, types, views)  # says what is missing
    return replace(found, subsets=present), [name for name in found.subsets if name not in present]


def _divide(dataset, labels, types, views, partition) -> tuple[Split, Rule | Listed, str]:
    """The split, its protocol, and whose it is, for messages; a subset may have an empty side."""
    if not len(labels) == len(types) == len(views):
        raise ValueError(f"{len(labels)} labels, {len(types)} types and {len(views)} views; expected one of each")
    known = protocol_of(dataset, partition)
    at = f"data set {dataset!r}" if isinstance(dataset, str) else getattr(known, "source", f"protocol {known.name!r}")
    if isinstance(known, Listed):
        masks, pairs = known.masks(labels, types, views), known.indices(labels, types, views)
        found = Split(known.name, masks, known.cross_view, known.mates_only, pairs=pairs)
    else:
        compared = np.array([view.split(known.view_until)[0] for view in views], dtype=str) if known.view_until else None
        more = {"by_probe_view": known.by_probe_view, "views": compared, "overall": known.overall}
        found = Split(known.name, known.masks(types, views), known.cross_view, **more)
    return found, known, at
