"""One training or one test, as OpenGait's main.py runs it, on any device and from any folder."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
from typing import Callable

from torch import nn

from .. import host as hosts
from ..base import last_checkpoint
from ..base.error_origin import is_raised_here
from ..base.errors import CheckpointError, ConfigError, Misfit
from ..base.locks import locked
from ..base.processes import rank_and_world
from ..host import is_ours
from ..host.config_checks import describe_absent_labels
from ..host.read_pickles import trust_pickles as set_trust
from ..host.run_paths import checkpoint_at, save_folder
from ..models.backbone_refusals import why_not_built
from ..models.prepare import model_class, of_file, prepare, restorable
from ..networks.batchnorm import gather_batchnorm
from . import batches, saving, step
from .picture_size import check_picture_size, read_picture_size
from .record import Record
from .resume import describe_overwritten

_warned: set[str] = set()
"""Warnings about the data that this process has logged."""


def start_log(cfgs: dict, training: bool, log_to_file: bool, quiet: bool = False) -> None:
    """Start the host's message manager for this run (console, file, TensorBoard)."""
    from utils import get_msg_mgr

    engine = cfgs["trainer_cfg"] if training else cfgs["evaluator_cfg"]
    folder = str(save_folder(cfgs, "trainer_cfg" if training else "evaluator_cfg"))
    logger = logging.getLogger("opengait")
    for handler in list(logger.handlers):  # a process may run several stages
        logger.removeHandler(handler)
        handler.close()
    manager = get_msg_mgr()
    logging.disable(logging.INFO if quiet else logging.NOTSET)
    if training:
        hint = engine["restore_hint"]
        manager.init_manager(folder, log_to_file, engine["log_iter"], hint if isinstance(hint, int) else 0)
        if rank_and_world()[0] == 0:  # on others the manager does nothing, and has nothing
            manager.info_dict.clear()  # OpenGait's keeps values that an earlier training of this process did not print
    else:
        manager.init_logger(folder, log_to_file)
    logging.disable(logging.NOTSET)
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # OpenGait's has the console's encoding
    if quiet:
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.setLevel(logging.WARNING)
    manager.log_info(engine)
    if (absent := describe_absent_labels(cfgs, training)) and absent not in _warned:  # an evaluation may start the log twice
        manager.log_warning(absent)
        _warned.add(absent)


def build(cfgs: dict, training: bool, occludable: bool = False, asked: bool = False, as_teacher: bool = False) -> nn.Module:
    """Seed, build the model as the host does, convert BatchNorm, wrap it in DDP if there are several processes.

    The seed is ``trainer_cfg.seed`` x 1000 + rank; seed 0, the default, is OpenGait's own. It decides the initial weights. The draws of
    the steps follow `opengait_mimic.training.batches`.

    Args:
        cfgs: the prepared configuration.
        training: build for training; otherwise for a test.
        occludable: a host's own model gets our input mixin, so that its test input can be occluded.
        asked: ``--iter`` names the iteration; see `restorable`.
        as_teacher: restore a host's own model as `opengait_mimic.models.teacher_evaluation` does.

    Raises:
        HostError: the checkpoint to restore is not there. ConfigError, CheckpointError: see the models.
    """
    from utils import get_ddp_module, get_msg_mgr, init_seeds, params_count

    rank, world = rank_and_world()
    trainer = cfgs["trainer_cfg"]
    init_seeds(trainer.get("seed", 0) * 1000 + rank)
    restorable(cfgs, training, asked)
    kind = model_class(cfgs)
    if occludable and not is_ours(kind):
        from ..models.occluded_input import occluded_class

        kind = occluded_class(kind)
        if as_teacher:
            from ..models.teacher_evaluation import teacher_class

            kind = teacher_class(kind)
    model = _build_model(kind, cfgs, training)
    check_picture_size(model, cfgs, training)
    if training and trainer["sync_BN"] and world > 1:
        if hosts.device().type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        else:
            model = gather_batchnorm(model)
    if trainer["fix_BN"]:
        model.fix_BN()
    model = get_ddp_module(model, trainer["find_unused_parameters"])
    get_msg_mgr().log_info(params_count(model))
    return model


def _build_model(kind: type, cfgs: dict, training: bool) -> nn.Module:
    """The model; a checkpoint or a configuration that does not fit it is reported by its file and key."""
    engine = "trainer_cfg" if training else "evaluator_cfg"
    hint = cfgs[engine]["restore_hint"]
    named = f"{engine}.restore_hint = {hint}: {checkpoint_at(cfgs, hint)}" if isinstance(hint, int) else f"{engine}.restore_hint = {hint}"
    try:
        return kind(cfgs, training)
    except Misfit as error:
        raise CheckpointError(f"{named}: {error}") from error
    except RuntimeError as error:
        head, *problems = str(error).splitlines()
        if type(error) is not RuntimeError or "loading state_dict" not in head:
            raise
        reasons, model = "; ".join(line.strip()[:200].rstrip(".") for line in problems[:3]), cfgs["model_cfg"]["model"]
        raise CheckpointError(
            f"{named} does not fit this {model}: {reasons}. Name a checkpoint that training this YAML wrote, or use the YAML that this one"
            " was trained with"
        ) from error
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        if type(error).__module__.startswith("opengait_mimic.") or is_raised_here(error):
            raise
        reason = why_not_built(error, cfgs["model_cfg"], "model_cfg", "Correct the key that it reads")
        raise ConfigError(f"model_cfg.model = {cfgs['model_cfg']['model']} cannot be built: {reason}") from error


