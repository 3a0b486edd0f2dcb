"""What a host model asks for beyond the rule when it is a part of ours. A model that is not named here asks for nothing."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn
from utils import get_msg_mgr

from ..base.errors import ConfigError


class Quirk(NamedTuple):
    """Where a model departs from what every other does."""

    single_in_eval: bool = False  # in eval mode it refuses several clips; frozen, its own flag (never its children's) stays True
    fixed_length: bool = False  # it strides over time, so packed clips would mix
    takes: str = ""  # what it takes where trying it on silhouettes would not show that it takes something else


QUIRKS = {  # OpenGait's class name -> quirk; classes that derive from one inherit it
    "GaitGL": Quirk(single_in_eval=True, fixed_length=True),
    "ParsingGait": Quirk(takes="maps of body parts (0..11)"),
}


def quirk(model: type) -> Quirk:
    """The quirk of a host model's class."""
    return next((QUIRKS[base.__name__] for base in model.__mro__ if base.__name__ in QUIRKS), Quirk())


def freeze(net: nn.Module) -> nn.Module:
    """Eval mode and no gradients, for batches of any number of clips: BatchNorm and dropout never see ``training``."""
    net.eval().requires_grad_(False)
    net.training = quirk(type(net)).single_in_eval
    return net


def refuse(model: type, sampler: dict, key: str) -> None:
    """Stop before the first step what the model would stop, or get wrong, at it.

    Args:
        model: the host model's class.
        sampler: ``trainer_cfg.sampler``.
        key: the YAML key of the model, for messages.

    Raises:
        ConfigError: packed clips for a model that strides over time.
    """
    own, kind = quirk(model), sampler.get("sample_type")
    if own.fixed_length and not str(kind).startswith("fixed"):
        raise ConfigError(
            f"trainer_cfg.sampler.sample_type = {kind!r}: {key} strides over time and takes clips of one length; choose fixed_ordered"
        )


def warn_if_mixed(net: nn.Module, sampler: dict, key: str) -> None:
    """Say it when convolutions over time will run over the borders of packed clips, as they do in OpenGait.

    Args:
        net: the built model.
        sampler: ``trainer_cfg.sampler``.
        key: the YAML key of the model, for the message.
    """
    kind = str(sampler.get("sample_type"))
    if not kind.startswith("fixed") and any(isinstance(m, nn.Conv3d) and m.kernel_size[0] > 1 for m in net.modules()):
        get_msg_mgr().log_warning(
            f"trainer_cfg.sampler.sample_type = {kind}: {key} convolves over time, so the first and last frames of a packed clip are"
            " mixed with those of its neighbours in the batch; fixed_ordered keeps clips apart"
        )
