"""Stages: each trains a configuration and tests it. What is done is kept, a stopped training goes on.

Every process runs the same stages. Rank 0 reads files, decides and writes, and sends its decision to the others.
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
from ..base.files import read_json, write_json
from ..base.locks import refuse_locked
from ..base.plain_values import differences
from ..base.processes import on_rank_0, rank_and_world
from ..base.progress import rank_bar
from ..evaluation.evaluate import measure
from ..evaluation.evaluation_setup import DEFAULT, Request, read_test_protocol
from ..evaluation.provenance import read_test_inputs
from ..evaluation.result_rows import drop_curves
from ..evaluation.rp_reference import reference_cfgs
from ..host.run_paths import save_folder
from ..metrics.protocols import protocol_hash
from ..models.prepare import is_ranked, prepare
from ..training.launch import launch
from ..training.resume import Plan, list_changes, move_away, newest_entry, plan_training


class Stage(NamedTuple):
    """One training with its test.

    ``train``: the YAML to train; None if the weights are given, then ``given`` is their path. ``result``: the JSON file of the test's
    result; None if it is not tested. ``after``: names of the stages whose weights it reads. ``teacher_of``: test it as the teacher of this
    YAML, on that YAML's data and occlusion (= Baseline-1); None: test it as its own YAML says.
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
    """Decide what to do with every training, before the first one runs.

    Args:
        stages: in order.
        retrain: train again what does not match its configuration, instead of stopping.

    Returns:
        Stage name -> plan.

    Raises:
        HostError: a folder holds a training of another configuration or of unknown origin. ConfigError: a configuration is wrong.
    """
    prepared = {stage.name: prepare(stage.train, "train") for stage in stages if stage.train is not None}  # on every process

    def decide():
        plans: dict[str, Plan] = {}
        for stage in stages:
            plans[stage.name] = Plan("given")
            if stage.name in prepared:
                changing = [name for name in stage.after if plans[name].action in ("resume", "train") and not plans[name].intact]
                plans[stage.name] = plan_training(prepared[stage.name], changing)
        conflicts = [f"  {name}: {each.why}" for name, each in plans.items() if each.conflict]
        if conflicts and not retrain:
            raise _conflict(["nothing was run, because these folders hold other trainings:", *conflicts])
        return plans

    return on_rank_0(decide)


def _conflict(lines: list[str]) -> HostError:
    return HostError(
        "\n".join(lines) + "\nChoose: another save_name (in trainer_cfg and evaluator_cfg); or move the folder away; or --retrain,"
        " which moves such folders aside and trains again; or, to use the weights as they are, name their file, for a teacher as"
        " model_cfg.teacher.checkpoint."
    )


def run(
    stages: list[Stage],
    retrain: bool = False,
    log_to_file: bool = False,
    before: dict[str, Callable[[nn.Module], None]] | None = None,
    preflight: bool | str = False,
    split: str | None = None,
) -> dict[str, dict]:
    """Run the stages in order and print a line for each.

    Args:
        stages: in order.
        retrain: see `plan`.
        log_to_file: write the host's log of each training to its folder.
        before: stage name -> called with the built model before it trains.
        split: a file of probes and galleries (`read_protocol`) for every ranked test.
        preflight: before each training; True: all lines for the first one, ``"brief"``: one line for each.

    Returns:
        Stage name -> ``losses`` (means of the first and last tenth of the steps), ``seconds`` (training, test), ``rows`` and
        ``visibility`` (a VEN's test scalars, else None); complete on rank 0 only.
    """
    outcomes, width = {}, max(22, *(len(stage.name) for stage in stages))
    plans = plan(stages, retrain)
    for number, stage in enumerate(stages, 1):
        title, todo = f"  {number}/{len(stages)} {stage.name}", plans[stage.name]
        if todo.why:
            log(f"  {stage.name}: {todo.why}")
        if todo.action in ("resume", "train"):
            attach = (before or {}).get(stage.name, lambda model: None)
            todo = _train(stage, todo, title, retrain, log_to_file, attach, preflight)
            preflight = preflight and "brief"
            gc.collect()  # the model, before the next one is built
        outcomes[stage.name] = _finish(stage, todo, _test(stage, title, split), width)
    return outcomes


def _train(stage: Stage, planned: Plan, title: str, retrain: bool, log_to_file: bool, before: Callable, preflight: bool | str) -> Plan:
    """Train a stage, or the rest of it; returns what was done, since another run may have trained it meanwhile."""

    def decide():
        cfgs = prepare(stage.train, "train")
        folder = save_folder(cfgs)
        refuse_locked(folder)
        todo = plan_training(cfgs)
        if todo.conflict and not retrain:
            raise _conflict([f"{stage.name}: {todo.why}"])
        return todo, move_away(folder) if todo.conflict else None

    todo, moved_to = on_rank_0(decide)
    if todo[:2] != planned[:2]:
        log(f"  {stage.name}: {todo.why or 'was trained meanwhile'}")
    if moved_to is not None:
        log(f"  {stage.name}: the earlier training is now {moved_to}")
    if todo.action == "skip":
        return todo

    def follow(model):
        before(model)
        inner = getattr(model, "module", model)
        total = inner.cfgs["trainer_cfg"]["total_iter"]
        inner.loss_aggregator.register_forward_hook(lambda *_: bar(inner.iteration + 1, total))

    with rank_bar(title, todo.iteration) as bar:
        options = {"resume": todo.iteration > 0, "preflight": preflight, "recipe": todo.recipe}
        launch(stage.train, "train", todo.iteration, log_to_file, quiet=True, before=follow, **options)
    dist.barrier()  # rank 0 has written
    return todo


