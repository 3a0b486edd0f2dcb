"""A YAML that nobody has trained yet, as a run sheet: what a training that follows it to the end would say."""

from __future__ import annotations

from pathlib import Path

from .. import host as hosts
from ..base.errors import CheckpointError, ConfigError
from ..host import load_cfgs
from ..models.upstream_weights import checkpoint_file
from ..training.inputs import found_at, plain, training_inputs
from .plans import batch, builds_on, of_test, precision
from .training import SUMMED_UP, summed_up
from .words import HEAD


def recipe(path: str | Path) -> dict:
    """The sheet of a YAML; what it leaves to the machine or to data that are not here is null.

    Args:
        path: any configuration; the host must be bound.

    Raises:
        HostError: the YAML, or one that it names, is not found. ConfigError: it is wrong.
    """
    hosts.search[:] = [Path(path).expanduser().resolve().parent]
    return plain(_sheet(path))


def _sheet(path: str | Path) -> dict:
    cfgs = load_cfgs(path)
    if not isinstance(cfgs["data_cfg"], dict):
        raise ConfigError(f"{path}: data_cfg: several data sets at once are not supported here; name one")
    trainer, hint = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]["restore_hint"]
    return {
        **HEAD,
        "what": "recipe",
        "iteration": hint if isinstance(hint, int) and hint else trainer["total_iter"],
        "of": trainer["total_iter"],
        "inputs": training_inputs(cfgs, recipe=True),
        "test": of_test(cfgs, recipe=True),
        "batch": batch(cfgs, None),
        "upstream": {key: _upstream(cfgs, key, *named) for key, named in builds_on(cfgs).items()},
        "precision": precision(cfgs, computed=False),
        "seed": trainer.get("seed", 0),
        "config": {**cfgs, "data_cfg": {**cfgs["data_cfg"], **_places(cfgs["data_cfg"])}},
    }


def _places(data: dict) -> dict:
    """Where the data are, resolved as a training would; as written where they are not here."""
    given = {key: str(data[key]) for key in ("dataset_root", "dataset_partition")}
    return {key: str(found_at(value, f"data_cfg.{key}") or value) for key, value in given.items()}


def _upstream(cfgs: dict, key: str, file: Path, given: str) -> dict | None:
    """What a recipe says of its teacher or VEN: the training that its YAML describes; of weights by their path, what is known of them."""
    if given == "auto":
        sheet = _sheet(file)
        return {name: sheet.get(name) for name in SUMMED_UP}
    try:
        return summed_up(checkpoint_file(given, cfgs, f"model_cfg.{key}.checkpoint"))
    except CheckpointError:
        return None
