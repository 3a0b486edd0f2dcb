"""Helpers shared by the whole tree: processes, arguments from a config, names in modules."""

from __future__ import annotations

import inspect
import random
from collections import OrderedDict
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from . import runtime
from .msg_manager import get_msg_mgr


def ddp_all_gather(features, dim=0, requires_grad=True):
    """Join a tensor of every process along `dim`, in rank order.

    Args:
        features: tensor of the same shape in every process.
        dim: axis to join along.
        requires_grad: keep the gradient of this process's own slice.

    Shape:
        ``[n, ...]`` to ``[n * world, ...]``; alone, the input itself.
    """
    world = runtime.get_world_size()
    if world == 1:
        return features
    slices = [torch.empty_like(features, memory_format=torch.contiguous_format) for _ in range(world)]
    dist.all_gather(slices, features.detach().contiguous())
    if requires_grad:
        slices[dist.get_rank()] = features
    return torch.cat(slices, dim)


class DDPPassthrough(DistributedDataParallel):
    """DDP whose unknown attributes are those of the wrapped module."""

    def __getattr__(self, name):
        """Look `name` up in DDP, then in the module."""
        with suppress(AttributeError):
            return super().__getattr__(name)
        return getattr(self.__dict__["_modules"]["module"], name)


def get_ddp_module(module, find_unused_parameters=False, **kwargs):
    """Wrap a module for training in several processes.

    Returns:
        The module itself if there is one process or nothing in it is trained, else a `DDPPassthrough`.
    """
    if runtime.get_world_size() == 1 or not any(p.requires_grad for p in module.parameters()):
        return module
    on_gpu = runtime.device.type == "cuda"
    where = {"device_ids": [runtime.device.index], "output_device": runtime.device.index} if on_gpu else {}
    return DDPPassthrough(module, find_unused_parameters=find_unused_parameters, **where, **kwargs)


def get_valid_args(obj, input_args, free_keys=()):
    """Choose from a config block what a class or function takes; the rest is dropped with a warning.

    Args:
        obj: class or function. Keyword-only arguments are not seen, as in OpenGait.
        input_args: config block.
        free_keys: keys that other code reads; they are dropped without a warning.

    Returns:
        The keyword arguments for `obj`.
    """
    known = inspect.getfullargspec(obj.__init__).args[1:] if inspect.isclass(obj) else inspect.getfullargspec(obj).args
    dropped = [key for key in input_args if key not in known and key not in free_keys]
    if dropped:
        get_msg_mgr().log_warning(
            f"{obj.__name__} takes no {', '.join(dropped)}: ignored (set in the config or in the defaults). "
            f"It takes: {', '.join(known) or 'nothing'}."
        )
    return {key: value for key, value in input_args.items() if key in known}


def get_attr_from(sources, name):
    """First attribute called `name` in a list of modules.

    Raises:
        AttributeError: none has it; the message lists the classes there are.
    """
    for source in sources:
        if hasattr(source, name):
            return getattr(source, name)
    known = sorted({key for source in sources for key, value in vars(source).items() if inspect.isclass(value)})
    places = ", ".join(source.__name__ for source in sources)
    raise AttributeError(f"{places} has no {name!r}; it has: {', '.join(known)}")


def classes_of(package, path):
    """Import every module of a package and collect the classes visible in them.

    Args:
        package: name of the package.
        path: its ``__path__``.

    Returns:
        dict: class name to class.
    """
    found = {}
    for info in iter_modules(path):
        content = vars(import_module(f"{package}.{info.name}"))
        found.update((name, value) for name, value in content.items() if inspect.isclass(value))
    return found


def init_seeds(seed=0, cuda_deterministic=True):
    """Seed Python, NumPy and torch.

    Args:
        seed: any non-negative integer below 2**32.
        cuda_deterministic: reproducible cuDNN kernels instead of the fastest ones.
    """
    for seeder in (random.seed, np.random.seed, torch.manual_seed):  # torch's seeds the GPUs too
        seeder(seed)
    torch.backends.cudnn.deterministic = bool(cuda_deterministic)
    torch.backends.cudnn.benchmark = not cuda_deterministic


def params_count(net):
    """Number of parameters of a module as a line of text, in millions."""
    return f"Parameters Count: {sum(p.numel() for p in net.parameters()) / 1e6:.5f}M"


class Odict(OrderedDict):
    """A dict that can collect values under its keys."""

    def append(self, odict):
        """Add each value of `odict` to the list kept under its key."""
        for key, value in odict.items():
            new = value if isinstance(value, list) else [value]
            if key not in self:
                self[key] = new
            else:
                old = self[key]
                self[key] = (old if isinstance(old, list) else [old]) + new
