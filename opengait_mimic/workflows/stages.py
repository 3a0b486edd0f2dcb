"""Stages of a job: each trains a configuration and tests it; what is done stays, what is half done goes on.

Every process runs the same stages; rank 0 alone looks at files, decides and writes, and tells the others.
"""

from __future__ import annotations

import gc
import math
import time
from pathlib import Path
from typing import Callable, NamedTuple

import torch.distributed as dist
from torch import nn

from ..base.errors import HostError
from ..base.files import read_json
from ..base.locks import refuse_locked
from ..base.plain_values import differences
from ..base.processes import on_rank_0, rank_and_world
from ..base.progress import rank_bar
from ..evaluation.evaluate import measure, write_json
from ..evaluation.rows import drop_curves
from ..evaluation.test_inputs import read_test_inputs
from ..evaluation.test_setup import DEFAULT, teacher_cfgs
from ..host.run_paths import save_folder
from ..models.prepare import prepare
from ..training.launch import launch
from ..training.resume import Plan, move_away, newest_entry, plan_training


class Stage(NamedTuple):
    """One training with its test.

    ``train``: the YAML to train; None: the weights are there, and ``given`` names them. ``result``: the JSON file for the test's
    result; None: not tested. ``after``: names of the stages whose weights it reads. ``teacher_of``: test it as the teacher of this
    YAML, on that one's data and occlusion (= Baseline-1); None: as its own YAML says.
    """

    name: str
    train: Path | None
    result: Path | None
    after: tuple[str, ...] = ()
    given: str = ""
    teacher_of: Path | None = None


def log(text: str) -> None:
    """Print on rank 0, at once."""
    if rank_and_world()[0] == 0:
        print(text, flush=True)


def plan(stages: list[Stage], retrain: bool = False) -> dict[str, Plan]:
    """What is to be done about every training, looked up before the first one runs.

    Args:
        stages: in order.
        retrain: train anew what does not match its configuration, in place of stopping.

    Raises:
        HostError: a folder holds a training of another configuration, or one of unknown origin.
        ConfigError: a configuration is wrong, or its test reads a checkpoint that its training never writes.
    """

    def look():
        todo: dict[str, Plan] = {}
        for stage in stages:
            todo[stage.name] = Plan("given")
            if stage.train is not None:
                moved = [name for name in stage.after if todo[name].action in ("resume", "train") and not todo[name].intact]
                todo[stage.name] = plan_training(prepare(stage.train, "train"), moved)
        unfit = [f"  {name}: {found.why}" for name, found in todo.items() if found.conflict]
        if unfit and not retrain:
            raise _unfit(["nothing was run, for what is there does not belong to these configurations:", *unfit])
        return todo

    for stage in stages:  # on every process, so that all of them meet a mistake in a configuration
        if stage.train is not None:
            prepare(stage.train, "train")
    return on_rank_0(look)


def _unfit(lines: list[str]) -> HostError:
    """An error that says what does not belong to its configuration, and what may be done about it."""
    return HostError(
        "\n".join(lines) + "\nChoose: another save_name (in trainer_cfg and evaluator_cfg); or move the folder away; or --retrain,"
        " which moves such folders aside and trains anew; or, to use the weights as they are, name their file in"
        " model_cfg.teacher.checkpoint or model_cfg.ven.checkpoint."
    )


