"""Make a host run on any device and from any folder, by rebinding names inside the host's own modules.

`REBINDINGS` is the complete table. ``torch.*`` and Python's own modules stay as they are (a test compares them). The replacements ask
`binding` for the device and the output folder when they are called, so a later `bind` may change both.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os.path
import sys
from pathlib import Path
from types import ModuleType

import torch

from ..base import checkpoint_file, restore_errors
from ..base.processes import rank_and_world
from ..metrics import distance_matrix
from . import bound_host, partial_restore, read_pickles
from .module_view import ModuleView, Rebinding, applied, rebind


def torch_on_device(original: ModuleType) -> ModuleView:
    """``torch`` with the chosen device in the place of every CUDA device; on the CPU it reports no CUDA."""

    def make_device(*spec, **named):
        kind = spec[0] if spec else named.get("type")
        return bound_host.device() if kind == "cuda" else torch.device(*spec, **named)

    cuda = ModuleView(
        original.cuda,
        is_available=lambda: bound_host.device().type == "cuda",
        set_device=lambda _: None,
        current_device=lambda: bound_host.device().index or 0,
    )
    return ModuleView(original, device=make_device, cuda=cuda)


def _torch_with_checked_load(original: ModuleType) -> ModuleView:
    def load(file, map_location="cpu", **_):
        return checkpoint_file.read(file, "restore_hint", map_location)

    return ModuleView(original, load=load)


def _ts2var(_):
    return lambda x, **named: torch.autograd.Variable(x, **named).to(bound_host.device())


def _get_ddp_module(_):
    return get_ddp_module


def get_ddp_module(net, find_unused_parameters=False, **named):
    """Wrap a module in the host's ``DDPPassthrough`` if several processes train something in it."""
    if rank_and_world()[1] == 1 or not any(p.requires_grad for p in net.parameters()):
        return net
    device = bound_host.device()
    ids = [device.index] if device.type == "cuda" else None
    passthrough = sys.modules["utils.common"].DDPPassthrough
    return passthrough(net, device_ids=ids, find_unused_parameters=find_unused_parameters, **named)


def _loss_aggregator(original: type) -> type:
    host = sys.modules[original.__module__]

    class LossAggregator(original):
        """The host's aggregator with its losses on our device."""

        def _build_loss_(self, loss_cfg):
            kind = getattr(host.losses, loss_cfg["type"])
            arguments = host.get_valid_args(kind, loss_cfg, ["type", "log_prefix", "gather_and_scale"])
            return get_ddp_module(kind(**arguments).to(bound_host.device()))

    return LossAggregator


def _autocast(_):
    def autocast(enabled=True):
        kind = bound_host.device().type
        return torch.autocast(kind, enabled=enabled and kind == "cuda")

    return autocast


def _grad_scaler(_):
    return lambda: torch.amp.GradScaler(bound_host.device().type, enabled=bound_host.device().type == "cuda")


def _paths_in_output(original: ModuleType) -> ModuleView:
    def join(folder, *rest):
        return os.path.join(bound_host.output() if folder == "output/" else folder, *rest)

    return ModuleView(original, join=join)


def _no_bar_in_files(original):
    return functools.partial(original, disable=None)


def _cuda_dist(_):
    def cuda_dist(x, y, metric="euc"):
        x, y = (torch.as_tensor(side).to(bound_host.device()) for side in (x, y))
        return distance_matrix(x, y, metric)

    return cuda_dist


_tested: dict[str, str] = {}
"""``partition``: the partition file of the test that runs."""


@contextlib.contextmanager
def testing_on(partition: str):
    """In the block, the host's evaluation reads its lists from this partition file."""
    _tested["partition"] = partition
    try:
        yield
    finally:
        _tested.clear()


def _run_test(original):
    @functools.wraps(original)
    def run_test(model):
        with testing_on(model.cfgs["data_cfg"]["dataset_partition"]):
            return original(model)

    return staticmethod(run_test)


def _open_partition(_):
    def open_partition(file, mode="r", *args, **named):
        if mode.startswith("r") and Path(file).parts[0] == "datasets" and Path(file).suffix == ".json":
            file = _tested.get("partition", bound_host.current().root / file)
        return builtins.open(file, mode, *args, **named)

    return open_partition


