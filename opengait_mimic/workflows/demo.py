"""``opengait-mimic demo``: walkers, teacher, VEN, Baseline-2, MimicGait, and all of them scored under occlusion."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from .. import host as hosts
from ..evaluation.console_table import format_rows
from ..evaluation.evaluate import write_json
from .stages import Stage
from .stages import run as run_stages
from .study_data import adapted, training_data, write_yaml
from .study_summary import spread, verdicts
from .training_view import draw_training_view


class Size(NamedTuple):
    """How big a demo is: subjects, training steps of teacher, VEN and each of the two students, seeds."""

    subjects: int
    teacher: int
    ven: int
    student: int
    seeds: int


SIZES = {"demo": Size(280, 500, 300, 500, 1), "full": Size(280, 500, 300, 500, 3), "smoke": Size(14, 4, 10, 4, 1)}
STAGES = {  # name -> shipped configuration
    "GaitBase (teacher)": "baseline1/baseline1_gaitbase_walkers.yaml",
    "VEN": "ven/ven_walkers.yaml",
    "Baseline-2": "baseline2/baseline2_gaitbase_walkers.yaml",
    "MimicGait": "mimicgait/mimicgait_gaitbase_walkers.yaml",
}


def run(given) -> int:
    """Run the demo of a parsed command line; every finished stage is kept, so the same command goes on where it stopped.

    Returns:
        0 when every stage ran and every check of `verdicts` passed (a smoke run is not checked), else 1.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise hosts.HostError("demo: runs in one process; start it without torchrun")
    name = "full" if given.full else "smoke" if given.smoke else "demo"
    size, out, begin = SIZES[name], Path(given.out).resolve(), time.monotonic()
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars; ours are one line a stage
    host = hosts.bind(given.host, given.device, out / "output")
    print(f"opengait_mimic {__version__} demo ({name}) on {host.name} ({host.root}), device {hosts.device()}, into {out}")
    data, classes, known = training_data(given, out, size.subjects)
    seeds = range(given.seed, given.seed + size.seeds)
    preflight = False if given.no_preflight else "brief"
    runs = [_one_seed(seed, size, out, data, classes, preflight) for seed in seeds]
    rows = [row for found in runs for row in found["rows"]]
    print("\n" + (spread(rows) if len(runs) > 1 else format_rows(rows)))
    checks = verdicts(runs, rows, known)
    if name == "smoke":
        print("smoke run: it shows that every stage runs; the numbers mean nothing")
    else:
        print("\n".join(f"{'ok  ' if ok else 'FAIL'}  {text}" for ok, text in checks))
    seconds = {f"seed {seed}": found["seconds"] for seed, found in zip(seeds, runs)}
    total = time.monotonic() - begin
    write_json(
        out / "results.json", rows, size=size._asdict(), host=host.name, commit=host.commit, version=__version__, data=known,
        losses={f"seed {seed}": found["losses"] for seed, found in zip(seeds, runs)}, seconds=seconds,
        ven={f"seed {seed}": found["ven"] for seed, found in zip(seeds, runs)},
        checks=[{"ok": ok, "text": text} for ok, text in checks], total_seconds=round(total, 1),
    )  # fmt: skip
    print(f"{total:.0f} s in this run. Written: {out / 'results.json'}, {out / 'training_view.png'}, configurations in {out / 'configs'}")
    return 0 if name == "smoke" or all(ok for ok, _ in checks) else 1


def write_configs(folder: Path, size: Size, data: dict, classes: int, seed: int) -> dict[str, Path]:
    """The shipped configurations with this run's data, length and seed, as complete YAML files the launcher takes."""
    files = {stage: folder / Path(shipped).name.replace("walkers", data["dataset_name"].lower()) for stage, shipped in STAGES.items()}
    lengths = {"GaitBase (teacher)": size.teacher, "VEN": size.ven}
    for stage, shipped in STAGES.items():
        cfgs = adapted(shipped, data, classes, lengths.get(stage, size.student), seed)
        for block, of in (("backbone", "GaitBase (teacher)"), ("teacher", "GaitBase (teacher)"), ("ven", "VEN")):
            if cfgs["model_cfg"].get(block):
                cfgs["model_cfg"][block]["cfgs"] = files[of].name
        write_yaml(files[stage], cfgs, f"written by opengait-mimic demo, from {shipped}")
    return files


def _one_seed(seed: int, size: Size, out: Path, data: dict, classes: int, preflight: bool | str) -> dict:
    """Every stage of one seed."""
    files, results = write_configs(out / "configs" / f"seed{seed}", size, data, classes, seed), out / f"seed{seed}"
    teacher, ven, _, mimic = STAGES
    stages = [Stage(name, file, results / f"{file.stem}.json") for name, file in files.items()]
    stages[0] = stages[0]._replace(teacher_of=files[mimic])  # hidden as the students are
    stages[3] = stages[3]._replace(after=(teacher, ven))
    print(f"seed {seed}")
    found = run_stages(stages, retrain=True, before={mimic: _draw(out / "training_view.png")}, preflight=preflight)
    return {
        "losses": {name: result["losses"] for name, result in found.items()},
        "seconds": {name: result["seconds"] for name, result in found.items()},
        "ven": found[ven]["visibility"],
        "rows": [row for result in found.values() for row in result["rows"]],
    }


def _draw(file: Path):
    """A hook for `launch`: the picture of what MimicGait's training sees."""

    def before(model):
        def draw(_, args):
            draw_training_view(args[0], file)
            picture.remove()

        picture = model.register_forward_pre_hook(draw)

    return before
