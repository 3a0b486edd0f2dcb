"""``opengait-mimic adapt``: a trained model learns new kinds with some iterations more, as the paper's adaptability.

Of the clips, the share ``none`` stays whole. Of the rest, one half (``keep``) hides the kinds that the model was trained on, in their
proportions, and the other half the new ones: a model that is to serve both must not unlearn the first, and it is how the shipped
``*_middle`` and ``*_dynamic`` configurations mix. The test hides the new kinds alone. The optimiser and its schedule begin anew: the
YAML's own rate unless another is given, milestones at the same shares of the iterations.

Source: MimicGait (WACV 2025), table 2 and supplement: about 20,000 iterations more. Mix and rate are not given there; these are ours.
"""

from __future__ import annotations

import copy
import logging
import os
from pathlib import Path

from . import __version__
from . import host as hosts
from .config import ConfigError
from .distributed import on_rank_0, rank_and_world
from .inputs import checkpoint_at, differences
from .mixes import Change, mixed
from .occlusion import Occlusion
from .parsing import parse
from .preparing import model_class, prepare
from .runs import write_yaml
from .stages import Stage, run, say
from .trained import own_phase, trained_kinds

PATHS = ("backbone", "teacher", "ven")  # blocks of model_cfg that name files


def derived(own: dict, cfgs: dict, weights: Path, change: Change) -> dict:
    """The configuration that goes on from a trained one.

    Args:
        own: the YAML as it is written.
        cfgs: the same, prepared.
        weights: the checkpoint to start from.
        change: what is asked for.

    Raises:
        ConfigError: the model has no VEN to exchange, or the mix cannot be drawn.
    """
    trainer, evaluator, model = own["trainer_cfg"], own["evaluator_cfg"], own["model_cfg"]
    phase, was, name = own_phase(cfgs), cfgs["trainer_cfg"]["total_iter"], f"{cfgs['trainer_cfg']['save_name']}-{change.name}"
    own["data_cfg"].update({key: cfgs["data_cfg"][key] for key in ("dataset_root", "dataset_partition")})
    for key in PATHS:
        block = model.get(key) or {}
        for file in ("cfgs", "checkpoint"):
            if block.get(file, "auto") not in ("auto", None):
                block[file] = str(hosts.resolve(block[file], f"model_cfg.{key}.{file}").resolve())
    if change.ven is not None:
        if not model.get("ven"):
            raise ConfigError(f"--ven {change.ven}: this {model['model']} has no VEN (model_cfg.ven)")
        model["ven"] = {"cfgs": str(hosts.resolve(change.ven, "--ven").resolve()), "checkpoint": "auto"}
    if change.lr is not None:
        own.setdefault("optimizer_cfg", {})["lr"] = change.lr
    own["scheduler_cfg"] = copy.deepcopy(cfgs["scheduler_cfg"])  # with what the host fills in
    for block, key in ((own["scheduler_cfg"], "milestones"), (own["scheduler_cfg"], "T_max"), (trainer, "T_max_iter")):
        if key in block:
            given = block[key]
            scaled = [max(1, round(each * change.iters / was)) for each in (given if isinstance(given, list) else [given])]
            block[key] = scaled if isinstance(given, list) else scaled[0]
    hidden = list(change.hidden or phase["hidden"])
    trainer["occlusion"] = {**(trainer.get("occlusion") or {}), "kinds": mixed(phase["kinds"], change), "hidden": hidden}
    tested = evaluator.get("occlusion") or {"hidden": hidden, "protocol": "both", "seed": 0}
    evaluator["occlusion"] = {**tested, "kinds": {kind: round(share, 6) for kind, share in change.new.items()}}
    if change.hidden:
        evaluator["occlusion"]["hidden"] = hidden
    for where, block in (("trainer_cfg", trainer), ("evaluator_cfg", evaluator)):
        Occlusion.from_cfg({key: block["occlusion"][key] for key in ("kinds", "hidden") if key in block["occlusion"]}, f"{where}.occlusion")
    trainer.update(
        restore_hint=str(weights.resolve()), restore_ckpt_strict=True, optimizer_reset=True, scheduler_reset=True, save_name=name,
        total_iter=change.iters, save_iter=change.iters // 4 if change.iters % 4 == 0 else change.iters,
        log_iter=min(cfgs["trainer_cfg"]["log_iter"], change.iters),
    )  # fmt: skip
    evaluator.update(restore_hint=change.iters, save_name=name)
    return own


