"""Hashes of protocols and pairs: equal for equal content, whatever file it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict

from .data_set_rules import Rule
from .split_file import Listed


def content_hash(value) -> str:
    """``sha256:<hex>`` of plain values: of their JSON with sorted keys."""
    return "sha256:" + hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def protocol_hash(known: Rule | Listed) -> str:
    """Of what decides probe, gallery and how Rank-k is taken; not of the name, the file or the pairs of verification."""
    if isinstance(known, Rule):
        content = {key: value for key, value in asdict(known).items() if key != "name"}
        content["by_list"] = bool(known.by_list)
        for newer in ("by_probe_view", "without_views"):  # results older than these keys keep their hash
            if not content[newer]:
                del content[newer]
        return content_hash(content)
    subsets = {name: [probe and sorted(probe), gallery and sorted(gallery)] for name, (probe, gallery) in known.subsets.items()}
    return content_hash({"subsets": subsets, "cross_view": known.cross_view, "mates_only": known.mates_only})


def pairs_hash(pairs: Iterable[tuple[str, str]]) -> str:
    """Of the pairs that verification is of, in any order; ``all`` without any: every probe against the gallery."""
    listed = sorted(map(list, pairs))
    return content_hash(listed) if listed else "all"
