"""Occluded evaluation of any model: one pass on whole bodies, one for each condition and seed, and every cell from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import numpy as np
import torch

from . import __version__
from . import host as hosts
from .config import ConfigError
from .distributed import on_rank_0, rank_and_world
from .host import is_ours, resolve
from .inputs import sha256, upstream, weights_of
from .launch import model_class, prepare, start_log
from .passes import Pass, embed_each, fingerprint
from .protocol import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, Hiding, Split, light, read_cells, row, split, summarise
from .provenance import provenance
from .records import write_whole
from .results.folder import Result
from .results.numbers import intervals, numbers
from .results.reference import read_reference
from .retrieval import Trials, transductive
from .setting import DEFAULT, known_protocol, teacher_cfgs, who
from .trained import trained_kinds

ROW_INTERVALS = (1, 5, 10, 20)


class Wanted(NamedTuple):
    """What to measure beyond the four cells of the YAML's own condition; the defaults are those cells.

    ``cells``: a name of `opengait_mimic.protocol.PRESETS` or a YAML of own cells (`read_cells`). ``seeds``: of the draws; None = the
    YAML's. ``protocol``: a JSON file of probe and gallery (`opengait_mimic.protocol.read_protocol`). ``pairs``: a JSON file of such
    a form, whose ``pairs`` alone are taken, for verification. ``manifest``: a JSON file of draws in place of drawing; ``save_manifest``:
    where to write those that were scored. ``batch``, ``cache``: see `opengait_mimic.passes.embed`. ``post``: of
    `opengait_mimic.retrieval.POST`. ``curves``: also CMC, views, kinds and verification. ``pictures``: also the clips of a report.
    """

    cells: str | None = None
    seeds: list[int] | None = None
    protocol: str | None = None
    pairs: str | None = None
    manifest: str | None = None
    save_manifest: str | None = None
    batch: int | None = None
    cache: bool = True
    post: str = "none"
    curves: bool = False
    pictures: bool = False
