"""The command ``opengait-mimic``."""

from __future__ import annotations

import argparse
import sys

from . import __version__
from .config import ConfigError
from .console import add_host_arguments, friendly_errors, log_to_console
from .tables.suites import SUITES


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="opengait-mimic", description="MimicGait for OpenGait: demo, data, evaluation, checks.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_demo, _pipeline, _table, _walkers, _preview, _evaluate, _report, _import, _list, _check):
        add(commands)
    given = parser.parse_args(argv)
    log_to_console()
    with friendly_errors():
        status = given.run(given)
    if given.command in ("evaluate", "pipeline"):  # what may run in several processes
        from .host import leave

        leave()
    return status


def _demo(commands) -> None:
    p = commands.add_parser("demo", help="train and compare everything on generated walkers")
    p.add_argument("--out", default="demo", metavar="DIR", help="where everything goes (default: demo)")
    p.add_argument("--seed", type=int, default=0, help="seed of training and occlusion (default: 0)")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="the same over three seeds: mean and spread; resumable")
    size.add_argument("--smoke", action="store_true", help="every stage for a few steps: does it run? (seconds)")
    _data_arguments(p)
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    p.set_defaults(run=_run_demo)


def _data_arguments(p) -> None:
    p.add_argument("--root", default=None, metavar="DIR", help="silhouette pickles in OpenGait's tree, in place of walkers")
    p.add_argument("--partition", default=None, metavar="JSON", help="their partition file")
    p.add_argument("--dataset", default=None, help="their name: GREW, Gait3D, CASIA-B or walkers (decides probe and gallery)")


def _run_demo(given) -> int:
    from .demo import run

    return run(given)


def _table(commands) -> None:
    p = commands.add_parser("table", help="the rows of the paper's tables at the size of a demo, beside the paper's figures")
    suites = "main: Table 1, ablation: Table 3, ven: Table 4, compat: the public code's departures"
    p.add_argument("--suite", required=True, choices=list(SUITES), help=suites)
    p.add_argument("--data", default="walkers", help="walkers (generated); others through --root, --partition and --dataset")
    p.add_argument("--out", default="tables", metavar="DIR", help="where everything goes; suites share their networks (default: tables)")
    p.add_argument("--seeds", default="0", help="of training and occlusion: 0-2 or 0,3 (default: 0)")
    p.add_argument("--backbones", default=None, metavar="LIST", help="some of gaitbase,gaitgl,deepgaitv2 (default: the paper's)")
    p.add_argument("--only", action="append", metavar="LABEL", help="this row alone; may be repeated")
    p.add_argument("--start", choices=["shipped", "cold"], default="shipped", help="of the mimics: as shipped, or from random weights")
    p.add_argument("--smoke", action="store_true", help="every row for a few steps: does it run?")
    p.add_argument("--retrain", action="store_true", help="move trainings of another configuration aside and train anew")
    _data_arguments(p)
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    p.set_defaults(run=_run_table)


def _run_table(given) -> int:
    from .tables.run import run

    return run(given)


def _pipeline(commands) -> None:
    p = commands.add_parser("pipeline", help="train and test teacher, VEN and mimic, as far as they are not done")
    p.add_argument("--cfgs", required=True, help="the method's YAML (MimicGait, OcclusionAware, Baseline2, a VEN, OpenGait's own)")
    p.add_argument("--retrain", action="store_true", help="move trainings of another configuration aside and train anew")
    add_host_arguments(p)
    p.set_defaults(run=_run_pipeline)


def _run_pipeline(given) -> int:
    from .pipeline import run_pipeline

    return run_pipeline(given)


def _walkers(commands) -> None:
    p = commands.add_parser("walkers", help="generate walking silhouettes in OpenGait's tree")
    p.add_argument("--out", required=True, metavar="DIR")
    p.add_argument("--subjects", type=int, default=280)
    p.add_argument("--seed", type=int, default=0)
    p.set_defaults(run=_run_walkers)