def launch(
    path: str | os.PathLike | dict,
    phase: str,
    iteration: int = 0,
    log_to_file: bool = False,
    quiet: bool = False,
    before: Callable[[nn.Module], None] = lambda model: None,
    resume: bool = False,
    trust_pickles: bool = False,
    preflight: bool | str = False,
    prepared: dict | None = None,
    recipe: dict | None = None,
):
    """Train or test one configuration on the bound host. A training holds a lock on its folder.

    Args:
        path: the YAML, or a complete configuration.
        phase: ``train`` or ``test``.
        iteration: restore this iteration (0: the YAML's ``restore_hint``).
        log_to_file: also log to ``<output>/<dataset>/<model>/<save_name>/logs``.
        quiet: only warnings on the console.
        before: called with the built model before it runs.
        resume: ``iteration`` is where this very training stopped: optimizer and schedule are restored whatever ``*_reset`` says. With
            its batches (`opengait_mimic.training.batches`) and the gradient scaler it ends as if it had not stopped.
        trust_pickles: read the data with Python's own unpickler, which runs what a file says.
        preflight: run `training.preflight` before the first step; ``"brief"``: one line if all checks pass.
        prepared: what `prepare` returned for the path and the phase, if the caller has called it.
        recipe: `read_recipe` of that, if the caller has read it.

    Returns:
        The model after training, or the evaluator's dictionary after a test (None on ranks above 0).

    Raises:
        HostError: see `prepare` and `locked`. ConfigError, CheckpointError: see `prepare` and the models. TrainingStopped: too many steps
            in a row could not train, see `opengait_mimic.training.step`. PreflightFailed: a check failed.
    """
    training = phase == "train"
    cfgs = prepare(path, phase, iteration) if prepared is None else copy.deepcopy(prepared)
    if iteration:
        cfgs["trainer_cfg" if training else "evaluator_cfg"]["restore_hint"] = int(iteration)
    if resume:
        cfgs["trainer_cfg"].update(optimizer_reset=False, scheduler_reset=False, restore_ckpt_strict=True)
    given = copy.deepcopy(cfgs)  # a model may change its own
    if training:
        hint = cfgs["trainer_cfg"]["restore_hint"]
        last_checkpoint.reached(cfgs["trainer_cfg"]["save_name"], hint if isinstance(hint, int) else 0)
    with locked(save_folder(cfgs)) if training else contextlib.nullcontext():
        set_trust(trust_pickles)
        start_log(cfgs, training, log_to_file, quiet)
        tests = not training or cfgs["trainer_cfg"]["with_test"]
        if training:
            _warn_unsaved(cfgs)
        with of_file(path):
            model = build(cfgs, training, occludable=tests and "occlusion" in cfgs["evaluator_cfg"], asked=iteration != 0)
        inner = getattr(model, "module", model)
        if training:
            step.attach(inner, given)
            entry = saving.restore_state(inner, given)
            batches.number(inner, given, entry.get("batch") or inner.iteration)
            record = Record(given, entry, recipe, read_picture_size(inner, True)) if rank_and_world()[0] == 0 else None
            saver = saving.Saver(inner, given, record)
            if preflight:
                from .preflight import run_preflight  # needs the host's modules

                run_preflight(model, given, brief=preflight == "brief")
        before(model)
        if not training:
            return type(inner).run_test(model)
        if resume:
            saver.make_up_test(model)
        type(inner).run_train(model)
        return model


def _warn_unsaved(cfgs: dict) -> None:
    """Log which checkpoints are overwritten, and which steps of a schedule would be lost at its end."""
    from utils import get_msg_mgr

    trainer = cfgs["trainer_cfg"]
    if trainer["restore_hint"] == 0 and (overwritten := describe_overwritten(cfgs)):
        get_msg_mgr().log_warning(overwritten)
    total, every = trainer["total_iter"], trainer["save_iter"]
    if total % every:
        get_msg_mgr().log_warning(
            f"trainer_cfg.save_iter = {every}, total_iter = {total}: "
            + (f"what is trained after iteration {total - total % every} is not saved" if total >= every else "nothing is ever saved")
            + "; choose a save_iter that divides total_iter"
        )


def try_out(path: str | os.PathLike, iteration: int = 0) -> None:
    """Build what `launch` would train, and run the checks of `opengait_mimic.training.preflight` alone.

    Args:
        path: the YAML.
        iteration: as a training that goes on from there.

    Raises:
        PreflightFailed: a check failed. See also `launch`.
    """
    cfgs = prepare(path, "train", iteration)
    given = copy.deepcopy(cfgs)
    set_trust(False)
    start_log(cfgs, False, False, quiet=True)  # no summary is begun
    with of_file(path):
        hides = cfgs["trainer_cfg"]["with_test"] and "occlusion" in cfgs["evaluator_cfg"]
        model = build(cfgs, True, occludable=hides, asked=iteration != 0)
    from .preflight import run_preflight  # needs the host's modules

    inner = getattr(model, "module", model)
    step.attach(inner, given)  # the precision that it trains in
    batches.number(inner, given, inner.iteration)
    run_preflight(model, given)