def run(
    stages: list[Stage],
    retrain: bool = False,
    log_to_file: bool = False,
    before: dict[str, Callable] | None = None,
    after: Callable[[str, dict], None] = lambda name, outcome: None,
    preflight: bool | str = False,
) -> dict:
    """Run the stages in order and print a line for each.

    Args:
        stages: in order.
        retrain: see `plan`.
        log_to_file: keep the host's log of each training in its folder.
        before: stage name -> called with the built model before it trains.
        after: called with the name and the outcome of every stage that is done.
        preflight: before each training (`training.preflight`); True: all lines of the first one, ``"brief"``: a line for each.

    Returns:
        Stage name -> ``losses`` (see `Recorder`) and ``seconds`` (training, test; None where not done here) and the test's result:
        ``rows`` and ``visibility`` (the VEN's test scalars or None); complete on rank 0 alone.
    """
    found, width = {}, max([22, *(len(stage.name) for stage in stages)])
    todo = plan(stages, retrain)
    for number, stage in enumerate(stages, 1):
        name, title = stage.name, f"  {number}/{len(stages)} {stage.name}"
        task = todo[name]
        if task.why:
            log(f"  {name}: {task.why}")
        if task.action in ("resume", "train"):
            task = _train(stage, task, title, retrain, log_to_file, (before or {}).get(name, lambda model: None), preflight)
            preflight = preflight and "brief"
            gc.collect()  # the model, before the next one is built
        found[name] = _outcome(stage, task, _test(stage, title), width)
        after(name, found[name])
    return found


def _train(stage: Stage, planned: Plan, title: str, retrain: bool, log_to_file: bool, before: Callable, preflight: bool | str) -> Plan:
    """Train one stage, or the rest of it; returns what was done, for another run may have trained it since the plan."""

    def look():
        cfgs = prepare(stage.train, "train")
        folder = save_folder(cfgs)
        refuse_locked(folder)
        task = plan_training(cfgs, [])
        if task.conflict and not retrain:
            raise _unfit([f"{stage.name}: {task.why}"])
        return task, move_away(folder) if task.conflict else None

    task, place = on_rank_0(look)
    if task[:2] != planned[:2]:
        log(f"  {stage.name}: {task.why or 'found trained by now'}")
    if place is not None:
        log(f"  {stage.name}: what was there is now {place}")
    if task.action == "skip":
        return task

    def watch(model):
        before(model)
        inner = getattr(model, "module", model)
        total = inner.cfgs["trainer_cfg"]["total_iter"]
        inner.loss_aggregator.register_forward_hook(lambda *_: bar(inner.iteration + 1, total))

    with rank_bar(title, task.iteration) as bar:
        more = {"resume": task.iteration > 0, "preflight": preflight, "recipe": task.recipe}
        launch(stage.train, "train", task.iteration, log_to_file, quiet=True, before=watch, **more)
    dist.barrier()  # rank 0 has written
    return task


def _test(stage: Stage, title: str) -> dict:
    """Test one stage, unless its result is there already; returns the result, with ``again``: it was there."""
    if stage.result is None:
        return {"rows": [], "visibility": None, "seconds": None, "again": True}
    file = _tested(stage)
    cfgs = prepare(file, "embed")
    inputs, before, changed = on_rank_0(lambda: _kept(stage, cfgs))
    if before is not None and not changed:
        return {**before, "again": True}
    if changed:
        log(f"  {stage.name}: is tested again: {'; '.join(changed[:8])}{f' (and {len(changed) - 8} more)' if len(changed) > 8 else ''}")
    begin, rows, visibility, source = time.monotonic(), [], None, None
    if cfgs["model_cfg"]["model"] == "VEN":
        visibility = launch(file, "test", quiet=True, before=lambda model: _watch_test(model, title))
    else:
        with rank_bar(f"{title}, test") as bar:
            found = measure(file, quiet=True, progress=bar, as_teacher=stage.teacher_of is not None)
        if found is not None:  # rank 0
            rows, source = [drop_curves(row) for row in found.rows], found.provenance
    result = {"visibility": visibility, "seconds": round(time.monotonic() - begin, 1), "inputs": inputs}

    on_rank_0(lambda: write_json(stage.result, rows, **result, provenance=source))
    return {"rows": rows, **result, "again": False}