def _open_in_checkout(_):
    def open_in_checkout(file, mode="r", *args, **named):
        if isinstance(file, str) and mode.startswith("r") and not os.path.exists(file):
            in_checkout = bound_host.current().root / file
            file = in_checkout if in_checkout.is_file() else file
        return builtins.open(file, mode, *args, **named)

    return open_in_checkout


def _load_ckpt(original):
    return partial_restore.with_counts(restore_errors.with_reasons(original))


_DEVICE = "OpenGait names CUDA devices by global rank and asks for a GPU; here the device is the chosen one"
_DDP = "OpenGait's asks for a CUDA device; a single process needs no DDP"
_DISTANCES = "OpenGait's has no CPU path"

REBINDINGS: tuple[Rebinding, ...] = (
    Rebinding("utils.common", "ts2var", _ts2var, "moves tensors with .cuda(); here to the chosen device", True),
    Rebinding("utils.common", "open", _open_in_checkout, "opens configs/default.yaml in the working folder; here in the checkout", True),
    Rebinding("utils.common", "get_ddp_module", _get_ddp_module, _DDP, True),
    Rebinding("utils", "get_ddp_module", _get_ddp_module, _DDP, True),
    Rebinding("modeling.loss_aggregator", "get_ddp_module", _get_ddp_module, _DDP, True),
    Rebinding("modeling.base_model", "LossAggregator", _loss_aggregator, "builds losses with .cuda(); here on the chosen device", True),
    Rebinding("modeling.base_model", "torch", torch_on_device, _DEVICE, True),
    Rebinding("modeling.base_model", "autocast", _autocast, "CUDA's; here it does nothing on a CPU", True),
    Rebinding("modeling.base_model", "GradScaler", _grad_scaler, "CUDA's; here it does nothing on a CPU", True),
    Rebinding("modeling.base_model", "osp", _paths_in_output, "writes below output/ of the working folder; here below --output", True),
    Rebinding("modeling.base_model", "tqdm", _no_bar_in_files, "draws its bar into files and pipes too; here on a terminal only", True),
    Rebinding("modeling.base_model", "BaseModel.run_test", _run_test, "notes the partition file of the running test", True),
    Rebinding(
        "evaluation.evaluator",
        "open",
        _open_partition,
        "reads probe lists from ./datasets/<name>/<name>.json; here from data_cfg.dataset_partition",
        True,
    ),
    Rebinding("evaluation.evaluator", "cuda_dist", _cuda_dist, _DISTANCES, True),
    Rebinding("evaluation.metric", "cuda_dist", _cuda_dist, _DISTANCES, True),
    Rebinding("data.sampler", "torch", torch_on_device, "broadcasts CUDA tensors whenever a GPU is visible", True),
    Rebinding(
        "modeling.base_model",
        "torch",
        _torch_with_checked_load,
        "torch.load runs what a checkpoint holds; here only tensors and plain values are read, and errors name the file",
    ),
    Rebinding(
        "modeling.base_model",
        "BaseModel._load_ckpt",
        _load_ckpt,
        "loads nothing without a word where restore_ckpt_strict is false; here that stops, and what does not fit is named by its part",
    ),
    *read_pickles.REBINDINGS,
)
"""All names that are rebound, in the order of rebinding; `adapt_host` takes more from its caller."""


def adapt_host(host_name: str, more: tuple[Rebinding, ...] = ()) -> None:
    """Rebind the names of `REBINDINGS` in the imported host, and those that the caller hands in. Doing it again changes nothing.

    Args:
        host_name: ``opengait`` or ``embedded``.
        more: what higher rooms rebind.
    """
    rebind(row for row in (*REBINDINGS, *more) if host_name != "embedded" or not row.opengait_only)


def rebinding_table() -> list[tuple[str, str, str]]:
    """Rows for the documentation: the rebound name, the hosts it is rebound in, and why."""
    rows = dict.fromkeys((*REBINDINGS, *applied))
    return [(f"{row.module}.{row.name}", "OpenGait" if row.opengait_only else "both hosts", row.why) for row in rows]
