"""Read a file of probes and galleries (``--split``), a protocol for any data set, and a file of pairs (``--pairs``), in JSON.

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

A sequence is ``label/type/view`` or, as in OpenGait's partitions, ``label-type-view``. In each of the ``subsets``, ``gallery`` lists
sequences or is ``"rest"``: every sequence of the test set that is no probe of the subset. Sequences that no list names take no part.
The total is the mean over the subsets. ``cross_view`` (default false): Rank-k per pair of views, identical ones left out.
``mates_only`` (default false): probes without a mate are left out, not failures. ``pairs`` (default none) are the trials of
verification, each a probe and a gallery sequence; a pair is genuine where both labels are equal. Without them every probe meets the
whole gallery. A file of pairs has the keys ``format`` (``opengait-mimic pairs``), ``format_version`` (1) and ``pairs``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Optional

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ...base.config import Allowed, Block, Flag, Text, pair_of
from ...base.errors import ConfigError
from ...base.files import read_text

FORMAT, PAIRS_FORMAT, VERSION = "opengait-mimic protocol", "opengait-mimic pairs", 1
SHOWN = 5  # names a message shows


@dataclass(frozen=True)
class Listed:
    """A protocol of named sequences.

    ``subsets``: name -> (probe names, gallery names or None for the rest). ``pairs``: (probe, gallery) names, empty = none. ``source``:
    the file, for messages. ``complete``: every name must be in the test set; OpenGait's own test ignores others in PROBE_SET.
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

    def describe_side(self, subset: str, side: int) -> str:
        """For messages: which sequences a side (0 probe, 1 gallery) of a subset has."""
        return f"sequences {'not ' if side else ''}in {self.source} (label-type-view)"

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
            raise ConfigError(f"{where}: none of the {len(found)} pairs is {kind}; verification needs equal and different labels")
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


def _check_name(name: str) -> str:
    if (name.count("/") != 2 if "/" in name else name.count("-") < 2) or "" in name.split("/"):
        raise ValueError(f"expected {NAME}")
    return name


def _check_once(listed: list) -> list:
    if twice := sorted(str(each) for each, count in Counter(listed).items() if count > 1):
        raise ValueError(f"expected each entry once; {_some(twice)} stand in the list twice")
    return listed


def _check_pair(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError("expected two different sequences, [probe, gallery]")
    return pair


def _read_rest(value):
    if value is None:
        raise ValueError(f"expected {GALLERY}")
    return None if value == "rest" else value


NAME = "label/type/view, or label-type-view"
LIST = "a list of at least one label/type/view"
GALLERY = f"{LIST}, or rest: every other sequence of the test set"
Name = Annotated[str, AfterValidator(_check_name), Allowed(NAME)]
Names = Annotated[list[Name], Field(min_length=1), AfterValidator(_check_once), Allowed(LIST)]
Rest = Annotated[Optional[Names], BeforeValidator(_read_rest), Allowed(GALLERY)]
Pairs = Annotated[
    list[Annotated[pair_of(Name), AfterValidator(_check_pair)]], AfterValidator(_check_once), Allowed("a list of [probe, gallery]")
]


class SubsetBlock(Block):
    """An entry of ``subsets`` in a JSON file of probes and galleries."""

    probe: Names = Field(description=LIST)
    gallery: Rest = Field(description=GALLERY)

    @model_validator(mode="after")
    def _check_sides(self):
        if both := sorted(set(self.probe) & set(self.gallery or ())):
            raise ValueError(f"{_some(both)} are probe and gallery; every sequence is one of the two")
        return self


class SplitFile(Block):
    """A JSON file of probes and galleries, for ``--split``."""

    format: Literal[FORMAT] = Field(description="marks the file")
    format_version: Literal[VERSION] = Field(description="version of the format")
    name: Text = Field(description="name of the split in tables and results")
    cross_view: Flag = Field(False, description="Rank-k per pair of views, identical views left out")
    mates_only: Flag = Field(False, description="leave out probes without a mate")
    subsets: Annotated[
        dict[str, SubsetBlock], Field(min_length=1), Allowed("a mapping of at least one subset to its probe and gallery")
    ] = Field(description="subset -> {probe: [label/type/view, ...], gallery: [...] or rest}")
    pairs: Pairs = Field([], description="trials of verification, each [probe, gallery]")

    @model_validator(mode="after")
    def _check_flags(self):
        if self.cross_view and self.mates_only:
            raise ValueError("cross_view and mates_only are not defined together, choose one")
        return self


class PairsFile(Block):
    """A JSON file of pairs for verification, for ``--pairs``."""

    format: Literal[PAIRS_FORMAT] = Field(description="marks the file")
    format_version: Literal[VERSION] = Field(description="version of the format")
    pairs: Annotated[Pairs, Field(min_length=1)] = Field(description="a list of [probe, gallery], each label/type/view")


def read_protocol(file: str | os.PathLike) -> Listed:
    """Read a protocol file, see the module.

    Raises:
        ConfigError: no such file, not JSON, an unknown or missing key, a value of the wrong type, a sequence that stands in a list twice
            or as probe and as gallery.
    """
    block = _read(file, SplitFile, "a protocol file")
    subsets = {
        name: (frozenset(each.probe), None if each.gallery is None else frozenset(each.gallery)) for name, each in block.subsets.items()
    }
    return Listed(block.name, subsets, block.cross_view, block.mates_only, tuple(block.pairs), str(file))


def read_pairs(file: str | os.PathLike) -> Listed:
    """Read a list of pairs; a data set keeps its own protocol for Rank-k.

    Returns:
        A `Listed` without subsets, for its ``indices``.

    Raises:
        ConfigError: no such file, not JSON, an unknown or missing key, no pair, one that is none or stands there twice.
    """
    return Listed(Path(file).stem, {}, pairs=tuple(_read(file, PairsFile, "a list of pairs").pairs), source=str(file))


def _read(file: str | os.PathLike, block: type[Block], what: str) -> Block:
    try:
        given = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: not {what} ({error}); expected JSON with the keys {', '.join(block.model_fields)}") from error
    return block.read(given, str(file))
