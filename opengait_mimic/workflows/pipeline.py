"""``opengait-mimic pipeline``: train and test a method and the networks it depends on, as far as that is not done."""

from __future__ import annotations

import functools
import logging
import os
import time
from pathlib import Path

from .. import __version__
from .. import host as hosts
from ..base.errors import ConfigError
from ..base.files import write_json
from ..base.processes import on_rank_0, rank_and_world
from ..evaluation.console_table import format_rows
from ..evaluation.evaluation_setup import NoProtocol, read_test_protocol, refuse_unscorable_test
from ..host.test_checks import list_test_sequences
from ..metrics.protocols import split as divide
from ..models.dependencies import Use, dependencies
from ..models.prepare import is_ranked, model_class, prepare
from .run_stages import Stage, log, run


def plan_stages(path: str | os.PathLike, split: str | None = None) -> tuple[list[Stage], Path]:
    """The stages of a configuration in order, its dependencies first, and the folder for their results.

    A dependency whose ``checkpoint`` is a path is given and not trained. A teacher is tested as Baseline-1, on this configuration's data
    and occlusion. Without test sequences, or on a data set that has no protocol here and no ``split`` (`read_protocol`), what is ranked is
    trained and not tested.
    Results go to ``<output>/<dataset>/pipeline/<model>-<save_name>/``.

    Raises:
        ConfigError, HostError: the configuration, or one that it names, is wrong; see `prepare`.
    """
    main = hosts.resolve(str(path), "--cfgs").resolve()
    cfgs = prepare(main, "train")
    model, kind = cfgs["model_cfg"]["model"], model_class(cfgs)
    if not hosts.is_ours(kind) and cfgs["model_cfg"].get("teacher"):
        raise ConfigError(f"model_cfg.teacher: {model} is the host's own model and ignores it; choose one of our methods as model")
    if why := _why_not_scored(cfgs, split):
        log(f"trained and not scored: {why}")
    folder = hosts.output() / cfgs["data_cfg"]["dataset_name"] / "pipeline" / f"{model}-{cfgs['trainer_cfg']['save_name']}"
    stages, builds_on = [], []
    for dependency in dependencies(cfgs).values():
        its_cfgs = dependency.read_cfgs()
        its_model, is_whole_body = its_cfgs["model_cfg"]["model"], dependency.is_whole_body()
        is_given = dependency.checkpoint != "auto" or isinstance(its_cfgs["evaluator_cfg"]["restore_hint"], str)
        name = f"{dependency.name} {its_model}" if is_whole_body else its_model
        file = None if is_given else dependency.yaml.resolve()
        result = folder / ("baseline1.json" if is_whole_body else f"{its_model.lower()}.json")
        if (why and is_whole_body) or (is_given and not is_whole_body):  # the latter's test would read another file than the one given
            result = None
        teacher_of = main if is_whole_body else None
        stages.append(Stage(name, file, result, given=str(dependency.weights()), teacher_of=teacher_of))
        if dependency.use is not Use.REFERENCE:
            builds_on.append(name)
    result = folder / f"{model.lower()}.json" if not why else None
    return [*stages, Stage(model, main, result, tuple(builds_on))], folder


def _why_not_scored(cfgs: dict, split: str | None) -> str:
    """Why there will be no score; a test that would stop is refused before anything is trained."""
    if not list_test_sequences(cfgs):
        return f"no identity of TEST_SET has a sequence in data_cfg.dataset_root = {cfgs['data_cfg']['dataset_root']}"
    if not is_ranked(cfgs):
        return ""
    try:
        protocol = read_test_protocol(cfgs, split)[1]
    except NoProtocol as error:
        return str(error)
    refuse_unscorable_test(cfgs, functools.partial(divide, protocol))
    return ""


def run_pipeline(args) -> int:
    """Run the pipeline of a parsed command line, in one process or several. Finished stages are kept.

    Returns:
        0; an error ends the program.
    """
    start = time.monotonic()
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars
    host = hosts.bind(args.host, args.device, args.output)
    logging.getLogger("opengait_mimic").setLevel(logging.WARNING)
    stages, folder = plan_stages(args.cfgs, args.split)
    log(
        f"opengait_mimic {__version__} pipeline on {host.name} ({host.root}), device {hosts.device()}, processes: {rank_and_world()[1]};"
        f" {', '.join(stage.name for stage in stages)}"
    )
    _log_other_data(stages)
    outcomes = run(stages, retrain=args.retrain, log_to_file=True, preflight=not args.no_preflight, split=args.split)
    rows = [row for outcome in outcomes.values() for row in outcome["rows"]]
    kept = {name: {key: outcome[key] for key in ("losses", "seconds", "visibility")} for name, outcome in outcomes.items()}
    seconds = round(time.monotonic() - start, 1)
    facts = {"cfgs": str(args.cfgs), "host": host.name, "commit": host.commit, "version": __version__, "total_seconds": seconds}
    on_rank_0(lambda: write_json(folder / "results.json", {"rows": rows, "stages": kept, **facts}))
    if rows:
        log("\n" + format_rows(rows))
    log(f"{seconds:.0f} s in this run. Written: {folder / 'results.json'}")
    return 0


def _log_other_data(stages: list[Stage]) -> None:
    """Log each training whose data differ from the last one's."""
    trained = [(stage.name, prepare(stage.train, "train")["data_cfg"]) for stage in stages if stage.train is not None]
    last, own = trained[-1]
    for name, data_cfg in trained[:-1]:
        for key in ("dataset_root", "dataset_partition"):
            if data_cfg[key] != own[key]:
                log(f"  note: {name} trains on {key} {data_cfg[key]}, {last} on {own[key]}")
