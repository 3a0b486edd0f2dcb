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

A sequence is ``label/type/view`` or, as in OpenGait's partitions, ``label-type-view``. In each of the ``subsets``, ``probe`` and
``gallery`` are a list of sequences, or one of them ``"rest"``: every sequence of the test set that is not of the other side. An entry may
be a pattern of file names, ``"*/nm-0[1-4]/*"``: ``*`` any text, ``?`` any letter, ``[14]`` one of these, each within label, type or view;
a list of one entry may be that entry alone. Sequences that no list names take no part. The file may also be YAML (``.yaml``).
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
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Optional

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ...base.config import Allowed, Block, Flag, Text, pair_of
from ...base.errors import ConfigError
from ...base.files import read_text
from ...base.yaml_text import parse

FORMAT, PAIRS_FORMAT, VERSION = "opengait-mimic protocol", "opengait-mimic pairs", 1
SHOWN = 5  # names a message shows


@dataclass(frozen=True)
class Listed:
    """A protocol of named sequences.

    ``subsets``: name -> (probes, gallery), each a set of names and patterns, or None for the rest. ``pairs``: (probe, gallery) names,
    empty = none. ``source``: the file, for messages. ``complete``: every name and pattern must meet a sequence of the test set; OpenGait's
    own test ignores others in PROBE_SET.
    """

    name: str
    subsets: dict[str, tuple[frozenset | None, frozenset | None]]
    cross_view: bool = False
    mates_only: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    source: str = "the protocol"
    complete: bool = True

    def is_probe(self, label: str, type_: str, view: str) -> bool:
        """Whether a sequence is a probe of any subset."""
        name = _spelt(label, type_, view)
        for probe, gallery in self.subsets.values():
            if _meets(name, probe) if probe is not None else not _meets(name, gallery):
                return True
        return False

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
            sides = {"probe": probes, "gallery": gallery}
            for side, listed in sides.items() if self.complete else ():
                if listed is not None:
                    problems += _missing(listed, names, f"{self.source}: subsets.{subset}.{side}")
            met = [None if listed is None else np.array([_meets(name, listed) for name in names], dtype=bool) for listed in sides.values()]
            probe, held = (~met[1 - i] if mask is None else mask for i, mask in enumerate(met))
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


def _is_pattern(name: str) -> bool:
    return any(letter in name for letter in "*?[")


def _meets(spelt: set[str], listed: frozenset) -> bool:
    """Whether a list names a sequence, or has a pattern that it fits."""
    return bool(spelt & listed) or any(_fits(max(spelt), each) for each in listed if _is_pattern(each))


def _fits(name: str, pattern: str) -> bool:
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _missing(listed, names, where) -> list[str]:
    """Messages: listed names that no sequence has, or two have; patterns that none fits."""
    patterns = {name for name in listed if _is_pattern(name)}
    listed = set(listed) - patterns
    have = Counter(name for spelt in names for name in spelt)
    absent, twice = sorted(listed - set(have)), sorted(name for name in listed if have[name] > 1)
    such = f"it has {len(names)}" + (f", such as {max(names[0])}" if names else "")
    idle = sorted(each for each in patterns if not any(_fits(max(spelt), each) for spelt in names))
    found = [f"{where}: no sequence of the test set fits {_some(idle)}; {such}"] if idle else []
    if absent:
        found.append(f"{where}: {len(absent)} of {len(listed)} sequences are not in the test set: {_some(absent)}; {such}")
    if twice:
        found.append(f"{where}: {_some(twice)} fit two sequences of the test set; write label/type/view")
    return found


def _some(names) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _check_name(name: str) -> str:
    if _is_pattern(name):
        if name.count("/") != 2 or "" in name.split("/"):
            raise ValueError("expected a pattern label/type/view, such as */nm-0[1-4]/*")
    elif (name.count("/") != 2 if "/" in name else name.count("-") < 2) or "" in name.split("/"):
        raise ValueError(f"expected {NAME}")
    return name


def _check_plain(name: str) -> str:
    if _is_pattern(name):
        raise ValueError(f"expected {PLAIN}; a pair names its two sequences")
    return _check_name(name)


def _check_once(listed: list) -> list:
    if twice := sorted(str(each) for each, count in Counter(listed).items() if count > 1):
        raise ValueError(f"expected each entry once; {_some(twice)} stand in the list twice")
    return listed


def _check_pair(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError("expected two different sequences, [probe, gallery]")
    return pair


def _read_side(value):
    if value is None:
        raise ValueError(f"expected {SIDE}")
    if value == "rest":
        return None
    return [_check_name(value)] if isinstance(value, str) else value


NAME = "label/type/view, label-type-view, or a pattern such as */nm-0[1-4]/*"
SIDE = "a list of at least one label/type/view or pattern, or rest: every other sequence of the test set"
PLAIN = "label/type/view, or label-type-view"
Name = Annotated[str, AfterValidator(_check_name), Allowed(NAME)]
Plain = Annotated[str, AfterValidator(_check_plain), Allowed(PLAIN)]
Names = Annotated[list[Name], Field(min_length=1), AfterValidator(_check_once), Allowed(SIDE)]
Side = Annotated[Optional[Names], BeforeValidator(_read_side), Allowed(SIDE)]
Pairs = Annotated[
    list[Annotated[pair_of(Plain), AfterValidator(_check_pair)]], AfterValidator(_check_once), Allowed("a list of [probe, gallery]")
]


class SubsetBlock(Block):
    """An entry of ``subsets`` in a JSON file of probes and galleries."""

    probe: Side = Field(description=SIDE)
    gallery: Side = Field(description=SIDE)

    @model_validator(mode="after")
    def _check_sides(self):
        if self.probe is None or self.gallery is None:
            if self.probe is self.gallery:
                raise ValueError("probe and gallery are both rest; name one of them")
            return self
        if both := sorted(set(self.probe) & set(self.gallery)):
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
    ] = Field(description="subset -> {probe: ..., gallery: ...}, each a list of label/type/view or patterns, or rest")
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
        name: tuple(None if side is None else frozenset(side) for side in (each.probe, each.gallery))
        for name, each in block.subsets.items()
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
        read = parse if Path(file).suffix in (".yaml", ".yml") else json.loads
        given = read(read_text(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: not {what} ({error}); expected JSON or YAML with the keys {', '.join(block.model_fields)}") from error
    return block.read(given, str(file))
