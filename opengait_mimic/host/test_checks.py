"""Whether the host's own test can score its test set, asked before the first step. A host must be bound."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

from ..base.error_origin import describe_error
from ..base.errors import ConfigError
from ..base.files import list_folder
from ..metrics.protocols import EVALUATORS_BY_LIST, PROTOCOLS, UnknownDataSet, protocol_of, refuse_unscorable, split_present
from .adapt import testing_on
from .config_checks import partition_of
from .register import lookup

DEFAULT_EVALUATOR = "evaluate_indoor_dataset"


def test_set_name(cfgs: dict) -> str:
    """The name of the test set, as the host passes it to its evaluation."""
    return cfgs["data_cfg"].get("test_dataset_name") or cfgs["data_cfg"]["dataset_name"]


def list_test_sequences(cfgs: dict) -> list[tuple[str, str, str]]:
    """Label, type and view of every folder of TEST_SET that lies where a sequence does; none is opened."""
    root = Path(cfgs["data_cfg"]["dataset_root"])
    folders = (path for label in partition_of(cfgs)["TEST_SET"] for path in sorted(root.joinpath(label).glob("*/*")))
    return [path.parts[-3:] for path in folders if path.is_dir()]


def list_filled(cfgs: dict, sequences: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Those of `list_test_sequences` with a file in them."""
    root = Path(cfgs["data_cfg"]["dataset_root"])
    return [sequence for sequence in sequences if list_folder(root.joinpath(*sequence))]


def protocol_of_test(cfgs: dict):
    """The protocol of a configuration's test set: of its name, or else of an ``eval_func`` that goes by a list of the partition.

    Raises:
        UnknownDataSet: neither has one. ValueError: see `protocol_of`.
    """
    dataset, evaluator, partition = test_set_name(cfgs), cfgs["evaluator_cfg"], partition_of(cfgs)
    try:
        return protocol_of(dataset, partition, bool(evaluator.get("cross_view_gallery")))
    except UnknownDataSet:
        scorer = evaluator.get("eval_func", DEFAULT_EVALUATOR)
        if scorer not in EVALUATORS_BY_LIST:
            raise
        return protocol_of(EVALUATORS_BY_LIST[scorer], partition)


def check_test(cfgs: dict, is_test: bool) -> list[str]:
    """Try the host's evaluation on the names of the test set, without embeddings.

    Args:
        cfgs: a configuration whose data paths are resolved.
        is_test: for a test, and not for a training that tests between.

    Returns:
        What of its numbers will mean nothing, a line each: subsets without probes or gallery; before a training also all of them.

    Raises:
        ConfigError: it would stop: it does not know the data set, has no probe or no gallery in it, or lacks a list of the partition. In a
            test also where every number is settled before (one identity, one view, no mates).
    """
    evaluator, sequences = cfgs["evaluator_cfg"], list_test_sequences(cfgs)
    scorer = evaluator.get("eval_func", DEFAULT_EVALUATOR)
    function, at = lookup("evaluation.evaluator", scorer, "evaluator_cfg.eval_func"), f"evaluator_cfg.eval_func = {scorer}"
    if scorer in EVALUATORS_BY_LIST:
        listed = PROTOCOLS[EVALUATORS_BY_LIST[scorer]].by_list
        if not partition_of(cfgs).get(listed):
            raise ConfigError(
                f"{at} needs the list {listed} (entries label-type-view) in data_cfg.dataset_partition ="
                f" {cfgs['data_cfg']['dataset_partition']}; add it, or choose the data set's own eval_func"
            )
    if not sequences:
        return []  # `check_data` says it
    _try(function, scorer, cfgs, sequences)
    labels, types, views = zip(*sequences)
    try:
        found, missing = split_present(protocol_of_test(cfgs), labels, types, views)
    except UnknownDataSet as error:
        if (evaluator.get("occlusion") or {}).get("occluded_side") == "probe":
            raise ConfigError(f"evaluator_cfg.occlusion.occluded_side = probe: {error}; the host's own test can hide both sides") from error
        return []
    except ValueError as error:
        raise ConfigError(f"{at}: {error}") from error
    lines = [f"{at}: {', '.join(missing)} have no probe or no gallery in the test set, so their numbers mean nothing"] if missing else []
    try:
        refuse_unscorable(found, labels, views)
    except ValueError as error:
        if is_test:
            raise ConfigError(f"{at}: {error}") from error
        lines.append(f"{at}: {error}")
    return lines


class _Reached(Exception):
    """The evaluation has come to the embeddings."""


def _reach(*_):
    raise _Reached


class _Embeddings:
    """Embeddings that end an evaluation which does anything with them."""

    __getitem__ = __iter__ = __len__ = __array__ = __getattr__ = _reach


def _try(function, scorer: str, cfgs: dict, sequences: list[tuple[str, str, str]]) -> None:
    """Run a function of the host's evaluation up to its first use of an embedding. A user's own is left alone."""
    module, data_cfg = sys.modules[function.__module__], cfgs["data_cfg"]
    if not module.__name__.startswith("evaluation.") and scorer != "evaluate_walkers":
        return
    labels, types, views = map(list, zip(*sequences))
    data = {"embeddings": _Embeddings(), "labels": labels, "types": types, "views": views}
    given = {**cfgs["evaluator_cfg"], "dataset_partition": data_cfg["dataset_partition"]}
    named = {key: given[key] for key in inspect.signature(function).parameters if key in given}
    loud = getattr(module, "get_msg_mgr", None)
    module.get_msg_mgr = lambda: SimpleNamespace(log_info=lambda *_: None, log_warning=lambda *_: None)
    try:
        with testing_on(data_cfg["dataset_partition"]):
            function(data, test_set_name(cfgs), **named)
    except _Reached:
        pass
    except Exception as error:
        raise ConfigError(
            f"evaluator_cfg.eval_func = {scorer} stops on the test set {test_set_name(cfgs)!r} ({describe_error(error)}). Set"
            " data_cfg.test_dataset_name to a data set that it knows, choose another eval_func, or leave the host's test out"
            " (trainer_cfg.with_test: false) and score the set by opengait-mimic evaluate --split FILE"
        ) from error
    finally:
        module.get_msg_mgr = loud
