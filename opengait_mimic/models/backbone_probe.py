"""Try a host model as a backbone before the first step: one made-up clip in eval mode, and a few in training mode."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..host.transform_inputs import INSTEAD, inputs_of
from .backbone_refusals import CLIP_TYPE, OneInput, out_of_memory, why_not_embedded

GEOMETRIES = ((64, 44), (64, 64), (128, 88))  # the sizes that OpenGait's transforms make of its pickles
FRAMES, FEW = 8, 4


class Embedding(NamedTuple):
    """What a network's embedding looks like: c channels, p parts, and the state-dict keys it does not pass through."""

    channels: int
    parts: int
    unreached: frozenset[str]


def embed(net: nn.Module, inputs) -> Tensor:
    """The embedding ``[n, c, p]`` of a host model."""
    return net(inputs)["inference_feat"]["embeddings"]


def clips(net: nn.Module, n: int, geometry: tuple[int, int]):
    """Grey clips of `FRAMES` frames, half of them of each of two subjects, as the host's 5-tuple."""
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    view = torch.full((n, FRAMES, *geometry), 0.5, device=device)
    return OneInput([view]), torch.arange(n, device=device) * 2 // n, [CLIP_TYPE] * n, ["000"] * n, None


def inspect(net: nn.Module, geometry: tuple[int, int], key: str, own: dict | None = None) -> Embedding:
    """Find the embedding's size and the parameters it does not reach (identity heads).

    Args:
        net: a host model.
        geometry: (h, w) of the silhouettes.
        key: its place and name, for messages.
        own: the YAML it comes from; its transforms tell in messages what the model is made for.

    Raises:
        ConfigError: the model fails on one silhouette clip of that size, or its embedding is not ``[n, c, p]``; says why.
    """
    was = net.training
    net.eval()
    try:
        return _inspect(net, geometry)
    except Exception as error:
        if out_of_memory(error):
            raise
        raise ConfigError(_refusal(net, geometry, key, error, own)) from error
    finally:
        net.train(was)


def _inspect(net, geometry) -> Embedding:
    inputs = clips(net, 1, geometry)
    with torch.enable_grad():
        out = embed(net, inputs)
        if not isinstance(out, Tensor) or out.dim() != 3:
            raise _Shape(f"its embedding has shape {list(getattr(out, 'shape', []))}, expected [n, c, p]: channels of body parts")
        reached = {name for name, grad in _gradients(net, out).items() if grad is not None}
    silent = [name for name, _ in net.named_parameters() if name not in reached]
    dead = _ignored(net, inputs, silent)
    modules = {
        path
        for path, module in net.named_modules()
        if (own := [name for name, _ in module.named_parameters(path)]) and dead.issuperset(own)
    }
    buffers = {name for name, _ in net.named_buffers() if name.rpartition(".")[0] in modules}
    return Embedding(out.shape[1], out.shape[2], frozenset(dead | buffers))


class _Shape(ValueError):
    """An embedding of another shape."""


def _refusal(net, geometry, key, error, own) -> str:
    wanted = "x".join(map(str, geometry))
    others, errors = _try_other_sizes(net, geometry)
    if isinstance(error, AssertionError):  # the width may not be all that is wrong
        error = (errors or [error])[-1]
    if others:
        return (
            f"model_cfg.geometry = {list(geometry)}: {key} takes silhouettes of {' or '.join(others)}, not of {wanted}; change"
            " model_cfg.geometry and the transforms"
        )
    through = f" (its YAML feeds it through {', '.join(inputs_of(own))})" if inputs_of(own) else ""
    reason = str(error) if isinstance(error, _Shape) else why_not_embedded(error)
    return f"{key} cannot embed {wanted} silhouettes: {reason}{through}. {INSTEAD}"


def sizes_instead(net: nn.Module, geometry: tuple[int, int]) -> list[str]:
    """The usual sizes of silhouettes that a host's model takes, where it fails on clips of ``geometry``; else nothing."""
    was = net.training
    net.eval()
    try:
        with torch.no_grad():
            embed(net, clips(net, 1, geometry))
    except Exception:
        return _try_other_sizes(net, geometry)[0]
    finally:
        net.train(was)
    return []


def _try_other_sizes(net, geometry) -> tuple[list[str], list[Exception]]:
    """The other `GEOMETRIES` that a model takes, and its errors at the rest."""
    taken, errors = [], []
    for size in (size for size in GEOMETRIES if size != tuple(geometry)):
        try:
            with torch.no_grad():
                embed(net, clips(net, 1, size)).shape[2]
            taken.append("x".join(map(str, size)))
        except Exception as error:
            if out_of_memory(error):
                raise
            errors.append(error)
    return taken, errors


