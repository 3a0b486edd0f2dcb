"""``opengait-mimic list``: our names for a YAML, the host's models, and the shipped configurations, one line each."""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys
import textwrap
from pathlib import Path

from .. import host as hosts
from ..host import CONFIGS, REGISTERED, is_ours

SECTIONS = {
    "modeling.models": ("models", "model_cfg.model"),
    "modeling.losses": ("losses", "loss_cfg: type"),
    "data.transform": ("transforms", "transform: type"),
    "evaluation.evaluator": ("evaluators", "evaluator_cfg.eval_func"),
}
"""Host namespace -> title, and the YAML key that takes its names."""

STARTING_POINT = "starting point: "


def listing(spec: str | None = None, width: int | None = None) -> list[str]:
    """The lines to print.

    Args:
        spec: as ``--host``.
        width: columns; default the terminal's, 120 where there is none.

    Raises:
        HostError: no such host.
    """
    host = hosts.bind(spec, "cpu")
    width = width or shutil.get_terminal_size((120, 24)).columns
    lines = []
    for namespace, (title, key) in SECTIONS.items():
        lines += [f"{title} ({key})", *_table({name: _summary(home, name) for name, home in REGISTERED[namespace].items()}, width), ""]
    theirs = ", ".join(sorted(host_models()))
    lines += [f"backbones (model_cfg.backbone): the models of the host, {host.name} at {host.root}"]
    lines += _wrapped(theirs, width)
    lines += [*_wrapped("Any of them that gives silhouettes an embedding [n, c, p]; GaitBase is `Baseline`.", width), ""]
    return lines + config_lines(width)


def host_models() -> list[str]:
    """The names of the host's own models."""
    from modeling.base_model import BaseModel

    found = vars(sys.modules["modeling.models"]).items()
    models = {name: made for name, made in found if inspect.isclass(made) and issubclass(made, BaseModel)}
    return [name for name, made in models.items() if made is not BaseModel and not is_ours(made)]


def config_lines(width: int, folder: Path = CONFIGS) -> list[str]:
    """The configurations of a folder by method: each file with its first comment."""
    comments = {file.relative_to(folder): read_first_comment(file) for file in sorted(folder.rglob("*.yaml"))}
    starting = sum(text.startswith(STARTING_POINT) for text in comments.values())
    lines = [f"configurations: {len(comments)} in {folder}"]
    for sentence in (
        f"{starting} of them are starting points: rates and schedules of the sources they name, measured by us on walkers only.",
        "--cfgs configs/<method>/<file> works from any folder; your own copy in ./configs takes precedence.",
    ):
        lines += _wrapped(sentence, width)
    for method in dict.fromkeys(file.parent for file in comments):
        mine = {file.name: text.removeprefix(STARTING_POINT) for file, text in comments.items() if file.parent == method}
        lines += [f"  configs/{method}/", *_table(mine, width, "    ")]
    return lines


def read_first_comment(file: Path) -> str:
    """The first line of a configuration, if it is a comment."""
    line = file.read_text(encoding="utf-8").split("\n", 1)[0]
    return line[1:].strip() if line.startswith("#") else ""


def _summary(home: str, name: str) -> str:
    """The first sentence of the docstring of a class or function of ours."""
    text = " ".join((inspect.getdoc(getattr(importlib.import_module(home), name)) or "").split("\n\n")[0].split())
    return text.split(". ")[0].rstrip(".")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _table(rows: dict[str, str], width: int, indent: str = "  ") -> list[str]:
    """Two columns; a text that does not fit ends in an ellipsis."""
    lead = len(indent) + max(map(len, rows)) + 2
    room = max(width - lead, 20)
    cut = {name: textwrap.shorten(text, room, placeholder=" …") for name, text in rows.items()}
    return [f"{indent}{name}".ljust(lead) + text if text else f"{indent}{name}" for name, text in cut.items()]