def _run_walkers(given) -> int:
    from .progress import Bar
    from .walkers import mean_silhouette_rank1, write_walkers

    try:
        with Bar("walkers") as bar:
            tree = write_walkers(given.out, subjects=given.subjects, seed=given.seed, progress=bar)
    except ValueError as error:
        raise ConfigError(f"walkers: {error}") from error
    print(f"{tree.sequences} sequences, {tree.frames} frames: {len(tree.train)} subjects to train on, {len(tree.test)} to test on")
    print(f"  data_cfg.dataset_root: {tree.root}\n  data_cfg.dataset_partition: {tree.partition}")
    print(f"Rank-1 of the mean silhouette (no learning): {mean_silhouette_rank1(tree):.2f} %")
    return 0


def _preview(commands) -> None:
    p = commands.add_parser("preview", help="a picture of what a configuration hides of your data; nothing need be trained")
    p.add_argument("--cfgs", required=True, help="the YAML of any silhouette model")
    p.add_argument("--out", required=True, metavar="PNG")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.set_defaults(run=_run_preview)


def _run_preview(given) -> int:
    from . import host
    from .preview import preview

    host.bind(given.host, "cpu")
    print(preview(given.cfgs, given.out))
    return 0


def _evaluate(commands) -> None:
    p = commands.add_parser("evaluate", help="score a model whole and occluded: Rank-1, Rank-5, RP")
    p.add_argument("--cfgs", required=True, help="the YAML of any model: ours, or OpenGait's own (= Baseline-1)")
    p.add_argument("--iter", type=int, default=0, help="the checkpoint's iteration (default: the YAML's restore_hint)")
    p.add_argument("--reference", default=None, metavar="RESULT", help="a result with the backbone's whole-body row, for RP")
    p.add_argument("--json", default=None, metavar="OUT", help="write the rows here")
    add_host_arguments(p)
    p.set_defaults(run=_run_evaluate)


def _run_evaluate(given) -> int:
    from . import host
    from .evaluate import evaluate, write_json
    from .protocol import format_rows

    host.bind(given.host, given.device, given.output)
    rows = evaluate(given.cfgs, given.iter, given.reference)
    if not rows:  # a rank above 0
        return 0
    print(format_rows(rows))
    if given.json:
        write_json(given.json, rows, cfgs=given.cfgs, version=__version__)
        print(f"written: {given.json}")
    return 0


def _report(commands) -> None:
    p = commands.add_parser("report", help="results as one self-contained page, and as CSV, JSON and LaTeX")
    p.add_argument("results", nargs="+", metavar="RESULTS", help="folders that `evaluate --out DIR` wrote, or their results.json")
    p.add_argument("--out", default="report.html", metavar="HTML", help="the page (default: report.html)")
    p.add_argument("--csv", default=None, metavar="F", help="one line for each method and cell")
    p.add_argument("--json", default=None, metavar="F", help="the same with curves and provenance")
    p.add_argument("--latex", default=None, metavar="F", help="the tables, for \\input; needs booktabs")
    p.set_defaults(run=_run_report)


def _run_report(given) -> int:
    from .report import report

    print("\n".join(report(given.results, given.out, given.csv, given.json, given.latex)))
    return 0


def _import(commands) -> None:
    p = commands.add_parser("import", help="make a checkpoint of ours from one of the public MimicGait code")
    p.add_argument("--kind", required=True, choices=["mimicgait", "occlusionaware", "ven"], help="what the file holds")
    p.add_argument("--from", dest="source", required=True, metavar="FILE", help="the public checkpoint; only tensors are read from it")
    p.add_argument("--cfgs", required=True, help="our YAML of the same network")
    p.add_argument("--out", required=True, metavar="FILE", help="the checkpoint to write")
    p.add_argument("--without-heads", action="store_true", help="ven: leave out heads that do not fit; guidance needs the trunk alone")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.set_defaults(run=_run_import)


def _run_import(given) -> int:
    from . import host
    from .importing import import_public

    host.bind(given.host, "cpu")
    print("\n".join(import_public(given.kind, given.source, given.cfgs, given.out, given.without_heads)))
    return 0


def _list(commands) -> None:
    p = commands.add_parser("list", help="models, losses, transforms, evaluators and configurations, a line each")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.set_defaults(run=_run_list)


def _run_list(given) -> int:
    from .listing import listing

    print("\n".join(listing(given.host)))
    return 0


def _check(commands) -> None:
    p = commands.add_parser("check", help="host, versions, devices, what is registered, what is missing")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    p.set_defaults(run=_run_check)


def _run_check(given) -> int:
    from .check import report

    lines, ready = report(given.host, given.device)
    print("\n".join(lines))
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
