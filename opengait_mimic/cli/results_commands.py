"""Commands on what was trained and measured: ``evaluate``, ``report``, ``compare``, ``curves``."""

from __future__ import annotations

import argparse

from ..metrics.protocols import PRESETS
from .console import RenamedOption, add_host_arguments


def evaluate(commands) -> None:
    """Add ``evaluate``."""
    p = commands.add_parser("evaluate", help="score a model whole and occluded: Rank-k, mAP, verification, RP with its interval")
    p.add_argument("--cfgs", required=True, help="the YAML of any model: ours, or OpenGait's own (= Baseline-1)")
    p.add_argument("--iter", type=int, default=0, help="the checkpoint's iteration (default: the YAML's restore_hint)")
    cells = p.add_mutually_exclusive_group()
    cells.add_argument("--preset", choices=list(PRESETS), help="what to hide, on which side (default: evaluator_cfg.occlusion)")
    cells.add_argument("--cells", metavar="YAML", help="likewise, cells of your own")
    p.add_argument("--seeds", default=None, help="of the occlusion draws: 0-9 or 0,3 (default: evaluator_cfg.occlusion.seed)")
    p.add_argument("--reference", default=None, metavar="RESULT", help="a result with the backbone's whole-body row, for RP")
    p.add_argument("--out", default=None, metavar="DIR", help="write the result folder, which `report` reads")
    p.add_argument("--json", default=None, metavar="OUT", help="write the rows, their summary and where they come from here")
    p.add_argument("--split", default=None, metavar="JSON", help="probe and gallery of a data set that has no protocol here")
    p.add_argument("--protocol", action=RenamedOption, const="--split", help=argparse.SUPPRESS)
    p.add_argument("--pairs", default=None, metavar="JSON", help="pairs for verification (default: every probe against the gallery)")
    p.add_argument("--save-manifest", default=None, metavar="JSON", help="write what was hidden of every sequence")
    p.add_argument("--manifest", default=None, metavar="JSON", help="hide what this file says, in place of drawing")
    p.add_argument("--no-cache", action="store_true", help="neither read nor keep the embeddings of a pass")
    p.add_argument("--batch", type=int, default=None, metavar="N", help="sequences at a time in each process (default: 16 if it may)")
    add_host_arguments(p)
    p.set_defaults(run=_run_evaluate)


def _run_evaluate(given) -> int:
    from ..evaluation.evaluate import run

    return run(given)


def report(commands) -> None:
    """Add ``report``."""
    p = commands.add_parser("report", help="results as one self-contained page, and as CSV, JSON and LaTeX")
    p.add_argument("results", nargs="+", metavar="RESULTS", help="folders that `evaluate --out DIR` wrote, or their results.json")
    p.add_argument("--out", default="report.html", metavar="HTML", help="the page (default: report.html)")
    p.add_argument("--csv", default=None, metavar="F", help="one line for each method and cell, and for each of its subsets")
    p.add_argument("--json", default=None, metavar="F", help="the same with curves and provenance")
    p.add_argument("--latex", default=None, metavar="F", help="the tables, for \\input; needs booktabs")
    p.set_defaults(run=_run_report)


def _run_report(given) -> int:
    from ..evaluation.report import report

    print("\n".join(report(given.results, given.out, given.csv, given.json, given.latex)))
    return 0


def compare(commands) -> None:
    """Add ``compare``."""
    p = commands.add_parser("compare", help="in what two runs, results or recipes differ, departures from the recipe first")
    kinds = "a checkpoint, its run sheet, the folder of a training or a result, a result's JSON, or a YAML"
    p.add_argument("a", metavar="A", help=kinds)
    p.add_argument("b", metavar="B", help="likewise; the recipe, if one of them is")
    p.add_argument("--host", default=None, help="whose defaults fill a YAML in: an OpenGait checkout, or `embedded`")
    p.add_argument("--output", default=None, metavar="DIR", help="where the results are that a YAML's `auto` means (default: ./output)")
    p.set_defaults(run=_run_compare)


def _run_compare(given) -> int:
    from ..comparing.command import run

    return run(given)
