"""``opengait-mimic pipeline --cfgs mimic.yaml``: the teacher, the VEN, the mimic and their tests, as far as they are not done."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from .. import __version__
from .. import host as hosts
from ..base.errors import ConfigError
from ..base.processes import on_rank_0, rank_and_world
from ..evaluation.evaluate import write_json
from ..evaluation.test_setup import known_protocol
from ..host import is_ours, load_cfgs
from ..metrics.protocols import format_rows
from ..models.depends import built_on
from ..models.prepare import model_class, prepare
from ..training.inputs import upstream, weights_of
from .stages import Stage, run, say


def read_stages(path: str | os.PathLike) -> tuple[list[Stage], Path]:
    """The stages a configuration asks for, in order, and the folder for their results.

    ``MimicGait``: its teacher (``model_cfg.teacher.cfgs``, else ``backbone.cfgs``), its VEN unless null, itself. ``OcclusionAware``
    and ``Baseline2``: a teacher only where they name one (for RP), the first's VEN, themselves. ``VEN`` and the host's own models:
    themselves. A teacher or VEN whose ``checkpoint`` is a path is given: it is not trained. The teacher is tested as Baseline-1, on
    this configuration's data and occlusion. Results go to ``<output>/<dataset>/pipeline/<model>-<save_name>/``.

    Raises:
        ConfigError, HostError: the configuration or one it names is wrong; see `prepare`.
    """
    main = hosts.resolve(str(path), "--cfgs").resolve()
    cfgs = prepare(main, "train")
    model, kind, given = cfgs["model_cfg"]["model"], model_class(cfgs), upstream(cfgs)
    if not is_ours(kind) and cfgs["model_cfg"].get("teacher"):
        raise ConfigError(f"model_cfg.teacher: {model} is the host's own model and would ignore it; name one of our methods as model")
    folder = hosts.output() / cfgs["data_cfg"]["dataset_name"] / "pipeline" / f"{model}-{cfgs['trainer_cfg']['save_name']}"
    if model != "VEN":
        known_protocol(cfgs)  # a test that cannot be is refused before anything is trained
    stages, after = [], {}
    for key, title in (("teacher", "teacher"), ("ven", "VEN")):
        if key not in given:
            continue
        file, checkpoint = given[key]
        theirs = load_cfgs(file, f"model_cfg.{key}.cfgs")
        weights = weights_of(cfgs, key)
        ready = checkpoint != "auto" or isinstance(theirs["evaluator_cfg"]["restore_hint"], str)
        after[key] = f"{title} {theirs['model_cfg']['model']}" if key == "teacher" else title
        stage = Stage(after[key], None if ready else file.resolve(), folder / "ven.json", given=str(weights))
        if key == "teacher":
            stage = stage._replace(result=folder / "baseline1.json", teacher_of=main)
        elif ready:
            stage = stage._replace(result=None)  # its own YAML's test would read another file
        stages.append(stage)
    if "teacher" not in built_on(cfgs):
        after.pop("teacher", None)  # for RP alone
    return [*stages, Stage(model, main, folder / f"{model.lower()}.json", tuple(after.values()))], folder


def run_pipeline(given) -> int:
    """Run the pipeline of a parsed command line, in one process or in several; every finished stage is kept.

    Returns:
        0 when every stage is done and tested; otherwise an error ends it.
    """
    begin = time.monotonic()
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars
    host = hosts.bind(given.host, given.device, given.output)
    logging.getLogger("opengait_mimic").setLevel(logging.WARNING)
    stages, folder = read_stages(given.cfgs)
    world = rank_and_world()[1]
    say(
        f"opengait_mimic {__version__} pipeline on {host.name} ({host.root}), device {hosts.device()}, processes: {world};"
        f" {', '.join(stage.name for stage in stages)}"
    )
    _say_other_data(stages)
    found = run(stages, retrain=given.retrain, log_to_file=True, preflight=not given.no_preflight)
    rows = [row for result in found.values() for row in result["rows"]]
    kept = {name: {key: result[key] for key in ("losses", "seconds", "visibility")} for name, result in found.items()}
    total = round(time.monotonic() - begin, 1)
    known = {"cfgs": str(given.cfgs), "host": host.name, "commit": host.commit, "version": __version__, "total_seconds": total}
    on_rank_0(lambda: write_json(folder / "results.json", rows, stages=kept, **known))
    if rows:
        say("\n" + format_rows(rows))
    say(f"{total:.0f} s in this run. Written: {folder / 'results.json'}")
    return 0


def _say_other_data(stages: list[Stage]) -> None:
    """A line for every training on other data than the last one's."""
    trained = [(stage.name, prepare(stage.train, "train")["data_cfg"]) for stage in stages if stage.train is not None]
    for name, data in trained[:-1]:
        last, own = trained[-1]
        for key in ("dataset_root", "dataset_partition"):
            if data[key] != own[key]:
                say(f"  note: {name} trains on {key} {data[key]}, {last} on {own[key]}")
