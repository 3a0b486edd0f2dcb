"""Commands that train: ``demo``, ``pipeline``, ``adapt``, ``table``, ``preflight``."""

from __future__ import annotations

import functools

from .console import add_device_argument, add_host_argument, add_host_arguments, add_preflight_argument


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
    from ..workflows.demo import run

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
    from ..workflows.pipeline import run_pipeline

    return run_pipeline(given)


def preflight(commands) -> None:
    """Add ``preflight``."""
    p = commands.add_parser("preflight", help="everything a training does, tried once; nothing is trained")
    p.add_argument("--cfgs", required=True, help="the YAML of any model: ours, or OpenGait's own")
    p.add_argument("--iter", type=int, default=0, metavar="K", help="as a training that goes on from this iteration")
    add_host_arguments(p)
    p.set_defaults(run=_run_preflight)


def _run_preflight(given) -> int:
    from .. import host
    from ..training.launch import try_out

    host.bind(given.host, given.device, given.output)
    from ..preflight.run import run_preflight  # needs the host's modules

    try_out(given.cfgs, functools.partial(run_preflight, yaml=given.cfgs), given.iter)
    return 0
