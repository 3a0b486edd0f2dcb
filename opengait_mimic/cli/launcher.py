"""``python -m opengait_mimic``: train or test one configuration with OpenGait's own flags."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys

from torch import nn

from .. import host as hosts
from ..base import last_checkpoint
from ..base.command_exit import friendly_errors
from ..base.processes import rank_and_world
from ..base.resume_words import TEST, TRAINING
from ..host.run_paths import checkpoint_at
from ..host.test_checks import list_test_sequences, protocol_of_test
from ..models.prepare import is_ranked, prepare
from ..training.launch import launch
from ..training.resume import find_start
from .arguments import add_host_arguments, add_iter_argument, add_preflight_argument, answer_other_words, drop_local_rank
from .console import log_to_console


def main(argv: list[str] | None = None) -> int:
    """The command line of ``python -m opengait_mimic``: OpenGait's own flags and ours."""
    parser = argparse.ArgumentParser(
        prog="python -m opengait_mimic", description="Train or test a configuration, with or without torchrun, from any folder."
    )
    parser.add_argument("--cfgs", required=True, help="the YAML")
    parser.add_argument("--phase", choices=["train", "test"], default="train")
    start = parser.add_mutually_exclusive_group()
    how = f"{TRAINING}. In a test {TEST}"
    add_iter_argument(start, how, "restore this iteration")
    more = {"nargs": "?", "const": "", "type": _read_resume, "metavar": "auto"}
    start.add_argument("--resume", help="train on from the newest intact checkpoint of this very training, else from 0", **more)
    parser.add_argument("--log_to_file", action="store_true", help="log to <output>/<dataset>/<model>/<save_name>/logs as well")
    parser.add_argument("--trust-pickles", action="store_true", help="read the data with Python's own pickle, which runs what a file says")
    add_preflight_argument(parser)
    add_host_arguments(parser)
    answer_other_words(parser, how)
    given = parser.parse_args(drop_local_rank(sys.argv[1:] if argv is None else argv))
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


def _read_resume(text: str) -> str:
    if text != "auto":
        raise argparse.ArgumentTypeError(f"expected --resume auto, got {text or 'nothing'}. {TRAINING}")
    return text


def _say_trained(inner: nn.Module, given) -> None:
    """The last line of a training: what it wrote, and the command that tests it, with the words of the parsed command line."""
    trainer, (_, saved) = inner.cfgs["trainer_cfg"], last_checkpoint.newest()
    line = f"trained: iteration {inner.iteration} of {trainer['total_iter']}"
    if not saved:
        return inner.msg_mgr.log_info(f"{line}; nothing was saved (trainer_cfg.save_iter = {trainer['save_iter']})")
    if is_ranked(inner.cfgs) and (unknown := _why_no_protocol(inner.cfgs)):
        return inner.msg_mgr.log_info(f"{line}, {checkpoint_at(inner.cfgs, saved)}. {unknown}")
    words = ["opengait-mimic", "evaluate"] if is_ranked(inner.cfgs) else ["python", "-m", "opengait_mimic", "--phase", "test"]
    words += ["--cfgs", given.cfgs]
    words += [] if inner.cfgs["evaluator_cfg"]["restore_hint"] == saved else ["--iter", str(saved)]
    words += [word for name in ("host", "output") if getattr(given, name) for word in (f"--{name}", getattr(given, name))]
    inner.msg_mgr.log_info(f"{line}, {checkpoint_at(inner.cfgs, saved)}; next: {shlex.join(words)}")


def _why_no_protocol(cfgs: dict) -> str:
    """Why `evaluate` could not score the test set as the configuration stands; empty if it can."""
    try:
        protocol_of_test(cfgs)
    except ValueError as error:
        return f"No test yet: {error}"
    return "" if list_test_sequences(cfgs) else "No test: no identity of TEST_SET has a sequence"
