"""A study: methods trained and compared on walkers, over seeds; ``opengait-mimic demo``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

import yaml

from .. import __version__
from .. import host as hosts
from ..base.errors import ConfigError, HostError
from ..base.files import write_json
from ..base.seeds import read_seeds
from ..evaluation.console_table import format_rows
from ..evaluation.method_names import BACKBONES, METHODS
from ..host import load_cfgs
from ..models.dependencies import built_on, dependencies
from ..models.prepare import is_ranked, model_class
from .demo_data import adapt_configuration, training_data, write_yaml
from .demo_table import check_study, paired_differences
from .run_stages import Stage, run
from .training_view import draw_training_view


class Size(NamedTuple):
    """Walkers, training steps of a VEN, and training steps of every other network."""

    subjects: int
    ven_steps: int
    steps: int


DEMO, SMOKE = Size(280, 300, 500), Size(14, 10, 4)


def run_study(args) -> int:
    """Run the study of a parsed command line (`opengait_mimic.cli.demo`). Finished stages are kept.

    Returns:
        0 if every stage ran and every check of `check_study` passed (a smoke run is not checked), else 1.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise HostError("demo: runs in one process; start it without torchrun")
    size, out, start = SMOKE if args.smoke else DEMO, Path(args.out).resolve(), time.monotonic()
    seeds, title = read_seeds(args.seeds), "smoke" if args.smoke else "demo"
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars; ours are one line a stage
    host = hosts.bind(args.host, args.device, out / "output")
    print(f"opengait_mimic {__version__} demo ({title}) on {host.name} ({host.root}), device {hosts.device()}, into {out}")
    methods = [find_configuration(name.strip()) for name in args.methods.split(",")]
    data_cfg, classes, facts = training_data(args, out, size.subjects)
    runs = []
    for seed in seeds:
        print(f"seed {seed}")
        files = write_configurations(out / "configs" / f"seed{seed}", methods, size, data_cfg, classes, seed, args.cold)
        stages = plan_stages(files, out / f"seed{seed}")
        draw = {stages[-1].name: _draw_first_batch(out / "training_view.png")}
        runs.append(run(stages, retrain=True, before=draw, preflight=False if args.no_preflight else "brief"))
    rows = [row for outcomes in runs for name, outcome in outcomes.items() for row in name_rows(name, outcome["rows"])]
    if len(runs) == 1:
        print(f"\n{format_rows(rows)}")
    else:  # each seed has a teacher, and so an HP, of its own
        print(f"\n{format_rows([{**row, 'hp_rank1': None} for row in rows])}\n\n{paired_differences(rows)}")
    checks = check_study(runs, rows, facts)
    if args.smoke:
        print("smoke run: it shows that every stage runs; the numbers mean nothing")
    else:
        print("\n".join(f"{'ok  ' if passed else 'FAIL'}  {text}" for passed, text in checks))
    content = {
        "size": size._asdict(), "host": host.name, "commit": host.commit, "version": __version__, "data": facts,
        "stages": {
            f"seed {seed}": {name: {key: outcome[key] for key in ("losses", "seconds", "visibility")} for name, outcome in outcomes.items()}
            for seed, outcomes in zip(seeds, runs)
        },
        "checks": [{"ok": passed, "text": text} for passed, text in checks], "total_seconds": round(time.monotonic() - start, 1),
    }  # fmt: skip
    write_json(out / "results.json", {"rows": rows, **content})
    print(f"{content['total_seconds']:.0f} s in this run. Written: {out / 'results.json'}, {out / 'training_view.png'}, {out / 'configs'}")
    return 0 if args.smoke or all(passed for passed, _ in checks) else 1


