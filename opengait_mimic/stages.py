"""Stages of a job: each trains a configuration and tests it; what is done stays, what is half done goes on.

Every process runs the same stages; rank 0 alone looks at files, decides and writes, and tells the others.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple

import torch.distributed as dist
import yaml
from torch import nn

from .config import unmerge
from .decide import Todo, decide
from .distributed import rank_and_world
from .evaluate import DEFAULT, evaluate, teacher_cfgs, write_json
from .host import HostError, default_cfgs
from .inputs import differences, save_folder, test_inputs
from .launch import launch, prepare
from .progress import Bar
from .records import NAME, read_json, set_aside


class Stage(NamedTuple):
    """One training with its test.

    ``train``: the YAML to train; None: the weights are there, and ``given`` names them. ``result``: the JSON file for the test's
    result; None: not tested. ``after``: names of the stages whose weights it reads. ``teacher_of``: test it as the teacher of this
    YAML, on that one's data and occlusion (= Baseline-1); None: as its own YAML says. ``reference``: a result that holds the
    backbone's whole-body row.
    """

    name: str
    train: Path | None
    result: Path | None
    after: tuple[str, ...] = ()
    given: str = ""
    teacher_of: Path | None = None
    reference: Path | None = None


def on_rank_0(work: Callable[[], Any]):
    """Do something on rank 0 and give every process its result; an error there ends every process."""
    rank, world = rank_and_world()
    if world == 1:
        return work()
    box: list = [None, True]
    try:
        box = [work() if rank == 0 else None, False]
    finally:
        dist.broadcast_object_list(box, src=0)
    if box[1]:
        raise SystemExit(1)
    return box[0]


def say(text: str) -> None:
    """Print on rank 0, at once."""
    if rank_and_world()[0] == 0:
        print(text, flush=True)


def plan(stages: list[Stage], retrain: bool = False) -> dict[str, Todo]:
    """What is to be done about every training, looked up before the first one runs.

    Args:
        stages: in order.
        retrain: train anew what does not match its configuration, in place of stopping.

    Raises:
        HostError: a folder holds a training of another configuration, or one of unknown origin.
        ConfigError: a configuration is wrong, or its test reads a checkpoint that its training never writes.
    """

    def look():
        todo: dict[str, Todo] = {}
        for stage in stages:
            todo[stage.name] = Todo("given")
            if stage.train is not None:
                moved = [name for name in stage.after if todo[name].action in ("resume", "train")]
                todo[stage.name] = decide(prepare(stage.train, "train"), moved)
        unfit = [f"  {name}: {found.why}" for name, found in todo.items() if found.aside]
        if unfit and not retrain:
            raise HostError(
                "\n".join(["nothing was run, for what is there does not belong to these configurations:", *unfit])
                + "\nChoose: another save_name (in trainer_cfg and evaluator_cfg); or move the folder away; or --retrain, which moves"
                " such folders aside and trains anew; or, to use the weights as they are, name their file in"
                " model_cfg.teacher.checkpoint or model_cfg.ven.checkpoint."
            )
        return todo

    for stage in stages:  # on every process, so that all of them meet a mistake in a configuration
        if stage.train is not None:
            prepare(stage.train, "train")
    return on_rank_0(look)


def run(stages: list[Stage], retrain: bool = False, log_to_file: bool = False, before: dict[str, Callable] | None = None) -> dict:
    """Run the stages in order and print a line for each.

    Args:
        stages: in order.
        retrain: see `plan`.
        log_to_file: keep the host's log of each training in its folder.
        before: stage name -> called with the built model before it trains.

    Returns:
        Stage name -> ``losses`` (see `Recorder`) and ``seconds`` (training, test; None where not done here) and the test's result:
        ``rows`` and ``visibility`` (the VEN's test scalars or None); complete on rank 0 alone.
    """
    found, name = {}, ""
    try:
        todo = plan(stages, retrain)
        for number, stage in enumerate(stages, 1):
            name, title = stage.name, f"  {number}/{len(stages)} {stage.name}"
            task = todo[name]
            if task.why:
                say(f"  {name}: {task.why}")
            if task.action in ("resume", "train"):
                _train(stage, task, title, log_to_file, (before or {}).get(name, lambda model: None))
                gc.collect()  # the model, before the next one is built
            found[name] = _outcome(stage, task, _test(stage, title))
    except KeyboardInterrupt:
        say(f"\nstopped{f' in {name}' if name else ''}: the same command goes on from the last checkpoint (trainer_cfg.save_iter)")
        raise SystemExit(130) from None
    return found


def _train(stage: Stage, task: Todo, title: str, log_to_file: bool, before: Callable) -> None:
    """Train one stage, or the rest of it."""
    folder = save_folder(prepare(stage.train, "train"))
    if task.aside:
        say(f"  {stage.name}: what was there is now {on_rank_0(lambda: set_aside(folder))}")

    def watch(model):
        before(model)
        inner = getattr(model, "module", model)
        total = inner.cfgs["trainer_cfg"]["total_iter"]
        inner.loss_aggregator.register_forward_hook(lambda *_: bar(inner.iteration + 1, total))

    with _bar(title, task.iteration) as bar:
        launch(stage.train, "train", task.iteration, log_to_file, quiet=True, before=watch, resume=task.iteration > 0)
    dist.barrier()  # rank 0 has written


def _test(stage: Stage, title: str) -> dict:
    """Test one stage, unless its result is there already; returns the result, with ``again``: it was there."""
    if stage.result is None:
        return {"rows": [], "visibility": None, "seconds": None, "again": True}
    file = stage.train if stage.teacher_of is None else _as_teacher(stage)
    cfgs = prepare(file, "embed")

    def look():
        inputs, before = test_inputs(cfgs), read_json(stage.result)
        same = before is not None and not differences(before["inputs"], inputs)
        return inputs, before if same else None

    inputs, before = on_rank_0(look)
    if before is not None:
        return {**before, "again": True}
    begin, rows, visibility = time.monotonic(), [], None
    if cfgs["model_cfg"]["model"] == "VEN":
        visibility = launch(file, "test", quiet=True, before=lambda model: _watch_test(model, 1, title))
    else:
        rows = evaluate(file, reference=stage.reference, quiet=True, before=lambda model, passes: _watch_test(model, passes, title))
    result = {"visibility": visibility, "seconds": round(time.monotonic() - begin, 1), "inputs": inputs}
    on_rank_0(lambda: write_json(stage.result, rows, **result))
    return {"rows": rows, **result, "again": False}


def _as_teacher(stage: Stage) -> Path:
    """The configuration that tests a teacher on a mimic's data, under the mimic's occlusion; kept beside the result."""
    cfgs = prepare(stage.teacher_of, "embed")
    file = stage.result.with_suffix(".yaml")

    def write():
        whole, why = teacher_cfgs(cfgs)
        if whole is None:
            raise HostError(f"{stage.name}: {why}")
        whole["evaluator_cfg"]["occlusion"] = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
        own = {**unmerge(whole, default_cfgs()), "model_cfg": whole["model_cfg"]}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# written by opengait_mimic: the teacher of {stage.teacher_of}\n" + yaml.safe_dump(own, sort_keys=False))

    on_rank_0(write)
    return file


def _bar(title: str, start: int = 0) -> Bar:
    return Bar(title, start) if rank_and_world()[0] == 0 else Bar(title, start, stream=None)


def _watch_test(model: nn.Module, passes: int, title: str) -> None:
    """Show how much of the test set is embedded; the host's loop calls no hook, so its first step is followed."""
    inner, bar, taken = getattr(model, "module", model), _bar(f"{title}, test"), 0
    take, total = inner.inputs_pretreament, passes * len(inner.test_loader)

    def inputs_pretreament(inputs):
        nonlocal taken
        taken += 1
        bar(taken, total)
        if taken == total:
            bar.close()
        return take(inputs)

    object.__setattr__(inner, "inputs_pretreament", inputs_pretreament)


def _outcome(stage: Stage, task: Todo, result: dict) -> dict:
    """What became of a stage, and its line."""
    trained = task.action in ("resume", "train")
    record = None if stage.train is None else on_rank_0(lambda: read_json(save_folder(prepare(stage.train, "train")) / NAME))
    losses, seconds = (record["losses"], record["seconds"]) if record else (None, None)
    said = [f"loss {losses[0]:.3f} -> {losses[1]:.3f}"] if losses else []
    if trained:
        said.append(f"{record['steps_per_second']:.3g} steps/s")
    if stage.train is None:
        said.append(f"given: {stage.given}")
    if result["visibility"] and "scalar/test_accuracy/frame" in result["visibility"]:
        said.append(f"frame accuracy {result['visibility']['scalar/test_accuracy/frame']:.1f} %")
    if result["rows"]:
        said.append(", ".join(f"{row['protocol']} {row['rank1']:.1f}" for row in result["rows"] if row["gallery_embedder"] == "own"))
    spent = (seconds if trained else 0) + (0 if result["again"] else result["seconds"])
    if not trained and stage.train is not None:
        said.append("done before" if result["again"] else "trained before")
    say(f"  {stage.name:<22}{f'{spent:6.1f} s' if spent else '':>8}   " + "   ".join(said))
    return {"losses": losses, "seconds": [seconds, result["seconds"]], "rows": result["rows"], "visibility": result["visibility"]}
