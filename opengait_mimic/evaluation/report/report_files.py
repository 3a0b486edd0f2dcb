"""``opengait-mimic report``: results as a page, and as files for other programs."""

from __future__ import annotations

from pathlib import Path

from ... import __version__
from ...base.errors import ConfigError
from ...base.files import replacing
from .export import to_csv, to_json
from .latex import to_latex
from .loaded_results import read_result
from .method_groups import group_results
from .page import to_html


def write_report(results, out, csv=None, json=None, latex=None) -> list[str]:
    r"""Write the report of some results.

    Args:
        results: folders that ``evaluate --out`` wrote, or their ``results.json``.
        out: the page, HTML.
        csv: the numbers, one line for each method and cell, and for each of its subsets.
        json: the numbers, the curves and the provenance.
        latex: the tables, for ``\input``.

    Returns:
        A line for each file that was written.

    Raises:
        FileNotFoundError, ConfigError: see `read_result`; a result given twice. HostError: a file that cannot be written.
    """
    places = [Path(place).resolve() for place in results]
    places = [place.parent if place.name == "results.json" else place for place in places]
    if twice := {str(place) for place in places if places.count(place) > 1}:
        raise ConfigError(f"RESULTS: {', '.join(sorted(twice))} is given twice; give each result once")
    groups = group_results([read_result(place) for place in results])
    texts = {out: to_html(groups, __version__)}
    texts.update({file: write(groups) for file, write in ((csv, to_csv), (json, to_json), (latex, to_latex)) if file is not None})
    for file, text in texts.items():
        with replacing(Path(file)) as stream:
            stream.write(text.encode())
    return [f"written: {file} ({len(text.encode()) / 1e6:.2f} MB)" for file, text in texts.items()]
