"""What ``compare`` is given: checkpoints, run sheets, folders, results and YAML files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Callable, NamedTuple

from ..base.errors import ConfigError
from ..run_sheet import beside, of_checkpoint, read_sheet
from ..run_sheet.words import HEAD
from .facts import facts

TAKES = "a checkpoint (.pt), a run sheet (.run.json), the folder of a training or of a result, a result's JSON, or a YAML"
SHOWN = 8  # files in a message


class Side(NamedTuple):
    """One side of a comparison: the file that was found at the place given, and its sheet."""

    file: str
    sheet: dict

    @property
    def title(self) -> str:
        """What it is, in a line."""
        sheet = self.sheet
        trained = sheet.get("training") if sheet["what"] == "test" else sheet
        words = {"training": "checkpoint", "test": "result", "recipe": "recipe"}[sheet["what"]]
        if not trained or not trained.get("inputs"):
            return f"{words} of weights whose training is not known"
        inputs, of = trained["inputs"], trained.get("of")
        steps = f"{trained['iteration']} of {of} steps" if of else f"{trained['iteration']} steps"
        return f"{words}, {inputs['model_cfg']['model']} on {inputs['data_cfg']['dataset_name']}, {steps}"


def read_side(place: str | os.PathLike, recipe: Callable[[Path], dict]) -> Side:
    """Find and read one side, and see that it has what a comparison asks for.

    Args:
        place: see `TAKES`. Of a training's folder the newest checkpoint is taken.
        recipe: reads a YAML; see `opengait_mimic.run_sheet.recipe`.

    Raises:
        ConfigError: nothing there, nothing that tells what made it, a sheet that belongs to another file, or one that lacks a part.
        HostError: see `recipe`.
    """
    given = Path(place).expanduser()
    side = Side(str(place), recipe(given)) if given.suffix in (".yaml", ".yml") else None
    try:
        side = side or _written(place, given)
        side.title, facts(side.sheet)
    except ConfigError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        lacks = f"the key {error}" if isinstance(error, KeyError) else f"a part as it was written ({error})"
        file = side.file if side else place
        raise ConfigError(f"{file}: its run sheet lacks {lacks}; was it edited? Take the sheet as the run wrote it") from error
    return side


def _written(place: str | os.PathLike, given: Path) -> Side:
    """A side that a run wrote."""
    if given.is_dir():
        given = _in_folder(given)
    if not given.is_file():
        raise ConfigError(f"{place}: no such file or folder; compare takes {TAKES}")
    if given.suffix == ".pt":
        return Side(str(given), _checkpoint(given))
    if given.name == "run.json" or given.name.endswith(".run.json"):
        return Side(str(given), read_sheet(given))
    if given.suffix == ".json":
        return Side(str(given), _result(given))
    raise ConfigError(f"{place}: compare takes {TAKES}")


def _in_folder(folder: Path) -> Path:
    """What stands for a folder."""
    if (folder / "results.json").is_file() and (folder / "run.json").is_file():
        return folder / "results.json"
    for where in (folder / "checkpoints", folder):
        files = sorted(where.glob("*.pt"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        if files:
            return files[-1]
    sheets = sorted(folder.glob("*.run.json"))
    if len(sheets) == 1:
        return sheets[0]
    if sheets:
        raise ConfigError(f"{folder}: holds several results; name one: {', '.join(file.name for file in sheets)}")
    if (folder / "results.json").is_file():
        return folder / "results.json"
    raise ConfigError(f"{folder}: holds no checkpoint, result or run sheet; compare takes {TAKES}")


def _checkpoint(file: Path) -> dict:
    sheet = of_checkpoint(file)
    if sheet is not None:
        return sheet
    if beside(file).is_file():
        raise ConfigError(
            f"{beside(file)} is the sheet of another file than {file.name}, which was replaced or changed since; put the two that belong"
            " together side by side, or name the sheet itself"
        )
    raise ConfigError(
        f"{file}: nothing says what made it: there is neither {beside(file).name} beside it nor a training.json that knows it in the"
        " folder above. Trainings of this version write both; keep them with the file"
    )


def _others(folder: Path) -> str:
    """The files under a folder that have a sheet, as an advice; empty without any."""
    sheets, found = folder.rglob("*run.json"), []
    for sheet in sorted(sheets):
        stem = "results" if sheet.name == "run.json" else sheet.name[: -len(".run.json")]
        found += [file for suffix in (".json", ".pt") if (file := sheet.with_name(stem + suffix)).is_file()]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f". Name one that has a sheet: {', '.join(map(str, found[:SHOWN]))}{more}" if found else ""


def _result(file: Path) -> dict:
    """The sheet beside a result; without one what its own provenance tells."""
    sheet = read_sheet(beside(file))
    if sheet is not None:
        return sheet
    try:
        source = json.loads(file.read_text(encoding="utf-8")).get("provenance")
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{file}: not the JSON of a result ({error}); compare takes {TAKES}") from error
    if not isinstance(source, dict):
        told = f"there is no {beside(file).name} beside it, and it has no provenance{_others(file.parent)}"
        raise ConfigError(f"{file}: nothing says what made it: {told}")
    machine = {
        "processes": source.get("processes"), "devices": [source.get("device")],
        "plugin": {"version": source.get("version")}, "host": {"name": source.get("host"), "commit": source.get("commit")},
        "versions": {key: source.get(key) for key in ("python", "torch", "numpy")},
    }  # fmt: skip
    return {**HEAD, "what": "test", "checkpoint": source.get("checkpoint"), "provenance": source, "training": None, "machine": machine}
