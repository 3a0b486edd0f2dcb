"""Write the generated parts of the documentation: ``configuration.md``, and the rebindings in ``architecture.md``.

``make pages`` runs it. With ``--check`` it writes nothing and exits with 1 where a page is out of date.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path
from typing import Any

import opengait_mimic
from opengait_mimic import host
from opengait_mimic.base.config import Block, describe, field_types

PAGES = Path(__file__).parent
HEAD = """# Configuration

A configuration is a complete OpenGait YAML. This page lists our keys. They are read strictly: an unknown key, a wrong type or a value out
of range stops the run, with the nearest valid name. OpenGait's own keys are described in its repository.

*Generated from the classes that read the YAML by `docs/generate_configuration.py`.*
"""
ROOMS = ("host.trainer_keys", "occlusion.draws", "occlusion.condition", "models", "host.model_cfg", "published", "evaluation")
"""The order of the sections."""
PARENTS = ("LauncherKeys", "OccludedConfig", "GuidedConfig")
"""Blocks that only other blocks extend: their keys stand in those."""
OTHER_FILES = ("opengait_mimic.occlusion.manifest", "opengait_mimic.metrics.protocols.")
"""Modules whose blocks are not YAML: manifests, splits and pairs."""
MARKS = ("<!-- rebindings: generated -->", "<!-- end -->")


def import_package() -> None:
    """Bind the embedded host and import every module of the package."""
    host.bind("embedded", "cpu")
    for module in pkgutil.walk_packages(opengait_mimic.__path__, "opengait_mimic."):
        if "embedded" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def list_blocks() -> list[type[Block]]:
    """The blocks of the YAML, by room and title."""
    found, waiting = set(), [Block]
    while waiting:
        below = [each for each in waiting.pop().__subclasses__() if each.__module__.startswith("opengait_mimic.")]
        found.update(each for each in below if each.__name__ not in PARENTS and not each.__module__.startswith(OTHER_FILES))
        waiting += below
    return sorted(found, key=lambda block: (_room_of(block), title_of(block).lower(), block.__name__))


def _room_of(block: type[Block]) -> int:
    return next((i for i, room in enumerate(ROOMS) if block.__module__.startswith(f"opengait_mimic.{room}")), len(ROOMS))


def title_of(block: type[Block]) -> str:
    """The first sentence of a block's docstring, as Markdown."""
    return (block.__doc__ or block.__name__).strip().splitlines()[0].split(". ")[0].rstrip(".").replace("``", "`")


def rows_of(block: type[Block]) -> list[list[str]]:
    """Key, default, values and description of each key but ``model``."""
    rows = []
    for key, kind in field_types(block).items():
        field = block.model_fields[key]
        default = "required" if field.is_required() else f"`{show_value(field.get_default(call_default_factory=True))}`"
        rows.append([f"`{key}`", default, values_of(kind), (field.description or "").replace("``", "`")])
    return [row for row in rows if row[0] != "`model`"]


def table_of(block: type[Block]) -> str:
    """A block as a Markdown section."""
    lines = [f"## {title_of(block)}", "", "| key | default | values | |", "|---|---|---|---|"]
    return "\n".join([*lines, *map(table_row, rows_of(block))])


def table_of_small(blocks: list[type[Block]]) -> str:
    """Blocks of one or two keys in one table."""
    lines = ["## Blocks of one or two keys", "", "| block | key | default | values | |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(table_row([title_of(block), *row]) for block in blocks for row in rows_of(block))])


def table_row(cells: list[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def values_of(kind) -> str:
    """The values of a type in words; a nested block has a section of its own."""
    words = "" if kind is Any else describe(kind)
    return re.sub(r"a mapping with the keys \[.*?\]", "a mapping, see its section", words)


def show_value(value) -> str:
    """A default as YAML."""
    if isinstance(value, Block):
        return show_value(value.model_dump(exclude_unset=True))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(show_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show_value(each)}" for key, each in value.items()) + "}"
    return {None: "null", True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, (int, float)) else _number(value)


def _number(value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def configuration_page() -> str:
    """The whole of ``configuration.md``."""
    blocks = list_blocks()
    small = [block for block in blocks if len(rows_of(block)) <= 2 and "evaluator_cfg" not in title_of(block)]
    tables = [table_of(block) for block in blocks if block not in small]
    return HEAD + "\n" + "\n\n".join([*tables, table_of_small(small)]) + "\n"


def architecture_page() -> str:
    """``architecture.md`` with the present table of rebindings."""
    text = (PAGES / "architecture.md").read_text(encoding="utf-8")
    rows = [table_row([f"`{name}`", hosts, why]) for name, hosts, why in host.rebinding_table()]
    table = "\n".join([MARKS[0], "", "| name | in | why |", "|---|---|---|", *rows, "", MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: table, text, flags=re.S)


def main(check: bool) -> int:
    """Write both pages, or only compare them."""
    import_package()
    pages = {"configuration.md": configuration_page(), "architecture.md": architecture_page()}
    stale = [name for name, text in pages.items() if not (PAGES / name).exists() or (PAGES / name).read_text(encoding="utf-8") != text]
    for name in () if check else stale:
        (PAGES / name).write_text(pages[name], encoding="utf-8")
    print("\n".join(f"docs/{name}: {'out of date; run `make pages`' if check else 'written'}" for name in stale) or "up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