def find_configuration(name: str) -> Path:
    """The YAML of a method: a path, or a name such as ``mimicgait`` for ``configs/mimicgait/mimicgait_gaitbase_walkers.yaml``.

    Raises:
        ConfigError: neither; lists the names.
    """
    shipped = hosts.CONFIGS / name / f"{name}_gaitbase_walkers.yaml"
    for file in (Path(name).expanduser(), shipped):
        if file.is_file():
            return file.resolve()
    names = sorted(file.parent.name for file in hosts.CONFIGS.glob("*/*_gaitbase_walkers.yaml"))
    raise ConfigError(f"--methods {name}: neither a file nor one of {', '.join(names)}")


def write_configurations(
    folder: Path, methods: list[Path], size: Size, data_cfg: dict, classes: int, seed: int, cold: bool = False
) -> list[Path]:
    """Write the methods' YAMLs and those they name (teacher, VEN) with this study's data, length and seed.

    Returns:
        The files, each after those it depends on.
    """
    written: dict[Path, Path] = {}

    def write(source: Path) -> Path:
        if source in written:
            return written[source]
        cfgs = yaml.safe_load(source.read_text(encoding="utf-8"))
        model_cfg = cfgs["model_cfg"]
        steps = size.steps if is_ranked(cfgs) else size.ven_steps
        name = source.stem.replace("walkers", data_cfg["dataset_name"].lower())
        tag = "-cold" if cold and model_cfg.get("init_mimic") else ""
        if tag:
            model_cfg["init_mimic"] = False
            name += tag
        if hosts.CONFIGS.resolve() not in source.parents:  # shipped ones differ in save_name; others may share one
            tag += f"-{source.stem}"
        adapt_configuration(cfgs, data_cfg, classes, steps, seed, tag)
        for block in model_cfg.values():
            if isinstance(block, dict) and block.get("cfgs"):
                hosts.search[:] = [source.parent]
                block["cfgs"] = str(write(hosts.resolve(str(block["cfgs"]), "cfgs").resolve()))
        written[source] = folder / f"{name}.yaml"
        write_yaml(written[source], cfgs, f"written by opengait-mimic demo, from {source.name}")
        return written[source]

    for method in methods:
        write(method)
    return [*(file for source, file in written.items() if source not in methods), *(written[method] for method in methods)]


def plan_stages(files: list[Path], results: Path) -> list[Stage]:
    """A stage for each file. A host model is tested as Baseline-1, under the occlusion of the last method that builds on it."""
    cfgs = {file: load_cfgs(file) for file in files}
    users = {each.yaml: file for file in files for each in dependencies(cfgs[file]).values()}
    names, stages = name_stages(cfgs), []
    for file in files:
        after = tuple(names[each.yaml] for each in built_on(cfgs[file]).values())
        teacher_of = None if hosts.is_ours(model_class(cfgs[file])) else users.get(file)
        stages.append(Stage(names[file], file, results / f"{file.stem}.json", after, teacher_of=teacher_of))
    return stages


def name_stages(cfgs: dict[Path, dict]) -> dict[Path, str]:
    """The name of each file's stage: its method's; with the file's name where several files train one method."""
    names = {}
    for file, its_cfgs in cfgs.items():
        model = its_cfgs["model_cfg"]["model"]
        is_ours = hosts.is_ours(model_class(its_cfgs))
        names[file] = METHODS.get(model, model) if is_ours else f"{BACKBONES.get(model, model)} (teacher)"
    several = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {file: f"{name} {file.stem}" if name in several else name for file, name in names.items()}


def name_rows(stage: str, rows: list[dict]) -> list[dict]:
    """The rows of a stage; where its name says more than the method's (``MimicGait vanilla``), the rows carry it."""
    return [{**row, "method": stage} if stage.startswith(f"{row['method']} ") else row for row in rows]


def _draw_first_batch(file: Path):
    """A function for `run`'s ``before``: draw the first training batch of a model that sees whole and occluded clips."""

    def attach(model):
        def draw(_, args):
            if hasattr(args[0], "whole"):
                draw_training_view(args[0], file)
            handle.remove()

        handle = model.register_forward_pre_hook(draw)

    return attach
