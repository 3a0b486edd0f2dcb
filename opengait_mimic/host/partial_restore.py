"""Restore a host's model under ``restore_ckpt_strict: false``: how much fits, in numbers and modules, and never nothing."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from typing import Callable

import torch
from torch import Tensor, nn

from ..base.errors import Misfit

MOST = 8
"""Modules in one message."""


def with_counts(load: Callable) -> Callable:
    """A host's ``_load_ckpt(self, file)`` that restores weights by `restore_weights`, whatever ``restore_ckpt_strict`` says."""

    @functools.wraps(load)
    def _load_ckpt(self, file):
        engine = self.engine_cfg
        strict = engine["restore_ckpt_strict"]
        self.load_state_dict = lambda state, **_: restore_weights(self, state, strict)
        self.engine_cfg = {**engine, "restore_ckpt_strict": True}  # OpenGait prints every name otherwise
        try:
            return load(self, file)
        finally:
            self.engine_cfg = engine
            del self.load_state_dict

    return _load_ckpt


def restore_weights(model: nn.Module, state: dict, strict: bool):
    """Load the ``model`` entry of a checkpoint; without ``strict`` what fits in name and shape, and log the rest.

    Raises:
        Misfit: it is one of our models' and this one is the host's own; nothing fits; in a test, the embedding passes through a tensor
            that is left as it was made. RuntimeError: torch's, where ``strict`` restoring does not fit.
    """
    load, says = functools.partial(type(model).load_state_dict, model), state.get("_extra_state")
    if isinstance(says, dict) and type(model).load_state_dict is nn.Module.load_state_dict:
        raise Misfit(f"it holds a {says.get('role')}, not a plain {type(model).__name__}. Name a checkpoint that training this YAML wrote")
    if strict:
        return load(state, strict=True)
    elsewhere = getattr(model, "restored_elsewhere", set)()
    given = {name for name, value in state.items() if isinstance(value, Tensor)} - elsewhere
    own = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor) and name not in elsewhere}
    reshaped = {name for name in given & set(own) if state[name].shape != own[name].shape}
    left = set(own) - (given - reshaped)
    found = load({name: value for name, value in state.items() if name not in reshaped}, strict=False)  # first it may refuse the role
    loaded = len(given & set(own) - reshaped)
    if not loaded:
        raise Misfit(
            f"restore_ckpt_strict: false, and 0 of the {len(own)} tensors of this {type(model).__name__} would be restored. The file has"
            f" {list_modules(given)}; the model {list_modules(own)}. Name a checkpoint of this model, or leave restore_hint out (0)"
        )
    text = f"restore_ckpt_strict: false: {loaded} of {len(own)} tensors restored"
    lists = {"left random": left, "of another shape in the file": reshaped, "of the file not of this model": given - set(own)}
    parts = [f"{len(names)} {what}: {list_modules(names)}" for what, names in lists.items() if names]
    if not model.training and left and _embeds_through(model, left):
        raise Misfit(f"{text}; {'; '.join(parts)}. The embedding passes through them, so its scores would mean nothing")
    (model.msg_mgr.log_warning if parts else model.msg_mgr.log_info)("; ".join([text, *parts]))
    return found


def list_modules(names: Iterable[str]) -> str:
    """The first modules of these tensors, each with the number of its tensors."""
    counts = Counter(name.partition(".")[0] for name in sorted(names)).items()
    more = f" and {len(counts) - MOST} more modules" if len(counts) > MOST else ""
    return ", ".join(f"{module} ({count})" for module, count in list(counts)[:MOST]) + more


@torch.no_grad()
def _embeds_through(model: nn.Module, names: set[str]) -> bool:
    """Whether the embedding of the first test sequence depends on one of these tensors: each is NaN meanwhile."""
    tensors = [value for name, value in model.state_dict().items() if name in names and value.is_floating_point()]
    kept, loader = [tensor.clone() for tensor in tensors], model.test_loader
    try:
        for tensor in tensors:
            tensor.fill_(float("nan"))
        inputs = model.inputs_pretreament(loader.collate_fn([loader.dataset[0]]))
        return not bool(model(inputs)["inference_feat"]["embeddings"].isfinite().all())
    finally:
        for tensor, value in zip(tensors, kept):
            tensor.copy_(value)
