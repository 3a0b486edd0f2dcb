"""Commands that train: ``demo``, ``pipeline``, ``adapt``, ``table``, ``preflight``."""

from __future__ import annotations

from ..console import add_device_argument, add_host_argument, add_host_arguments, add_preflight_argument
from ..tables.suites import SUITES


def demo(commands) -> None:
    """Add ``demo``."""
    p = commands.add_parser("demo", help="train and compare everything on generated walkers")
    p.add_argument("--out", default="demo", metavar="DIR", help="where everything goes (default: demo)")
    p.add_argument("--seed", type=int, default=0, help="seed of training and occlusion (default: 0)")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="the same over three seeds: mean and spread; resumable")
    size.add_argument("--smoke", action="store_true", help="every stage for a few steps: does it run? (seconds)")
    _data_arguments(p)
    add_host_argument(p)
    add_device_argument(p)
    add_preflight_argument(p)
    p.set_defaults(run=_run_demo)


def _data_arguments(p) -> None:
    p.add_argument("--root", default=None, metavar="DIR", help="silhouette pickles in OpenGait's tree, in place of walkers")
    p.add_argument("--partition", default=None, metavar="JSON", help="their partition file")
    p.add_argument("--dataset", default=None, help="their name, GREW for example (decides probe and gallery)")


def _run_demo(given) -> int:
    from ..demo import run

    return run(given)


def pipeline(commands) -> None:
    """Add ``pipeline``."""
    p = commands.add_parser("pipeline", help="train and test teacher, VEN and mimic, as far as they are not done")
    p.add_argument("--cfgs", required=True, help="the method's YAML (MimicGait, OcclusionAware, Baseline2, a VEN, OpenGait's own)")
    p.add_argument("--retrain", action="store_true", help="move trainings of another configuration aside and train anew")
    add_host_arguments(p)
    add_preflight_argument(p)
    p.set_defaults(run=_run_pipeline)


def _run_pipeline(given) -> int:
    from ..pipeline import run_pipeline

    return run_pipeline(given)


def adapt(commands) -> None:
    """Add ``adapt``."""
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
    from ..adapting import run_adapt

    return run_adapt(given)


def table(commands) -> None:
    """Add ``table``."""
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
    add_host_argument(p)
    add_device_argument(p)
    add_preflight_argument(p)
    p.set_defaults(run=_run_table)


def _run_table(given) -> int:
    from ..tables.run import run

    return run(given)


def preflight(commands) -> None:
    """Add ``preflight``."""
    p = commands.add_parser("preflight", help="everything a training does, tried once; nothing is trained")
    p.add_argument("--cfgs", required=True, help="the YAML of any model: ours, or OpenGait's own")
    p.add_argument("--iter", type=int, default=0, metavar="K", help="as a training that goes on from this iteration")
    add_host_arguments(p)
    p.set_defaults(run=_run_preflight)


def _run_preflight(given) -> int:
    from .. import host
    from ..launch import try_out

    host.bind(given.host, given.device, given.output)
    try_out(given.cfgs, given.iter)
    return 0
