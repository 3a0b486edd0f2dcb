"""In what two runs, results or configurations differ; what decides the weights comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, NamedTuple

from ..base import checkpoint_file
from ..base.errors import ConfigError
from ..base.files import read_text
from .provenance import FILE_KEYS

RECIPE = (
    "model", "losses", "batch", "steps", "schedule", "optimiser", "occlusion", "sampler", "transforms", "training", "depends", "data",
    "test",
)  # fmt: skip
"""Groups that a recipe fixes: what decides the weights, the most frequent causes of other numbers first, then the test."""
REST = ("precision", "processes", "versions")
UNKNOWN = ("depends", "data", "processes", "versions", "test", "precision")
"""Groups in which None means that a side does not say; a YAML leaves them to the machine."""
GROUPED = ("occlusion", "sampler", "transform", "bfloat16", "enable_float16")
"""Keys of ``trainer_cfg`` that have a group of their own."""
TEST_KEYS = ("dataset", "data", "protocol_name", "protocol_hash", "pairs", "metric", "seeds", "preset", "manifest", "hp", "occlusion")
"""Keys of a result's provenance that describe its test."""
TAKES = "a checkpoint (.pt), its .run.json, the folder of a training or of a result, a result's JSON, or a YAML"


class Difference(NamedTuple):
    """One value that differs: the group, the dotted key in it, and both values."""

    group: str
    key: str
    a: object
    b: object

    @property
    def known(self) -> bool:
        """Both sides say it."""
        return not (self.group in UNKNOWN and None in (self.a, self.b))

    @property
    def departure(self) -> bool:
        """Both sides say it, and a recipe fixes it."""
        return self.known and self.group in RECIPE


class Side(NamedTuple):
    """One side of a comparison: its file, what it is in a line, and group -> its values; empty groups where nothing is known."""

    file: str
    title: str
    facts: dict


def compare(a: Side, b: Side) -> list[Difference]:
    """Every value that differs, in the order of `RECIPE` and `REST`.

    Example:
        >>> one, two = (Side("x", "", {"optimiser": {"lr": lr}}) for lr in (0.1, 0.2))
        >>> compare(one, two)
        [Difference(group='optimiser', key='lr', a=0.1, b=0.2)]
    """
    found = []
    for group in (*RECIPE, *REST):
        if group in a.facts and group in b.facts:
            one, two = a.facts[group], b.facts[group]
            if group == "depends":  # a model that does without a network says so
                one, two = ({**dict.fromkeys([*one, *two], "none"), **side} for side in (one, two))
            found += [Difference(group, *each) for each in _walk(one, two)]
    return found


def _walk(a, b, where: str = "") -> Iterator[tuple[str, object, object]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            yield from _walk(a.get(key), b.get(key), f"{where}.{key}".strip("."))
    elif a != b and not (a in ({}, [], None) and b in ({}, [], None)):  # an empty block says nothing
        yield where, a, b


def read_side(place: str, read_yaml: Callable[[Path], tuple[dict, dict]]) -> Side:
    """Find and read one side.

    Args:
        place: see `TAKES`. Of a training's folder the newest checkpoint is taken.
        read_yaml: YAML -> its merged configuration and its recipe.

    Raises:
        ConfigError: there is nothing, or nothing that says what made it.
    """
    file = Path(place).expanduser()
    if file.suffix in (".yaml", ".yml"):
        return _describe_side(file, "recipe", _entry_of_yaml(*read_yaml(file)), None)
    if file.is_dir():
        file = _find_in_folder(file)
    if not file.is_file() or file.suffix not in (".pt", ".json"):
        raise ConfigError(f"{place}: no such file or folder; compare takes {TAKES}")
    content = checkpoint_file.entry(file) if file.suffix == ".pt" else _read_json(file)
    if "recipe" in content:
        return _describe_side(file, "checkpoint", content, None)
    if source := content.get("provenance"):
        return _describe_side(file, "result", source.get("training"), source)
    raise ConfigError(f"{file}: no record of this version is in it, so nothing says what made it (OpenGait's main.py writes none)")


def _find_in_folder(folder: Path) -> Path:
    if (folder / "results.json").is_file():
        return folder / "results.json"
    for place in (folder / "checkpoints", folder):
        if files := sorted(place.glob("*.pt"), key=lambda file: (file.stat().st_mtime_ns, file.name)):
            return files[-1]
    raise ConfigError(f"{folder}: holds no checkpoint and no result; compare takes {TAKES}")


def _read_json(file: Path) -> dict:
    try:
        content = json.loads(read_text(file))
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON ({error}); compare takes {TAKES}") from error
    return content if isinstance(content, dict) else {}


def _entry_of_yaml(cfgs: dict, recipe: dict) -> dict:
    trainer, hint = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]["restore_hint"]
    iteration = hint if isinstance(hint, int) and hint else trainer["total_iter"]
    return {"iteration": iteration, "total_iter": trainer["total_iter"], "recipe": recipe, "config": cfgs, "starts": []}


