"""Make a real OpenGait run on any device, from any folder, by rebinding names inside its own modules.

Nothing outside the host's modules is touched: ``torch.*`` itself stays as it is (a test asserts it). What OpenGait takes
for granted and each rebinding mends:

- ``utils.common.ts2var`` moves tensors with ``.cuda()``;
- ``get_ddp_module`` (in three modules) wants a CUDA device; a single process needs no DDP;
- ``modeling.base_model`` names CUDA devices by global rank, uses CUDA autocast and GradScaler, and writes below
  ``output/`` of the working folder;
- ``modeling.base_model.LossAggregator`` builds losses on CUDA;
- ``evaluation``'s ``cuda_dist`` has no CPU path;
- evaluators with a probe or gallery list (Gait3D and others) read it from ``./datasets/<name>/<name>.json`` whatever the
  config says: during a test that file means ``data_cfg.dataset_partition``;
- ``modeling.base_model`` draws its progress bar into files and pipes too, and reads checkpoints with ``torch.load``: here (on the
  embedded host too, see `read_with_reasons`) what cannot be read or restored is refused with the reason;
- ``data.sampler`` broadcasts CUDA tensors whenever a GPU is visible;
- ``utils.common.config_loader`` opens the default configuration relative to the working folder.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import os.path
import sys
from pathlib import Path
from types import ModuleType

import torch

from ..base import checkpoint_file as checkpoints
from ..base import restore_errors as restoring
from ..base.processes import rank_and_world
from ..metrics import distance_matrix


class _StandIn(ModuleType):
    """A module seen through a few replaced names."""

    def __init__(self, module: ModuleType, **replaced):
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, **replaced)

    def __getattr__(self, name):
        return getattr(self._module, name)


def torch_on(device: torch.device, **replaced) -> _StandIn:
    """``torch`` as a host module shall see it: its CUDA device is ours, and so is what else is ``replaced``."""

    def make_device(*spec, **named):
        first = spec[0] if spec else named.get("type")
        return device if first == "cuda" else torch.device(*spec, **named)

    cuda = _StandIn(
        torch.cuda,
        is_available=lambda: device.type == "cuda",
        set_device=lambda _: None,
        current_device=lambda: device.index or 0,
    )
    return _StandIn(torch, device=make_device, cuda=cuda, **replaced)


def _load(file, map_location="cpu", **_):
    """In the place of ``torch.load`` where a host restores a checkpoint."""
    return checkpoints.read(file, "restore_hint", map_location)


def read_with_reasons(seen: ModuleType | None = None) -> None:
    """Have the imported host restore checkpoints by `checkpoints.read` and `restoring.with_reasons`.

    Args:
        seen: ``torch`` as it shall see it, where that is not ours alone.
    """
    base = sys.modules["modeling.base_model"]
    base.torch = seen or _StandIn(torch, load=_load)
    base.BaseModel._load_ckpt = restoring.with_reasons(inspect.unwrap(base.BaseModel._load_ckpt))


def adapt(device: torch.device, output: Path, root: Path) -> None:
    """Rebind the names listed above in the imported host.

    Args:
        device: where to run.
        output: the folder that takes the place of ``output/``.
        root: the checkout, for the host's relative paths.
    """
    module = sys.modules
    common, base = module["utils.common"], module["modeling.base_model"]
    torch_here = torch_on(device)
    read_with_reasons(torch_on(device, load=_load))

    common.ts2var = lambda x, **named: torch.autograd.Variable(x, **named).to(device)
    passthrough = common.DDPPassthrough

    def get_ddp_module(net, find_unused_parameters=False, **named):
        if rank_and_world()[1] == 1 or not any(p.requires_grad for p in net.parameters()):
            return net
        ids = [device.index] if device.type == "cuda" else None
        return passthrough(net, device_ids=ids, find_unused_parameters=find_unused_parameters, **named)

    for name in ("utils", "utils.common", "modeling.loss_aggregator"):
        module[name].get_ddp_module = get_ddp_module

    aggregator = module["modeling.loss_aggregator"]

    class LossAggregator(aggregator.LossAggregator):
        """The host's aggregator with its losses on our device."""

        def _build_loss_(self, loss_cfg):
            kind = getattr(aggregator.losses, loss_cfg["type"])
            wanted = aggregator.get_valid_args(kind, loss_cfg, ["type", "log_prefix", "gather_and_scale"])
            return get_ddp_module(kind(**wanted).to(device))

    base.LossAggregator = LossAggregator
    base.autocast = lambda enabled=True: torch.autocast(device.type, enabled=enabled and device.type == "cuda")
    base.GradScaler = lambda: torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
    base.osp = _StandIn(os.path, join=lambda first, *rest: os.path.join(output if first == "output/" else first, *rest))
    base.tqdm = functools.partial(getattr(base.tqdm, "func", base.tqdm), disable=None)  # no bars into a file or a pipe
    module["data.sampler"].torch = torch_here

    def cuda_dist(x, y, metric="euc"):
        return distance_matrix(torch.as_tensor(x).to(device), torch.as_tensor(y).to(device), metric)

    for name in ("evaluation", "evaluation.metric", "evaluation.evaluator"):
        module[name].cuda_dist = cuda_dist

    run_test, under_test = inspect.unwrap(base.BaseModel.run_test), {}

    @functools.wraps(run_test)
    def run_test_of_its_partition(model):
        under_test["partition"] = model.cfgs["data_cfg"]["dataset_partition"]
        try:
            return run_test(model)
        finally:
            under_test.clear()

    base.BaseModel.run_test = staticmethod(run_test_of_its_partition)

    def open_partition(file, mode="r", *args, **named):
        if mode.startswith("r") and Path(file).parts[0] == "datasets" and Path(file).suffix == ".json":
            file = under_test.get("partition", root / file)
        return builtins.open(file, mode, *args, **named)

    module["evaluation.evaluator"].open = open_partition

    def open_in_checkout(file, mode="r", *args, **named):
        reading = isinstance(file, str) and mode.startswith("r") and not os.path.exists(file)
        there = root / file if reading and (root / file).is_file() else file
        return builtins.open(there, mode, *args, **named)

    common.open = open_in_checkout