def _gradients(net, out) -> dict[str, Tensor | None]:
    """The gradient of every parameter that requires one."""
    asked = {name: p for name, p in net.named_parameters() if p.requires_grad}
    if not (asked and out.requires_grad):
        return dict.fromkeys(asked)
    return dict(zip(asked, torch.autograd.grad(out.sum(), list(asked.values()), allow_unused=True)))


@torch.no_grad()
def _ignored(net, inputs, names: list[str]) -> set[str]:
    """Those parameters that the embedding does not use. One without a gradient may be used (frozen, or under ``no_grad``), so
    each is set to NaN: a NaN that is used shows in the embedding.
    """
    if not names:
        return set()
    parameters = dict(net.named_parameters())
    kept = {name: parameters[name].clone() for name in names}
    try:
        for name in names:
            parameters[name].fill_(float("nan"))
        if embed(net, inputs).isfinite().all():
            return set(names)
    finally:
        for name in names:
            parameters[name].copy_(kept[name])
    half = len(names) // 2
    return _ignored(net, inputs, names[:half]) | _ignored(net, inputs, names[half:]) if half else set()


def rehearse(net: nn.Module, geometry: tuple[int, int], key: str, batch: int = FEW, losses: Callable | None = None) -> list[str]:
    """One forward and backward in training mode on made-up clips; buffers and random states stay as they were.

    Args:
        net: a host model whose run has its optimiser and schedule.
        geometry: (h, w) of the silhouettes.
        key: its place and name, for messages.
        batch: clips in a step of the run, tried where `FEW` clips fail (FoundationGait cuts its batch into pieces).
        losses: the run's, which go from ``training_feat`` to a sum and its parts; None goes back from the embedding alone.

    Returns:
        The parameters that require a gradient and get none.

    Raises:
        ConfigError: it cannot be trained on silhouettes; says why.
    """
    was, kept = net.training, {name: value.clone() for name, value in net.named_buffers()}
    state, numpys = random.getstate(), np.random.get_state()
    try:
        for n in sorted({FEW, max(FEW, batch)}):
            try:
                return _rehearse(net, clips(net, n, geometry), losses)
            except Exception as error:
                if out_of_memory(error):
                    raise
                failed = error
        by = " by this loss_cfg" if losses else ""
        raise ConfigError(f"{key} cannot be trained on silhouettes{by}: {why_not_embedded(failed)}. {INSTEAD}") from failed
    finally:
        net.train(was)
        random.setstate(state)
        np.random.set_state(numpys)
        with torch.no_grad():
            for name, value in net.named_buffers():
                value.copy_(kept[name])


def _rehearse(net, inputs, losses) -> list[str]:
    asked, device = [name for name, p in net.named_parameters() if p.requires_grad], inputs[1].device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        net.train()
        total = losses(net(inputs)["training_feat"])[0] if losses else embed(net, inputs).sum()
        given = _gradients(net, total)
    return [name for name in asked if given.get(name) is None]


def clips_in_a_step(run: nn.Module) -> int:
    """The number of clips that one process sees in a step: P x K, or the sampler's batch size, over the processes."""
    size = run.engine_cfg["sampler"]["batch_size"]
    return math.prod(size if isinstance(size, (list, tuple)) else [size]) // rank_and_world()[1]


def freeze_ungraded_parameters(net: nn.Module, geometry: tuple[int, int], key: str, run: nn.Module, starts_trained: bool) -> None:
    """After the optimiser is made, before the first step: freeze what ``net`` gives no gradient, or refuse.

    Args:
        net: the host model inside ``run``.
        geometry: (h, w) of the silhouettes.
        key: its place and name, for messages.
        run: the model that trains it; says in the log what stays as it is.
        starts_trained: its weights are trained ones already, so that parts of it may stay as they are.

    Raises:
        ConfigError: it cannot be trained, or parts of it would stay at their random start.
    """
    silent = rehearse(net, geometry, key, clips_in_a_step(run))
    if not silent:
        return
    names = ", ".join(sorted({name.rpartition(".")[0] for name in silent}))
    if not starts_trained:
        raise ConfigError(
            f"{key} gives no gradient to {names}, which would stay at their random start. Start from trained"
            " weights (model_cfg.init_mimic: true, or trainer_cfg.restore_hint), or choose another backbone."
        )
    parameters = dict(net.named_parameters())
    for name in silent:
        parameters[name].requires_grad_(False)
    run.msg_mgr.log_info(f"{key} gives no gradient to {names}: they stay as they were loaded")