def _test(stage: Stage, title: str, split: str | None) -> dict:
    """The result of a stage's test; ``reused`` if it was on the disk."""
    if stage.result is None:
        return {"rows": [], "visibility": None, "seconds": None, "reused": True}
    source = stage.train if stage.teacher_of is None else _teacher_configuration(stage)
    cfgs = prepare(source, "embed")
    inputs, earlier, changes = on_rank_0(lambda: _read_result(stage, cfgs, split))
    if earlier is not None and not changes:
        return {**earlier, "reused": True}
    if changes:
        log(f"  {stage.name}: is tested again: {list_changes(changes)}")
    start, rows, visibility, origin = time.monotonic(), [], None, None
    if is_ranked(cfgs):
        with rank_bar(f"{title}, test") as bar:
            result = measure(source, quiet=True, progress=bar, request=Request(split=split), as_teacher=stage.teacher_of is not None)
        if result is not None:  # rank 0
            rows, origin = [drop_curves(row) for row in result.rows], result.provenance
    else:
        visibility = launch(source, "test", quiet=True, before=lambda model: _show_test_progress(model, title))
    content = {"visibility": visibility, "seconds": round(time.monotonic() - start, 1), "inputs": inputs}
    on_rank_0(lambda: write_json(stage.result, {"rows": rows, **content, "provenance": origin}))
    return {"rows": rows, **content, "reused": False}


def _read_result(stage: Stage, cfgs: dict, split: str | None) -> tuple[dict, dict | None, list[str]]:
    """The inputs of a test, the result on the disk (or None), and how that result's inputs differ."""
    inputs, earlier = read_test_inputs(cfgs), read_json(stage.result)
    if split and is_ranked(cfgs):
        inputs["split"] = protocol_hash(read_test_protocol(cfgs, split)[1])
    if earlier is None:
        return inputs, None, []
    if not isinstance(earlier, dict) or not {"rows", "visibility", "seconds", "inputs"} <= earlier.keys():
        return inputs, None, [f"{stage.result} is of an older version"]
    return inputs, earlier, differences(earlier["inputs"], inputs)


def _teacher_configuration(stage: Stage) -> dict:
    """The configuration that tests a teacher on a mimic's data, under the mimic's occlusion."""
    cfgs = prepare(stage.teacher_of, "embed")

    def make():
        teacher, reason = reference_cfgs(cfgs)
        if teacher is None:
            raise HostError(f"{stage.name}: {reason}")
        teacher["evaluator_cfg"]["occlusion"] = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
        return teacher

    return on_rank_0(make)


def _show_test_progress(model: nn.Module, title: str) -> None:
    """Show the progress of the host's own test. Its loop calls no hook, so its first call per batch is followed."""
    inner, bar, count = getattr(model, "module", model), rank_bar(f"{title}, test"), 0
    original = inner.inputs_pretreament
    total = math.ceil(len(inner.test_loader) / rank_and_world()[1])  # sequences, dealt one to a process

    def inputs_pretreament(inputs):
        nonlocal count
        count += 1
        bar(count, total)
        if count == total:
            bar.close()
        return original(inputs)

    object.__setattr__(inner, "inputs_pretreament", inputs_pretreament)


def _finish(stage: Stage, done: Plan, result: dict, width: int) -> dict:
    """Print a stage's line, the name padded to ``width``, and return its outcome."""
    was_trained = done.action in ("resume", "train")
    record = None if stage.train is None else on_rank_0(lambda: newest_entry(prepare(stage.train, "train"), done.recipe))
    losses, seconds = (record["losses"], record["seconds"]) if record else (None, None)
    texts = [f"loss {losses[0]:.3f} -> {losses[1]:.3f}"] if losses else []
    if was_trained:
        texts.append(f"{record['steps_per_second']:.3g} steps/s")
    if stage.train is None:
        texts.append(f"given: {stage.given}")
    if result["visibility"] and "scalar/test_accuracy/frame" in result["visibility"]:
        texts.append(f"frame accuracy {result['visibility']['scalar/test_accuracy/frame']:.1f} %")
    if result["rows"]:
        own = [row for row in result["rows"] if row["gallery_embedder"] == "own"]
        texts.append(", ".join(f"{row['occluded_side']} {row['rank1']:.1f}" for row in own))
    if not was_trained and stage.train is not None:
        texts.append("done before" if result["reused"] else "trained before")
    spent = (seconds if was_trained else 0) + (0 if result["reused"] else result["seconds"])
    log(f"  {stage.name:<{width}}{f'{spent:6.1f} s' if spent else '':>8}   " + "   ".join(texts))
    return {"losses": losses, "seconds": [seconds, result["seconds"]], "rows": result["rows"], "visibility": result["visibility"]}