def finished(stage: Stage) -> dict | None:
    """What `run` would say of a stage that is trained and tested; None where anything is left to do. Nothing is run; in one process alone.

    Raises:
        HostError: an unreadable record.
    """
    cfgs = prepare(stage.train, "train")
    if plan_training(cfgs, []).action != "skip":
        return None
    _, before, changed = _kept(stage, prepare(_tested(stage), "embed"))
    if before is None or changed:
        return None
    record = newest_entry(cfgs)
    return {"losses": record["losses"], "seconds": [record["seconds"], before["seconds"]], "rows": before["rows"]}


def _kept(stage: Stage, cfgs: dict) -> tuple[dict, dict | None, list[str]]:
    """The inputs of a test, its result on disk (None: there is none), and in what that one's inputs differ."""
    inputs, before = read_test_inputs(cfgs), read_json(stage.result)
    if before is None:
        return inputs, None, []
    if not isinstance(before, dict) or not {"rows", "visibility", "seconds", "inputs"} <= before.keys():
        return inputs, None, [f"{stage.result} has another layout"]
    if any("data" not in row for row in before["rows"]):  # of an older version: rows that do not say what they are comparable with
        return inputs, None, [f"{stage.result} has rows of another layout"]
    return inputs, before, differences(before["inputs"], inputs)


def _tested(stage: Stage) -> Path | dict:
    """The configuration that tests a stage."""
    return stage.train if stage.teacher_of is None else _as_teacher(stage)


def _as_teacher(stage: Stage) -> dict:
    """The configuration that tests a teacher on a mimic's data, under the mimic's occlusion."""
    cfgs = prepare(stage.teacher_of, "embed")

    def make():
        whole, why = teacher_cfgs(cfgs)
        if whole is None:
            raise HostError(f"{stage.name}: {why}")
        whole["evaluator_cfg"]["occlusion"] = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
        return whole

    return on_rank_0(make)


def _watch_test(model: nn.Module, title: str) -> None:
    """Show how much of the test set a host's own test has seen; its loop calls no hook, so its first step is followed."""
    inner, bar, taken = getattr(model, "module", model), rank_bar(f"{title}, test"), 0
    take = inner.inputs_pretreament
    total = math.ceil(len(inner.test_loader) / rank_and_world()[1])  # the loader counts sequences, dealt one to a process

    def inputs_pretreament(inputs):
        nonlocal taken
        taken += 1
        bar(taken, total)
        if taken == total:
            bar.close()
        return take(inputs)

    object.__setattr__(inner, "inputs_pretreament", inputs_pretreament)


def _outcome(stage: Stage, task: Plan, result: dict, width: int) -> dict:
    """What became of a stage, and its line, the name padded to ``width``."""
    trained = task.action in ("resume", "train")
    record = None if stage.train is None else on_rank_0(lambda: newest_entry(prepare(stage.train, "train"), task.recipe))
    losses, seconds = (record["losses"], record["seconds"]) if record else (None, None)
    said = [f"loss {losses[0]:.3f} -> {losses[1]:.3f}"] if losses else []
    if trained:
        said.append(f"{record['steps_per_second']:.3g} steps/s")
    if stage.train is None:
        said.append(f"given: {stage.given}")
    if result["visibility"] and "scalar/test_accuracy/frame" in result["visibility"]:
        said.append(f"frame accuracy {result['visibility']['scalar/test_accuracy/frame']:.1f} %")
    if result["rows"]:
        said.append(", ".join(f"{row['occluded_side']} {row['rank1']:.1f}" for row in result["rows"] if row["gallery_embedder"] == "own"))
    spent = (seconds if trained else 0) + (0 if result["again"] else result["seconds"])
    if not trained and stage.train is not None:
        said.append("done before" if result["again"] else "trained before")
    log(f"  {stage.name:<{width}}{f'{spent:6.1f} s' if spent else '':>8}   " + "   ".join(said))
    return {"losses": losses, "seconds": [seconds, result["seconds"]], "rows": result["rows"], "visibility": result["visibility"]}
