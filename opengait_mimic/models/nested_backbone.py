"""A host model inside another one: built without loaders, losses and optimiser, it uses those of the run around it."""

from __future__ import annotations

import copy
import functools

from modeling.base_model import BaseModel
from torch import nn
from torch.optim import Optimizer
from utils import get_msg_mgr

from ..base.errors import ConfigError
from ..host import is_ours, lookup
from ..host.transform_inputs import INSTEAD
from .backbone_exceptions import quirk
from .backbone_refusals import NotLent, out_of_memory, why_not_built

LENT = ("iteration", "optimizer", "scheduler", "Scaler", "engine_cfg", "device", "save_path")
"""What a host model may read of its run while it is trained: SwinGait's forward sets the optimiser's learning rate."""


class Inner(BaseModel):
    """Takes BaseModel's place under a host model's class, so that the class's own ``__init__`` runs but no run is set up."""

    def __init__(self, cfgs, training):
        """Build and initialise the network; nothing else."""
        nn.Module.__init__(self)
        self.msg_mgr, self.cfgs = get_msg_mgr(), cfgs
        self.build_network(cfgs["model_cfg"])
        self.init_parameters()

    def __getattr__(self, name):
        """What the run around it lends."""
        if name not in LENT:
            return super().__getattr__(name)
        run = self.__dict__.get("run")
        if run is None:
            raise NotLent(f"it reads the `{name}` of the run that trains it, and a part that is not trained has none")
        return getattr(run, name)


@functools.cache
def inner_class(model: type) -> type:
    """The host's class over `Inner`; it keeps its name."""
    return type(model.__name__, (model, Inner), {"__module__": model.__module__})


def host_model(name: str, key: str) -> type:
    """The host's class of a ``model`` key.

    Raises:
        HostError: unknown. ConfigError: a building block, one of our own models, or a model for other inputs: none is a backbone.
    """
    model = lookup("modeling.models", name, f"{key}.model")
    if is_ours(model):
        raise ConfigError(f"{key}.model = {name}: give the OpenGait backbone itself, not one of our methods")
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or model is BaseModel:
        raise ConfigError(f"{key}.model = {name}: a building block of OpenGait's, not a model; name the class its YAML names")
    if quirk(model).takes:
        raise ConfigError(f"{key} ({name}) takes {quirk(model).takes}, not silhouettes. {INSTEAD}")
    return model


def build(model_cfg: dict, cfgs: dict, key: str, run: BaseModel | None = None) -> nn.Module:
    """A host model without its loaders, losses and optimiser, with one class in its heads.

    Args:
        model_cfg: an OpenGait model_cfg.
        cfgs: the configuration around it (some models read their data set's name or the length of the schedule there).
        key: its place, for messages.
        run: the model that trains it and lends it `LENT`; None for one that is only evaluated.

    Raises:
        HostError: unknown model. ConfigError: no backbone, or it cannot be built: a key, a file or a package it needs is missing.
    """
    model = host_model(model_cfg["model"], key)
    model_cfg = _one_class(copy.deepcopy(model_cfg))
    net = inner_class(model).__new__(inner_class(model))
    object.__setattr__(net, "run", run)  # not a submodule
    try:
        net.__init__({**cfgs, "model_cfg": model_cfg}, True)
    except Exception as error:
        if out_of_memory(error):
            raise
        raise ConfigError(f"{key} ({model.__name__}) cannot be built: {why_not_built(error, model_cfg, key)}") from error
    return net


def _one_class(block):
    """``class_num: 1`` wherever it stands: identity heads are not part of the embedding."""
    if isinstance(block, dict):
        return {key: 1 if key == "class_num" else _one_class(value) for key, value in block.items()}
    return [_one_class(value) for value in block] if isinstance(block, list) else block


def optimizer_with(net: nn.Module, run: BaseModel, optimizer_cfg: dict) -> Optimizer | None:
    """The optimiser of a host model that makes its own, with everything else that the run trains in one more group.

    SwinGait trains its convolutions at a tenth of the learning rate, and GaitSSB each stage at its own; those groups are kept.
    What ``net`` leaves out and the rest of ``run`` follow ``optimizer_cfg``, so that nothing is left untrained.

    Returns:
        None where ``net`` has no ``get_optimizer`` of its own: the host's then serves every parameter.
    """
    if type(net).get_optimizer is BaseModel.get_optimizer:
        return None
    asked = {p: p.requires_grad for p in net.parameters()}
    optimizer = net.get_optimizer(optimizer_cfg)
    for parameter, wanted in asked.items():
        parameter.requires_grad_(wanted)
    taken = {id(p) for group in optimizer.param_groups for p in group["params"]}
    rest = {name: p for name, p in run.named_parameters() if p.requires_grad and id(p) not in taken}
    if rest:
        settings = {key: value for key, value in optimizer_cfg.items() if key in optimizer.defaults}
        optimizer.add_param_group({"params": list(rest.values()), **settings})
    run.msg_mgr.log_info(
        f"{type(net).__name__} groups its parameters for the optimiser itself: {len(taken)} tensors; {len(rest)} more follow"
        f" optimizer_cfg ({', '.join(sorted({name.split('.')[0] for name in rest})) or 'none'})"
    )
    return optimizer


class Untrained(RuntimeError):
    """A parameter that should be trained got no gradient."""


def check_trained(model: nn.Module) -> None:
    """After a step: every parameter that requires a gradient got one.

    Raises:
        Untrained: names the first ones that did not.
    """
    lost = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    if lost:
        raise Untrained(
            f"{len(lost)} parameters got no gradient in this step and would stay as they are: {', '.join(lost[:5])}. If a test ran"
            " just before it, the backbone changes in eval mode what it trains: set trainer_cfg.with_test: false."
        )
