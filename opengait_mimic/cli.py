"""The command ``opengait-mimic``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import __version__, stopped
from .config import ConfigError
from .console import add_host_arguments, add_preflight_argument, friendly_errors, log_to_console
from .tables.suites import SUITES

RESUMED = ("demo", "pipeline", "adapt", "table", "evaluate")
"""The commands that keep what they have finished."""


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="opengait-mimic", description="MimicGait for OpenGait: demo, data, evaluation, checks.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = (_demo, _pipeline, _adapt, _table, _walkers, _preview, _preflight, _evaluate, _report, _compare, _curves, _import, _convert)
    for add in (*made, _list, _check):
        add(commands)
    given = parser.parse_args(argv)
    log_to_console()
    stopped.begin()
    with friendly_errors(lambda: _again(given)):
        status = given.run(given)
        if given.command in ("evaluate", "pipeline", "adapt", "preflight"):  # what may run in several processes
            from .host import leave

            leave()
    return status


def _again(given) -> str:
    """What to do after a command was stopped."""
    if given.command == "walkers":
        root = Path(given.out) / "walkers"
        unfinished = root.exists() and not root.with_suffix(".json").exists()  # which is written last
        return f"{root} is unfinished: remove it, then give the same command again" if unfinished else ""
    if given.command not in RESUMED:
        return ""
    return stopped.again() if stopped.newest() else "the same command goes on where it stopped; what is finished is kept"


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
    add_preflight_argument(p)
    p.set_defaults(run=_run_demo)


def _data_arguments(p) -> None:
    p.add_argument("--root", default=None, metavar="DIR", help="silhouette pickles in OpenGait's tree, in place of walkers")
    p.add_argument("--partition", default=None, metavar="JSON", help="their partition file")
    p.add_argument("--dataset", default=None, help="their name, GREW for example (decides probe and gallery)")


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
    add_preflight_argument(p)
    p.set_defaults(run=_run_table)


def _run_table(given) -> int:
    from .tables.run import run

    return run(given)


def _pipeline(commands) -> None:
    p = commands.add_parser("pipeline", help="train and test teacher, VEN and mimic, as far as they are not done")
    p.add_argument("--cfgs", required=True, help="the method's YAML (MimicGait, OcclusionAware, Baseline2, a VEN, OpenGait's own)")
    p.add_argument("--retrain", action="store_true", help="move trainings of another configuration aside and train anew")
    add_host_arguments(p)
    add_preflight_argument(p)
    p.set_defaults(run=_run_pipeline)


def _run_pipeline(given) -> int:
    from .pipeline import run_pipeline

    return run_pipeline(given)


def _adapt(commands) -> None:
    p = commands.add_parser("adapt", help="a trained model learns new kinds with some iterations more (the paper's adaptability)")
    p.add_argument("--cfgs", required=True, help="the YAML of the trained MimicGait, OcclusionAware or Baseline2")
    p.add_argument("--kinds", required=True, metavar="LIST", help="middle, dynamic, ...; several: middle,pole or top:0.3,pole:0.7")
    p.add_argument("--iters", required=True, type=int, metavar="N", help="iterations more (the paper: about 20000)")
    p.add_argument("--hidden", default=None, metavar="A-B", help="hidden share in percent (default: the YAML's)")
    p.add_argument("--none", default=None, type=float, metavar="P", help="share of whole clips (default: the YAML's)")
    p.add_argument("--keep", default=0.5, type=float, metavar="P", help="share of the hidden clips that keep the old kinds (default: 0.5)")
    p.add_argument("--lr", default=None, type=float, help="learning rate (default: the YAML's)")
    p.add_argument("--ven", default=None, metavar="YAML", help="another VEN, trained already, that knows the new kinds")
    p.add_argument("--iter", default=0, type=int, metavar="K", help="start from this iteration (default: the one the YAML's test reads)")
    p.add_argument("--name", default=None, help="appended to save_name (default: the kinds)")
    p.add_argument("--out", default=None, metavar="YAML", help="the configuration to write (default: below the output folder)")
    p.add_argument("--retrain", action="store_true", help="move a training of another configuration aside and train anew")
    add_host_arguments(p)
    add_preflight_argument(p)
    p.set_defaults(run=_run_adapt)


def _run_adapt(given) -> int:
    from .adapting import run_adapt

    return run_adapt(given)


def _walkers(commands) -> None:
    p = commands.add_parser("walkers", help="generate walking silhouettes in OpenGait's tree")
    p.add_argument("--out", required=True, metavar="DIR", help="made; gets DIR/walkers and the partition DIR/walkers.json (required)")
    p.add_argument("--subjects", type=int, default=280, metavar="N", help="people, 2 or more; 5 of 7 to train on (default: 280)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="of the population; subject i is the same for any N (default: 0)")
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


def _preflight(commands) -> None:
    p = commands.add_parser("preflight", help="everything a training does, tried once; nothing is trained")
    p.add_argument("--cfgs", required=True, help="the YAML of any model: ours, or OpenGait's own")
    p.add_argument("--iter", type=int, default=0, metavar="K", help="as a training that goes on from this iteration")
    add_host_arguments(p)
    p.set_defaults(run=_run_preflight)


def _run_preflight(given) -> int:
    from . import host
    from .launch import try_out

    host.bind(given.host, given.device, given.output)
    try_out(given.cfgs, given.iter)
    return 0


def _evaluate(commands) -> None:
    from .protocol import PRESETS

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
    p.add_argument("--protocol", default=None, metavar="JSON", help="probe and gallery of a data set that has no protocol here")
    p.add_argument("--pairs", default=None, metavar="JSON", help="pairs for verification (default: every probe against the gallery)")
    p.add_argument("--save-manifest", default=None, metavar="JSON", help="write what was hidden of every sequence")
    p.add_argument("--manifest", default=None, metavar="JSON", help="hide what this file says, in place of drawing")
    p.add_argument("--no-cache", action="store_true", help="neither read nor keep the embeddings of a pass")
    p.add_argument("--batch", type=int, default=None, metavar="N", help="sequences at a time in each process (default: 16 if it may)")
    add_host_arguments(p)
    p.set_defaults(run=_run_evaluate)


def _run_evaluate(given) -> int:
    from .evaluate import run

    return run(given)


def _curves(commands) -> None:
    p = commands.add_parser("curves", help="what a training said of itself, by step")
    p.add_argument("folder", metavar="RUN", help="the folder of a training, <output>/<dataset>/<model>/<save_name>")
    p.set_defaults(run=_run_curves)


def _run_curves(given) -> int:
    from .curves import curves_of, table

    print(table(curves_of(given.folder)))
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


def _compare(commands) -> None:
    p = commands.add_parser("compare", help="in what two runs, results or recipes differ, departures from the recipe first")
    kinds = "a checkpoint, its run sheet, the folder of a training or a result, a result's JSON, or a YAML"
    p.add_argument("a", metavar="A", help=kinds)
    p.add_argument("b", metavar="B", help="likewise; the recipe, if one of them is")
    p.add_argument("--host", default=None, help="whose defaults fill a YAML in: an OpenGait checkout, or `embedded`")
    p.add_argument("--output", default=None, metavar="DIR", help="where the results are that a YAML's `auto` means (default: ./output)")
    p.set_defaults(run=_run_compare)


def _run_compare(given) -> int:
    from .comparing.command import run

    return run(given)


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


def _convert(commands) -> None:
    p = commands.add_parser("convert", help="an old checkpoint that holds objects, as one of tensors and plain values")
    p.add_argument("old", metavar="OLD", help="the file; without --trust it is only said what reading it would run")
    p.add_argument("--out", required=True, metavar="FILE", help="the checkpoint to write")
    p.add_argument("--trust", action="store_true", help="read it, and run what it names: only where you trust its origin")
    p.set_defaults(run=_run_convert)


def _run_convert(given) -> int:
    from .converting import convert

    lines, done = convert(given.old, given.out, given.trust)
    print("\n".join(lines))
    return 0 if done else 1


def _list(commands) -> None:
    p = commands.add_parser("list", help="models, losses, transforms, evaluators and configurations, a line each")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.set_defaults(run=_run_list)


def _run_list(given) -> int:
    from .listing import listing

    print("\n".join(listing(given.host)))
    return 0


def _check(commands) -> None:
    p = commands.add_parser("check", help="host, versions, what is missing; `check data`: would a tree of pickles stop a training?")
    p.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    p.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    p.set_defaults(run=_run_check)
    d = p.add_subparsers(metavar="[data]").add_parser("data", help="a tree of silhouette pickles: what would stop a training or falsify it")
    d.add_argument("--root", default=None, metavar="DIR", help="the folder of identities (default: data_cfg.dataset_root of --cfgs)")
    d.add_argument("--partition", default=None, metavar="JSON", help="TRAIN_SET and TEST_SET (default: that of --cfgs)")
    d.add_argument("--cfgs", default=None, metavar="YAML", help="a configuration: its transforms, frames, batch, protocol and geometry")
    d.add_argument("--workers", type=int, default=None, metavar="N", help="processes that read (default: the processors, 16 at most)")
    d.add_argument("--json", default=None, metavar="FILE", help="write every problem here")
    d.add_argument("--fingerprint", default=None, metavar="FILE", help="where the fingerprint goes (default: DIR.fingerprint.json)")
    d.add_argument("--host", default=None, help="an OpenGait checkout, or `embedded`")
    d.set_defaults(run=_run_check_data)


def _run_check(given) -> int:
    from .check import report

    lines, ready = report(given.host, given.device)
    print("\n".join(lines))
    return 0 if ready else 1


def _run_check_data(given) -> int:
    from .doctor.command import run

    return run(given)


if __name__ == "__main__":
    sys.exit(main())
