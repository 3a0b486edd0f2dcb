"""The page: one HTML file that fetches nothing."""

from __future__ import annotations

from importlib import resources
from types import SimpleNamespace

from ...base.errors import ConfigError
from . import result_tables as tables
from .by_kind_and_view import draw_kinds, draw_views
from .cmc import draw_cmc
from .method_groups import Group, explain_group
from .occluded_against_whole import draw_op_against_hp
from .page_text import join_words
from .roc import draw_roc
from .severity import draw_severity
from .silhouettes import show_retrievals, show_sheets
from .ven_table import draw_ven

SECTIONS = (draw_op_against_hp, draw_severity, draw_cmc, draw_kinds, draw_views, draw_roc, draw_ven, show_sheets, show_retrievals)


def to_html(groups: list[Group], version: str) -> str:
    """The report as HTML.

    Args:
        groups: of comparable results.
        version: of the plugin that writes it.

    Raises:
        ConfigError: jinja2 is missing.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ConfigError(f"report needs a package that is missing ({error}): pip install '.[report]'") from error
    files = resources.files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["join_words"] = join_words
    template = environment.from_string((files / "page.html").read_text(encoding="utf-8"))
    style = (files / "style.css").read_text(encoding="utf-8")
    parts = [_part(groups, number) for number in range(len(groups))]
    return template.render(parts=parts, style=style, version=version, tables=tables)


def _part(groups: list[Group], number: int) -> SimpleNamespace:
    group = groups[number]
    sections = [draw(group) for draw in SECTIONS]
    return SimpleNamespace(
        group=group,
        number=number + 1,
        apart=explain_group(groups, number),
        sections=[section for section in sections if section.figures],
        empty=[section for section in sections if not section.figures],
        made=[(result, tables.list_provenance(result)) for result in group.results],
    )
