"""What a step takes of the memory, and how much there is."""

from __future__ import annotations

import ctypes
import inspect
import re
from pathlib import Path

import torch
from torch.optim import Optimizer

STATUS, RESET, FREE = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")


class Watch:
    """``with Watch(device) as watch: step()``: ``watch.free`` bytes were `available` before it, ``watch.peak`` more were in use at the
    worst moment; None where the system does not tell (a CPU without Linux' /proc).
    """

    def __init__(self, device: torch.device):
        """Name the device."""
        self.device, self.free, self.peak = device, None, None

    def __enter__(self) -> Watch:
        self.free = available(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self.before = torch.cuda.memory_allocated(self.device)
        else:
            try:
                ctypes.CDLL(None).malloc_trim(0)  # what earlier trainings of this process left free is not had for nothing
            except (OSError, AttributeError):  # no glibc
                pass
            try:
                RESET.write_text("5")  # VmHWM begins anew
                self.before = _status("VmRSS")
            except OSError:
                self.before = None
        return self

    def __exit__(self, *_) -> None:
        if self.device.type == "cuda":
            self.peak = torch.cuda.max_memory_allocated(self.device) - self.before
        elif self.before is not None:
            self.peak = max(0, _status("VmHWM") - self.before)


def available(device: torch.device) -> int | None:
    """Bytes that a process may still take: of the GPU, or of this machine and of the control group this process is in."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    try:
        free = int(re.search(r"MemAvailable:\s+(\d+) kB", FREE.read_text()).group(1)) * 1024
    except (OSError, AttributeError):
        return None
    try:
        limit, used = ((GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return free if limit == "max" else min(free, int(limit) - int(used))
    except (OSError, ValueError):
        return free


def _status(key: str) -> int:
    return int(re.search(rf"{key}:\s+(\d+) kB", STATUS.read_text()).group(1)) * 1024


def state_bytes(optimizer: Optimizer) -> int:
    """What the optimiser will keep beside the parameters it has no state of yet: found on a small tensor of our own."""
    missing = [p for group in optimizer.param_groups for p in group["params"] if p not in optimizer.state]
    if not missing:
        return 0
    taken = inspect.signature(type(optimizer)).parameters
    trial = torch.zeros(1000, requires_grad=True)
    trial.grad = torch.ones(1000)
    settings = {key: value for key, value in optimizer.param_groups[0].items() if key in taken and key not in ("params", "fused")}
    try:
        copy = type(optimizer)([trial], **settings)
        copy.step()
        kept = sum(value.numel() for value in copy.state[trial].values() if torch.is_tensor(value) and value.numel() > 1)
    except Exception:  # an optimiser with a closure or arguments of its own: as many as Adam's
        kept = 2000
    return round(kept / 1000 * sum(p.numel() * p.element_size() for p in missing))