def write(
    path: str | os.PathLike, change: Change, iteration: int = 0, out: str | None = None, retrain: bool = False
) -> tuple[Path, list[str]]:
    """Write the derived configuration of a trained one; returns its file and what is to be said of it.

    Args:
        path: the YAML of a MimicGait, OcclusionAware or Baseline2.
        change: what is asked for.
        iteration: of the checkpoint to start from; 0 = the one that the YAML's test reads.
        out: the file; None = ``<output>/<dataset>/adapt/<model>-<save_name>.yaml``.
        retrain: write over a file that says something else.

    Raises:
        ConfigError: another model, a wrong value, or another configuration in the file. CheckpointError: nothing to start from.
    """
    from .models.subnetwork import checkpoint_file

    file = hosts.resolve(str(path), "--cfgs").resolve()
    cfgs = prepare(file, "embed", iteration)
    name, kind = cfgs["model_cfg"]["model"], model_class(cfgs)
    if not hosts.is_ours(kind) or name == "VEN":
        instead = "Train a VEN of more kinds from its YAML" if name == "VEN" else "Baseline2 trains it, as its backbone, on hidden input"
        raise ConfigError(
            f"--cfgs {path}: adapt goes on with a model that was trained on hidden input (MimicGait, OcclusionAware, Baseline2); this is"
            f" {name}. {instead}"
        )
    weights = checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint")
    known = trained_kinds(cfgs, weights)
    made = derived(parse(file.read_text(encoding="utf-8")), cfgs, weights, change)
    folder = hosts.output() / cfgs["data_cfg"]["dataset_name"] / "adapt"
    target = Path(out).expanduser() if out else folder / f"{name}-{made['trainer_cfg']['save_name']}.yaml"
    if target.is_file() and not retrain and (changed := _changed(target, made)):
        raise ConfigError(
            f"{target} exists and says something else: {changed}. Choose another --name (and --out), give the options it was written with,"
            " train it as it is (`python -m opengait_mimic --cfgs`), or --retrain"
        )
    write_yaml(target, made, f"written by opengait-mimic adapt, from {file.name}")
    trainer = made["trainer_cfg"]
    mix = ", ".join(f"{each} {share:g}" for each, share in trainer["occlusion"]["kinds"].items())
    low, high = (100 * end for end in trainer["occlusion"]["hidden"])
    return target.resolve(), [
        f"  from {weights}, trained on {'kinds that are not known' if known is None else ', '.join(known)}",
        f"  {change.iters} iterations on {mix}; {low:g}-{high:g} % hidden, lr {change.lr or cfgs['optimizer_cfg']['lr']}",
    ]


def _changed(file: Path, made: dict) -> str:
    """In what a file differs from a configuration; empty where it is the same."""
    try:
        there = parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        return str(error)
    return "; ".join(differences(there, made)[:6]) if isinstance(there, dict) else "it is no configuration"


def _options(given) -> str:
    """What was given of where it runs, for the command that scores it."""
    named = {"host": given.host, "output": given.output}
    return "".join(f" --{name} {value}" for name, value in named.items() if value)


def run_adapt(given) -> int:
    """Adapt as a parsed command line says, in one process or in several; a second call goes on, or says that it is done.

    Returns:
        0 when it is trained; otherwise an error ends it.
    """
    change = Change.of(given)
    os.environ.setdefault("TQDM_DISABLE", "1")  # OpenGait's own bars
    host = hosts.bind(given.host, given.device, given.output)
    logging.getLogger("opengait_mimic").setLevel(logging.WARNING)
    say(f"opengait_mimic {__version__} adapt on {host.name} ({host.root}), device {hosts.device()}, processes: {rank_and_world()[1]}")
    file, lines = on_rank_0(lambda: write(given.cfgs, change, given.iter, given.out, given.retrain))
    say("\n".join(lines))
    cfgs = prepare(file, "train")
    run([Stage(cfgs["model_cfg"]["model"], file, None)], given.retrain, log_to_file=True, preflight=not given.no_preflight)
    say(f"weights: {checkpoint_at(cfgs, change.iters)}\nconfiguration: {file}")
    say(f"to score it: opengait-mimic evaluate --cfgs {file}{_options(given)}")
    return 0
