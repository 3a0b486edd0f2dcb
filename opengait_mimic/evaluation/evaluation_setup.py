"""What a configuration says about its test: data set, protocol, method, backbone, and the network that gives HP."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ..base.config import Flag, read_value
from ..base.errors import ConfigError
from ..base.processes import on_rank_0
from ..host import resolve
from ..host.test_checks import list_filled, list_test_sequences, protocol_of_test, test_set_name
from ..metrics.protocols import Listed, Rule, Split, UnknownDataSet, read_pairs, read_protocol, refuse_unscorable, split
from ..models.prepare import is_ranked, prepare
from ..published.hooks import refuse_fixed_sizes
from ..training.launch import start_log
from .cells import BOTH, OWN, Cell, Hiding, standard_cells
from .cells_file import read_cells
from .method_names import name_method
from .rp_reference import is_distilled, reference_cfgs

DEFAULT = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "occluded_side": BOTH, "seed": 0}
"""The papers' setting; used if the YAML has no ``evaluator_cfg.occlusion``."""


class NoProtocol(ConfigError):
    """A test set whose probes and gallery are not known."""


class Request(NamedTuple):
    """What to measure. The defaults are the cells of the YAML's own condition, without curves.

    ``cells``: a preset, or a YAML of cells (`read_cells`). ``seeds``: of the draws; None = the YAML's. ``split``: a JSON of probes and
    galleries (`read_protocol`). ``pairs``: a JSON of pairs for verification (`read_pairs`). ``manifest``: a JSON of draws that replaces
    drawing. ``save_manifest``: where to write the draws. ``batch``, ``cache``: see `embed_each`. ``post``: a name of
    `opengait_mimic.metrics.POST`. ``curves``: also CMC, views, kinds and verification. ``pictures``: also the clips of a report.
    """

    cells: str | None = None
    seeds: list[int] | None = None
    split: str | None = None
    pairs: str | None = None
    manifest: str | None = None
    save_manifest: str | None = None
    batch: int | None = None
    cache: bool = True
    post: str = "none"
    curves: bool = False
    pictures: bool = False


class TestSetup(NamedTuple):
    """What is tested, as far as it is known before anything is embedded.

    ``base``: ``evaluator_cfg.occlusion`` with its defaults. ``pairs``: for
    verification; None = every probe against the gallery, or the protocol's pairs. ``distilled``: see `is_distilled`. ``reference``:
    see `reference_cfgs`; None, with the ``reason``. ``as_teacher``: see `measure`.
    """

    cfgs: dict
    base: dict
    dataset: str
    protocol: Rule | Listed
    pairs: Listed | None
    method: str
    backbone: str
    distilled: bool
    reference: dict | None
    reason: str
    as_teacher: bool = False

    def split(self, labels, types, views) -> Split:
        """Probe and gallery of the test sequences."""
        found = split(self.protocol, labels, types, views)
        return found if self.pairs is None else replace(found, pairs=self.pairs.indices(labels, types, views))


def read_setup(path: str | os.PathLike | dict, iteration: int, quiet: bool, request: Request, as_teacher: bool = False) -> TestSetup:
    """Read the configuration of a test and start the log; arguments as `opengait_mimic.evaluation.evaluate.measure`.

    Raises:
        ConfigError: a model without an embedding (VEN), a data set without a protocol, a protocol or pairs that do not fit the test
            set. See also `prepare`.
    """
    from ..models.teacher import other_teacher  # imports the host

    cfgs = prepare(path, "embed", iteration)
    cfgs["evaluator_cfg"]["occlusion"] = base = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
    start_log(cfgs, False, False, quiet)
    if not is_ranked(cfgs):
        model = cfgs["model_cfg"]["model"]
        raise ConfigError(f"model_cfg.model = {model}: it has no embedding to rank; test it with python -m opengait_mimic --phase test")
    dataset, protocol = read_test_protocol(cfgs, request.split)
    pairs = None if request.pairs is None else read_pairs(resolve(request.pairs, "--pairs"))
    distilled = is_distilled(cfgs)
    reference, reason = None, "the model was trained on hidden input: pass --reference"
    if cfgs["model_cfg"].get("backbone") is not None:
        reference, reason = reference_cfgs(cfgs)
    if distilled and reference is not None and (other := other_teacher(cfgs, reference)):
        _log().log_warning(other)
        reference, reason = None, other
    setup = TestSetup(cfgs, base, dataset, protocol, pairs, *name_method(cfgs), distilled, reference, reason, as_teacher)
    on_rank_0(lambda: refuse_unscorable_test(cfgs, setup.split))
    return setup


def refuse_unscorable_test(cfgs: dict, divide: Callable[..., Split]) -> None:
    """Refuse listed sequences that the test set lacks, empty sides, and what cannot be scored.

    ``divide``: makes the split of labels, types and views.
    """
    sequences = list_filled(cfgs, list_test_sequences(cfgs))
    if not sequences:  # the model's own loader reports what is missing
        return
    labels, types, views = zip(*sequences)
    try:
        refuse_unscorable(divide(labels, types, views), labels, views)
    except ValueError as error:
        raise error if isinstance(error, ConfigError) else ConfigError(str(error)) from error


def select_cells(setup: TestSetup, given: str | None) -> tuple[list[Cell], list[str]]:
    """The cells to score, and the names of the cells left out because no teacher is there to embed their gallery.

    ``given``: a preset or a file (`read_cells`); None = the YAML's own condition in `standard_cells`.

    Raises:
        ConfigError: see `read_cells`; no cell is left.
    """
    if given is None:
        cells = standard_cells(Hiding.of(setup.base["kinds"], setup.base["hidden"], where="evaluator_cfg.occlusion"))
    else:
        cells = read_cells(given, setup.base)
        refuse_fixed_sizes(setup.cfgs, {cell.name: cell.hiding for cell in cells if cell.hiding}, given)
    if setup.distilled and setup.reference is not None:
        return list(cells), []
    kept = [cell for cell in cells if cell.gallery_embedder == OWN]
    left_out = [cell.name for cell in cells if cell.gallery_embedder != OWN]
    why = setup.reason if setup.distilled else f"no teacher trained a {setup.method}"
    if not kept:
        raise ConfigError(f"{given}: every cell has its gallery embedded by a teacher, and {why}")
    if given is None:
        return kept, []
    if left_out:
        _log().log_info(f"{len(left_out)} cell(s) with the teacher's gallery are left out: {why}")
    return kept, left_out


def read_test_protocol(cfgs: dict, file: str | None = None) -> tuple[str, Rule | Listed]:
    """The test set's name and its protocol.

    ``file``: probes and galleries (`read_protocol`) that replace the data set's protocol; None = that protocol, or the cross-view one with
    ``evaluator_cfg.cross_view_gallery``.

    Raises:
        NoProtocol: the data set has none, and no file is given. ConfigError: a wrong file or key, or a list that the partition lacks.
    """
    if file is not None:
        return test_set_name(cfgs), read_protocol(resolve(file, "--split"))
    read_value(Flag, cfgs["evaluator_cfg"].get("cross_view_gallery", False), "evaluator_cfg.cross_view_gallery")
    try:
        return test_set_name(cfgs), protocol_of_test(cfgs)
    except UnknownDataSet as error:
        raise NoProtocol(str(error)) from error
    except ValueError as error:
        raise ConfigError(f"{error}; --split FILE gives another protocol") from error


def _log():
    from utils import get_msg_mgr

    return get_msg_mgr()
