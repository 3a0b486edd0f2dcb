"""Read a file of probes and galleries (``--split``): a protocol for any data set, in JSON.

.. code-block:: json

    {
      "format": "opengait-mimic protocol",
      "format_version": 1,
      "name": "corridor",
      "cross_view": false,
      "mates_only": false,
      "subsets": {
        "all": {"probe": ["0001/cl-01/090", "0002/cl-01/090"], "gallery": ["0001/nm-01/090", "0002/nm-01/090"]}
      },
      "pairs": [["0001/cl-01/090", "0001/nm-01/090"], ["0001/cl-01/090", "0002/nm-01/090"]]
    }

A sequence is ``label/type/view`` or, as in OpenGait's partitions, ``label-type-view``. ``subsets`` holds at least one; in each,
``probe`` lists sequences and ``gallery`` lists sequences or is ``"rest"``, every sequence of the test set that is no probe of the
subset. Sequences of the test set that no list names take no part. The total is the mean over the subsets. ``cross_view`` (default
false): Rank-k per pair of views, identical ones left out. ``mates_only`` (default false): probes without a mate are left out, not
failures, and there are mAP and mINP. ``pairs`` (default none) are the trials of verification, each a probe and a gallery sequence,
as BRIAR lists them; a pair is genuine where both labels are equal. Without them every probe meets the whole gallery. A subject with
several sequences in the gallery is met by its nearest; nothing is averaged.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from ...base.config import Block, Flag, Text, shown
from ...base.errors import ConfigError

FORMAT, VERSION, REST = "opengait-mimic protocol", 1, "rest"
SHOWN = 5  # names a message shows


@dataclass(frozen=True)
class Listed:
    """A protocol of named sequences.

    ``subsets``: name -> (probe names, gallery names or None for the rest). ``pairs``: (probe, gallery) names, empty = none. ``source``:
    the file, for messages. ``complete``: every name must be in the test set; False for OpenGait's PROBE_SET, whose own test ignores
    others.
    """

    name: str
    subsets: dict[str, tuple[frozenset, frozenset | None]]
    cross_view: bool = False
    mates_only: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    source: str = "the protocol"
    complete: bool = True

    def is_probe(self, label: str, type_: str, view: str) -> bool:
        """Whether a sequence is a probe of any subset."""
        return any(_spelt(label, type_, view) & probe for probe, _ in self.subsets.values())

    def masks(self, labels, types, views) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Subset -> probe mask and gallery mask [N].

        Raises:
            ConfigError: names that are not in the test set, or that fit two of its sequences; a probe that is gallery too.
        """
        names = [_spelt(*key) for key in zip(labels, types, views)]
        problems, found = [], {}
        for subset, (probes, gallery) in self.subsets.items():
            sides = [("probe", probes), *([("gallery", gallery)] if gallery is not None else [])]
            for side, listed in sides if self.complete else ():
                problems += _missing(listed, names, f"{self.source}: subsets.{subset}.{side}")
            probe = np.array([bool(spelt & probes) for spelt in names], dtype=bool)
            held = ~probe if gallery is None else np.array([bool(spelt & gallery) for spelt in names], dtype=bool)
            if (probe & held).any():
                both = sorted(max(names[i]) for i in np.flatnonzero(probe & held))
                problems.append(f"{self.source}: subsets.{subset}: {_some(both)} are probe and gallery; every sequence is one of the two")
            found[subset] = (probe, held)
        if problems:
            raise ConfigError(*problems)
        return found

    def indices(self, labels, types, views) -> np.ndarray | None:
        """The pairs as indices among the N test sequences, int64 [M, 2]; None without pairs.

        Raises:
            ConfigError: names that are not in the test set; no genuine pair, or no impostor.
        """
        if not self.pairs:
            return None
        names = [_spelt(*key) for key in zip(labels, types, views)]
        where = f"{self.source}: pairs"
        if problems := _missing({name for pair in self.pairs for name in pair}, names, where):
            raise ConfigError(*problems)
        place = {name: i for i, spelt in enumerate(names) for name in spelt}
        found = np.array([[place[name] for name in pair] for pair in self.pairs], dtype=np.int64)
        genuine = int(np.sum(np.asarray(labels)[found[:, 0]] == np.asarray(labels)[found[:, 1]]))
        if genuine in (0, len(found)):
            kind = "genuine" if genuine == 0 else "impostor"
            raise ConfigError(
                f"{where}: none of the {len(found)} pairs is {kind}; verification needs pairs of equal and of different labels"
            )
        return found


def _spelt(label, type_, view) -> set[str]:
    """Both spellings of a sequence; the one with slashes is the greater."""
    return {f"{label}/{type_}/{view}", f"{label}-{type_}-{view}"}