def _describe_side(file: Path, kind: str, entry: dict | None, source: dict | None) -> Side:
    if not entry:
        return Side(str(file), f"{kind} of weights whose training is not known", {"test": _describe_test({}, source)})
    recipe = entry["recipe"]
    model, data = recipe["model_cfg"].get("model"), recipe["data_cfg"].get("dataset_name")
    title = f"{kind}, {model} on {data}, {entry['iteration']} of {entry['total_iter']} steps"
    return Side(
        str(file),
        title,
        {**_describe_weights(entry), "test": _describe_test(entry["config"]["evaluator_cfg"], source), **_describe_machine(entry)},
    )


def _describe_weights(entry: dict) -> dict:
    """The groups that decide the weights."""
    recipe, done = entry["recipe"], entry["iteration"]
    trainer, schedule = recipe["trainer_cfg"], recipe["scheduler_cfg"]
    milestones = schedule.get("milestones")
    changed = []
    for start in entry["starts"]:
        lines = ["starts from weights without a record"] if start["changed"] is None else start["changed"]
        changed += [f"at {start['iteration']}: {line}" for line in lines]
    return {
        "model": recipe["model_cfg"],
        "losses": _index_by_name(recipe["loss_cfg"], "log_prefix"),
        "batch": {"P x K": trainer["sampler"].get("batch_size")},
        "steps": {
            "done": done,
            "drops of the rate passed": milestones and f"{sum(at <= done for at in milestones)} of {len(milestones)}",
            "changed on the way": changed,
        },
        "schedule": schedule,
        "optimiser": recipe["optimizer_cfg"],
        "occlusion": trainer.get("occlusion"),
        "sampler": _without(trainer["sampler"], ("batch_size",)),
        "transforms": _index_transforms(trainer.get("transform")),
        "training": _without(trainer, GROUPED),
        "depends": recipe["depends"],
        "data": {**recipe["data"], **recipe["data_cfg"]},
    }


def _describe_test(evaluator: dict, source: dict | None) -> dict:
    """How a test is set up: as a result's provenance says, else as the configuration asks."""
    if source is not None:
        evaluator = {**source["evaluator_cfg"], **{key: source.get(key) for key in TEST_KEYS}}
    sampler = _without(evaluator["sampler"], ("batch_size",))  # the number of processes
    return {**_without(evaluator, FILE_KEYS), "sampler": sampler, "transform": _index_transforms(evaluator.get("transform"))}


def _describe_machine(entry: dict) -> dict:
    """The groups that a recipe leaves to the machine; of a YAML none."""
    if "versions" not in entry:
        return {}
    plugin, host = entry["plugin"], entry["host"]
    return {
        "precision": {"training": entry["precision"]},
        "processes": {"processes": entry["processes"], "device": entry["device"]},
        "versions": {
            **{f"plugin {key}": plugin.get(key) for key in ("version", "commit", "dirty")},
            **{f"host {key}": host.get(key) for key in ("name", "commit", "dirty")},
            **entry["versions"],
        },
    }


def _without(block: dict, keys: tuple[str, ...]) -> dict:
    return {key: value for key, value in block.items() if key not in keys}


def _index_by_name(blocks: list, key: str = "type") -> dict:
    """Blocks of a list by their ``key``, else their ``type``; a second one of a name as ``name 2``. A block of a type alone is True."""
    found: dict = {}
    for block in blocks:
        name = str(block.get(key, block.get("type")))
        count = sum(each.partition(" ")[0] == name for each in found)
        found[f"{name} {count + 1}" if count else name] = {each: value for each, value in block.items() if each != key} or True
    return found


def _index_transforms(blocks) -> dict | None:
    """The steps of each input by name."""
    if not isinstance(blocks, list):
        return blocks
    inputs = [(block or {}).get("trf_cfg", [block]) for block in blocks]
    made = [_index_by_name([step for step in steps if isinstance(step, dict)]) for steps in inputs]
    return made[0] if len(made) == 1 else {f"input {i}": each for i, each in enumerate(made)}
