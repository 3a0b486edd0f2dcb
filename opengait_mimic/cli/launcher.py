"""``python -m opengait_mimic``: train or test one configuration with OpenGait's own flags."""

from __future__ import annotations

import logging
import shlex

from torch import nn

from .. import host as hosts
from ..base import last_checkpoint
from ..base.command_exit import friendly_errors
from ..base.processes import rank_and_world
from ..host.run_paths import checkpoint_at
from ..models.prepare import is_ranked, prepare
from ..training.launch import launch
from ..training.resume import find_start
from .arguments import add_host_arguments, add_preflight_argument
from .console import log_to_console


def main(argv: list[str] | None = None) -> int:
    """The command line of ``python -m opengait_mimic``: OpenGait's own flags and ours."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m opengait_mimic", description="Train or test a configuration, with or without torchrun, from any folder."
    )
    parser.add_argument("--cfgs", required=True, help="the YAML")
    parser.add_argument("--phase", choices=["train", "test"], default="train")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--iter", type=int, default=0, help="restore this iteration")
    start.add_argument("--resume", choices=["auto"], help="train on from the newest intact checkpoint of this very training, else from 0")
    parser.add_argument("--log_to_file", action="store_true", help="log to <output>/<dataset>/<model>/<save_name>/logs as well")
    parser.add_argument("--trust-pickles", action="store_true", help="read the data with Python's own pickle, which runs what a file says")
    add_preflight_argument(parser)
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    add_host_arguments(parser)
    given = parser.parse_args(argv)
    log_to_console()
    last_checkpoint.begin()
    same = f"the same command with --resume auto{' in place of --iter' if given.iter else ''}"
    with friendly_errors(lambda: last_checkpoint.again(same) if given.phase == "train" else ""):
        host = hosts.bind(given.host, given.device, given.output)
        if rank_and_world()[0] == 0:
            logging.getLogger("opengait_mimic").info("host: %s at %s (%s), device %s", host.name, host.root, host.why, hosts.device())
        if given.resume and given.phase != "train":
            parser.error("--resume goes on with a training; a test takes --iter K")
        cfgs = prepare(given.cfgs, given.phase, given.iter)
        plan = find_start(cfgs) if given.resume else None
        if plan is None or plan.action != "skip":
            more = {"trust_pickles": given.trust_pickles, "preflight": not given.no_preflight, "prepared": cfgs}
            if plan is not None:
                more.update(resume=plan.iteration > 0, recipe=plan.recipe)
            model = launch(given.cfgs, given.phase, plan.iteration if plan else given.iter, given.log_to_file, **more)
            if given.phase == "train":
                _say_trained(getattr(model, "module", model), given)
        hosts.leave()
    return 0


def _say_trained(inner: nn.Module, given) -> None:
    """The last line of a training: what it wrote, and the command that tests it, with the words of the parsed command line."""
    trainer, (_, saved) = inner.cfgs["trainer_cfg"], last_checkpoint.newest()
    line = f"trained: iteration {inner.iteration} of {trainer['total_iter']}"
    if not saved:
        return inner.msg_mgr.log_info(f"{line}; nothing was saved (trainer_cfg.save_iter = {trainer['save_iter']})")
    words = ["opengait-mimic", "evaluate"] if is_ranked(inner.cfgs) else ["python", "-m", "opengait_mimic", "--phase", "test"]
    words += ["--cfgs", given.cfgs]
    words += [] if inner.cfgs["evaluator_cfg"]["restore_hint"] == saved else ["--iter", str(saved)]
    words += [word for name in ("host", "output") if getattr(given, name) for word in (f"--{name}", getattr(given, name))]
    inner.msg_mgr.log_info(f"{line}, {checkpoint_at(inner.cfgs, saved)}; next: {shlex.join(words)}")