def _missing(listed, names, where) -> list[str]:
    """Messages: listed names that no sequence has, or two have."""
    have = Counter(name for spelt in names for name in spelt)
    absent, twice = sorted(set(listed) - set(have)), sorted(name for name in listed if have[name] > 1)
    found = []
    if absent:
        such = f"it has {len(names)}" + (f", such as {max(names[0])}" if names else "")
        found.append(f"{where}: {len(absent)} of {len(set(listed))} sequences are not in the test set: {_some(absent)}; {such}")
    if twice:
        found.append(f"{where}: {_some(twice)} fit two sequences of the test set; write label/type/view")
    return found


def _some(names) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


class SplitFile(Block):
    """A JSON file of probes and galleries, for ``--split``."""

    format: Literal[FORMAT] = Field(description="marks the file")
    format_version: Literal[VERSION] = Field(description="version of the format")
    name: Text = Field(description="name of the split in tables and results")
    cross_view: Flag = Field(False, description="Rank-k per pair of views, identical views left out")
    mates_only: Flag = Field(False, description="leave out probes without a mate, and report mAP and mINP")
    subsets: Any = Field(description="subset -> {probe: [label/type/view, ...], gallery: [...] or rest}")
    pairs: Any = Field([], description="trials of verification, each [probe, gallery]")


class SubsetBlock(Block):
    """An entry of ``subsets`` in a JSON file of probes and galleries."""

    probe: Any = Field(description="a list of at least one label/type/view")
    gallery: Any = Field(description="a list of at least one label/type/view, or rest: every other sequence of the test set")


def read_protocol(file: str | os.PathLike) -> Listed:
    """Read a protocol file, see the module.

    Raises:
        ConfigError: no such file, not JSON, an unknown, repeated or missing key, a value of the wrong type, a sequence that stands in a
            list twice or as probe and as gallery.
    """
    file = Path(file).expanduser()
    try:
        given = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{file}: not a protocol file ({error}); expected JSON with the format {FORMAT!r}") from error
    block = SplitFile.read(given, str(file))
    subsets, pairs = _subsets(block.subsets, f"{file}.subsets"), _pairs(block.pairs, f"{file}.pairs")
    if block.cross_view and block.mates_only:
        raise ConfigError(f"{file}: cross_view and mates_only = true; they are not defined together, choose one")
    return Listed(block.name, subsets, block.cross_view, block.mates_only, pairs, str(file))


def _once(pairs):
    """JSON's reader keeps the last of equal keys without a word."""
    keys = [key for key, _ in pairs]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"the key {twice[0]!r} is given twice")
    return dict(pairs)


def _names(value, where) -> frozenset:
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{where} = {shown(value)}; expected a list of at least one label/type/view")
    for i, name in enumerate(value):
        _name(name, f"{where}[{i}]")
    if twice := sorted(name for name, count in Counter(value).items() if count > 1):
        raise ConfigError(f"{where}: {_some(twice)} stand in the list twice")
    return frozenset(value)


def _name(value, where) -> str:
    if not isinstance(value, str) or (value.count("/") != 2 if "/" in value else value.count("-") < 2) or "" in value.split("/"):
        raise ConfigError(f"{where} = {shown(value)}; expected label/type/view, or label-type-view")
    return value


def _subsets(value, where):
    if not isinstance(value, dict) or not value:
        raise ConfigError(f"{where} = {shown(value)}; expected a mapping of at least one subset to its probe and gallery")
    found = {}
    for subset, given in value.items():
        at = f"{where}.{subset}"
        block = SubsetBlock.read(given, at)
        probe = _names(block.probe, f"{at}.probe")
        gallery = None if block.gallery == REST else _names(block.gallery, f"{at}.gallery")
        if both := sorted(probe & (gallery or frozenset())):
            raise ConfigError(f"{at}: {_some(both)} are probe and gallery; every sequence is one of the two")
        found[subset] = (probe, gallery)
    return found


def _pairs(value, where):
    if not isinstance(value, list):
        raise ConfigError(f"{where} = {shown(value)}; expected a list of [probe, gallery]")
    found: dict[tuple[str, ...], None] = {}  # in order
    for i, given in enumerate(value):
        at = f"{where}[{i}]"
        if not isinstance(given, list) or len(given) != 2 or given[0] == given[1]:
            raise ConfigError(f"{at} = {shown(given)}; expected two different sequences, [probe, gallery]")
        pair = tuple(_name(name, f"{at}[{j}]") for j, name in enumerate(given))
        if pair in found:
            raise ConfigError(f"{at} = {given}; this pair stands in the list already")
        found[pair] = None
    return tuple(found)
