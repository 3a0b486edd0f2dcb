"""What a configuration asks of its data, and a look at the first sequences before anything is built."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import ConfigError
from ..base.files import list_folder
from ..data.check import Expected, check_files, choose_files
from ..data.check_report import describe_problem
from ..data.layout import explain_root
from ..data.sequences import Problem, count_files, read_sequence, sort_files
from .register import is_ours, lookup
from .transform_inputs import SILHOUETTES

SEQUENCES = 3
"""Sequences that `refuse_layout` reads."""
STOPS = ("pictures", "arrays", "archives", "stray", "clips", "files", "unequal", "unlike", "axes", "transform")
"""Kinds of problem that stop a run before its first step; others are left to the preflight and to ``check data``."""


def expected_transforms(cfgs: dict, engines: tuple[str, str] = ("evaluator_cfg", "trainer_cfg")) -> list[tuple | None] | None:
    """Per input the transforms of the two engines, as `Expected.transforms` has them; None for a host's model that joins files itself.

    Raises:
        ConfigError: the engines have different numbers of inputs.
    """
    model = lookup("modeling.models", cfgs["model_cfg"].get("model"), "model_cfg.model")
    if not is_ours(model) and model.inputs_pretreament is not sys.modules["modeling.base_model"].BaseModel.inputs_pretreament:
        return None
    get_transform = sys.modules["data.transform"].get_transform  # the bound host's
    blocks = [cfgs[engine].get("transform") for engine in engines]
    first, second = (each if isinstance(each, list) else [each] for each in blocks)
    if len(first) != len(second):
        raise ConfigError(f"{engines[0]}.transform has {len(first)} inputs, {engines[1]}.transform {len(second)}")
    pairs = zip(first, second)
    return [tuple(map(get_transform, pair)) if all(map(_takes_silhouettes, pair)) else None for pair in pairs]


def _takes_silhouettes(block) -> bool:
    if not isinstance(block, dict):
        return False
    return block.get("type") in SILHOUETTES or any(map(_takes_silhouettes, block.get("trf_cfg") or []))


def describe_root(root: str, labels: list[str]) -> str:
    """Say what lies below a root without a sequence of the first of these labels, and the cure."""
    problem = explain_root(root, labels)
    return problem.what if problem.kind == "depth" else describe_problem(problem)


def refuse_layout(cfgs: dict, labels: list[str], training: bool) -> None:
    """Read a few sequences, and stop where every run would stop at them, or read something else than its YAML means.

    Args:
        cfgs: a configuration whose data paths are resolved.
        labels: the identities to choose from; each has a folder.
        training: compare with the training's transforms; otherwise with the test's.

    Raises:
        ConfigError: a problem of `STOPS`; says where, what it is, and the cure.
    """
    root, use, engine = (
        cfgs["data_cfg"]["dataset_root"],
        cfgs["data_cfg"].get("data_in_use"),
        "trainer_cfg" if training else "evaluator_cfg",
    )
    sequences, problems = [], []
    for folder, names in _list_first_sequences(Path(root), labels):
        place = folder.relative_to(root)
        kinds = sort_files(choose_files(sorted(names), use))
        pickles = kinds.pop("pickles", [])
        problems += [Problem(kind, place.as_posix(), f"{count_files(found)} such as {found[0]}") for kind, found in kinds.items()]
        if pickles and not kinds:
            sequences.append(read_sequence(root, (*place.parts, pickles))[0])
    transforms = expected_transforms(cfgs, (engine, engine))
    if transforms is not None:
        problems += check_files([sequence for sequence in sequences if None not in sequence.files], Expected(transforms))
    for problem in problems:
        if problem.kind in STOPS:
            raise ConfigError(f"data_cfg.dataset_root = {root}: {describe_problem(problem)}. `opengait-mimic check data` names all")


def _list_first_sequences(root: Path, labels: list[str]) -> Iterator[tuple[Path, list[str]]]:
    """The first folder with files of some labels, spread over the list, and the names in it."""
    for label in labels[:: max(1, len(labels) // SEQUENCES)][:SEQUENCES]:
        for folder in sorted(root.joinpath(label).glob("*/*")):
            if folder.is_dir() and (names := list_folder(folder)):
                yield folder, names
                break
