"""``opengait-mimic table``: train what a suite needs, row by row, and print it beside the paper."""

from __future__ import annotations

import os
import time
from itertools import product
from pathlib import Path

import torch
import yaml

from .. import __version__
from .. import host as hosts
from ..config import ConfigError
from ..evaluate import write_json
from ..progress import duration
from ..runs import training_data
from ..seeds import read_seeds
from ..stages import plan as look_up
from ..stages import run as run_stages
from .files import Job
from .kept import Kept, seeds_on_disk
from .nets import BACKBONES
from .page import page
from .plan import Plan
from .remaining import Remaining
from .suites import SUITES, Suite, some

SUBJECTS, SMOKE_SUBJECTS = 280, 14


def run(given) -> int:
    """Make the table of a parsed command line; what is done is kept, so the same command goes on where it stopped.

    Returns:
        0 when every row is done.

    Raises:
        ConfigError: a word of the command line is not known. HostError: trainings of other configurations are in the way.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise hosts.HostError("table: runs in one process; start it without torchrun")
    suite, backbones, seeds = chosen(given)
    if given.data != "walkers" and not given.root:
        raise ConfigError(
            f"--data {given.data}: walkers alone are generated here; other silhouettes come with --root, --partition and --dataset"
        )
    begin, out = time.monotonic(), Path(given.out).resolve()
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars
    host = hosts.bind(given.host, given.device, out / "output")
    print(f"opengait_mimic {__version__} table {given.suite} on {host.name} ({host.root}), device {hosts.device()}, into {out}")
    data, classes, known = training_data(given, out, SMOKE_SUBJECTS if given.smoke else SUBJECTS)
    job = Job(out, data, classes, given.smoke, given.start == "cold")
    plans = {seed: Plan(suite, backbones, seed, job) for seed in seeds}
    for plan in plans.values():  # what is in the way of any seed stops the first one
        look_up(plan.stages, given.retrain)
    asked = {(seed, *row[:2]) for seed, plan in plans.items() for row in plan.rows.values()}
    whole, kept, everywhere = SUITES[given.suite], Kept(), list(BACKBONES)
    all_seeds = sorted({*seeds, *seeds_on_disk(out)})
    for seed in all_seeds:  # what any run has finished stays on the page
        kept.look(Plan(whole, everywhere, seed, job), asked)
    order = [key for key in product(all_seeds, everywhere, whole.rows) if key in asked | kept.keys]
    shown = some(whole, {label for *_, label in order}), [each for each in everywhere if any(each == key[1] for key in order)]
    remaining = Remaining((seed, stage.name) for seed, plan in plans.items() for stage in plan.stages)
    facts = {
        "suite": given.suite, "version": __version__, "host": host.name, "commit": host.commit, "torch": torch.__version__,
        "device": str(hosts.device()), "data": known, "seeds": list(dict.fromkeys(seed for seed, *_ in order)),
        "start": given.start, "smoke": given.smoke, "training": _training(next(iter(plans.values()))),
    }  # fmt: skip
    folder = out / (given.suite + ("-cold" if job.cold else "") + ("-smoke" if given.smoke else ""))

    def write() -> str:
        text, orders = page(given.suite, *shown, kept.measured, facts, len(order))
        seconds = round(time.monotonic() - begin, 1)
        more = {"orders": orders, "rows_wanted": len(order), "seconds_in_this_run": seconds}
        write_json(folder / "results.json", kept.rows(order), **facts, **more)
        (folder / "table.md").write_text(f"```text\n{text}\n```\n")
        return text

    for seed, plan in plans.items():
        print(f"seed {seed}" + (f" ({seeds.index(seed) + 1} of {len(seeds)})" if len(seeds) > 1 else ""))

        def after(name, outcome, seed=seed, plan=plan):
            seconds = [outcome["seconds"][1]] if name in plan.reused else outcome["seconds"]
            remaining.done(seed, name, sum(filter(None, seconds)))
            if name in plan.rows:
                kept.add(plan, next(stage for stage in plan.stages if stage.name == name), outcome)
                write()
            left = remaining if len(kept.keys) < len(order) else ""  # what is left is then only looked at
            print(f"    rows {len(kept.keys)}/{len(order)}{left}", flush=True)

        before = {stage.name: _same_batches(seed) for stage in plan.stages}
        try:
            preflight = False if given.no_preflight else "brief"
            run_stages(plan.stages, retrain=given.retrain, before=before, after=after, preflight=preflight)
        except KeyboardInterrupt:
            print(f"the rows so far: {folder / 'table.md'}" if kept.keys else "no row is done yet")
            raise
    print("\n" + write())
    print(f"\n{duration(time.monotonic() - begin)} in this run. Written: {folder / 'table.md'}, {folder / 'results.json'}")
    return 0


def chosen(given) -> tuple[Suite, list[str], list[int]]:
    """The suite with the rows asked for, the backbones and the seeds of a command line.

    Raises:
        ConfigError: an unknown backbone or label, or seeds that are none.
    """
    suite = SUITES[given.suite]
    backbones = given.backbones.split(",") if given.backbones else list(suite.backbones)
    for backbone in backbones:
        if backbone not in BACKBONES:
            raise ConfigError(f"--backbones {backbone}: known are {', '.join(BACKBONES)}")
    for label in given.only or []:
        if label not in suite.rows:
            raise ConfigError(f"--only {label!r}: the rows of {given.suite} are {', '.join(map(repr, suite.rows))}")
    if given.only:
        suite = some(suite, given.only)
    return suite, list(dict.fromkeys(backbones)), read_seeds(given.seeds)


def _same_batches(seed: int):
    """A hook for `run_stages`: the host's generators, set again once a network is built, so that no row's batches depend on it."""

    def before(_):
        from utils import init_seeds

        init_seeds(seed * 1000 + 1)

    return before


def _training(plan: Plan) -> dict:
    """How long the networks of a seed are trained (steps -> stages), and in which batches (subjects, clips of each)."""
    trainers = {stage.name: yaml.safe_load(stage.train.read_text())["trainer_cfg"] for stage in plan.stages}
    steps = {trainer["total_iter"]: [] for trainer in trainers.values()}
    for name, trainer in trainers.items():
        steps[trainer["total_iter"]].append(name)
    return {"steps": steps, "batch_size": next(iter(trainers.values()))["sampler"]["batch_size"]}
