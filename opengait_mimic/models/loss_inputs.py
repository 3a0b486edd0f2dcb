"""Which losses train a model of ours, and what each of them is fed."""

from __future__ import annotations

from ..base.config import losses_of
from ..base.errors import ConfigError

HEADS = {"logits": "SeparateBNNecks"}
"""What a loss is fed -> the block of model_cfg whose head gives it."""


def feeds(cfgs: dict, model: type) -> dict[str, tuple[str, ...]]:
    """Match ``loss_cfg`` to a model.

    Args:
        cfgs: the whole configuration.
        model: a class with ``LOSSES`` (loss class -> what it is fed) and ``ONE_OF`` (those of which at least one must be there).

    Returns:
        The ``log_prefix`` of every loss -> what it is fed.

    Raises:
        ConfigError: a loss that the model does not take, one without its head, a head without its loss, a prefix that is
            missing or given twice, or none of the losses that the model needs.
    """
    losses, name, found = losses_of(cfgs), model.role(), {}
    for loss in losses:
        if loss["type"] not in model.LOSSES:
            raise ConfigError(f"loss_cfg.type = {loss['type']}: {name} is trained by {_listed(model.LOSSES)}")
        if loss.get("log_prefix") is None or loss["log_prefix"] in found:
            given = f"= {loss['log_prefix']!r}: given twice" if loss.get("log_prefix") else "missing"
            raise ConfigError(f"loss_cfg.log_prefix {given}; every loss needs a name of its own ({loss['type']})")
        found[loss["log_prefix"]] = model.LOSSES[loss["type"]]
    if not any(loss["type"] in model.ONE_OF for loss in losses):
        got = ", ".join(loss["type"] for loss in losses) or "nothing"
        raise ConfigError(f"loss_cfg: {name} is trained by {_listed(model.ONE_OF)}, others may be added; got {got}")
    fed = {each for names in found.values() for each in names}
    for each, head in HEADS.items():
        takers = [kind for kind, names in model.LOSSES.items() if each in names]
        if each in fed and cfgs["model_cfg"].get(head) is None:
            raise ConfigError(f"model_cfg.{head}: missing; {_listed(takers)} of loss_cfg needs this head: {{class_num: training subjects}}")
        if each not in fed and cfgs["model_cfg"].get(head) is not None:
            raise ConfigError(f"model_cfg.{head}: no loss of loss_cfg trains this head. Add {_listed(takers)}, or leave the key out")
    return found


def _listed(names) -> str:
    """Names as a sentence takes them."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
