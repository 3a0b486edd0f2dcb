"""The measuring contract of `README.md`: alternate the variants, synchronise, keep every sample, say where it was run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
Timed = Callable[[int], Optional[float]]
"""One run of a variant in round i; returns its seconds if it measured them itself (another process), else None."""


class Spread(NamedTuple):
    """Samples in five numbers: median, median absolute deviation, quartiles, count; in the samples' own unit."""

    median: float
    mad: float
    low: float  # first quartile
    high: float  # third quartile
    count: int


def spread(samples: Sequence[float]) -> Spread:
    """Describe samples ``[r]``.

    Raises:
        ValueError: there is none, or one is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected at least one finite sample, got {list(samples)}")
    median = np.median(values)
    low, high = np.percentile(values, (25, 75))
    return Spread(float(median), float(np.median(abs(values - median))), float(low), float(high), int(values.size))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The ratio of two variants, taken round by round (``[r]`` each): drift of the machine falls out of it.

    Raises:
        ValueError: the two were not measured in the same rounds.
    """
    if len(above) != len(below):
        raise ValueError(f"{len(above)} samples against {len(below)}: a ratio pairs the rounds of one run")
    return spread([a / b for a, b in zip(above, below)])


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def interleaved(
    variants: Mapping[str, Timed],
    rounds: int,
    warmup: int,
    device: torch.device,
    prepare: Callable[[str, int], None] = lambda name, i: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time the variants in alternation, A B C A B C ..., so that drift hits all alike.

    Args:
        variants: name -> what is timed.
        rounds: measured rounds, at least 1.
        warmup: rounds before them that are run and thrown away; they have negative numbers.
        device: synchronised before the clock starts and before it stops.
        prepare: called untimed with (name, round) before each run.
        clock: seconds; `time.process_time` on a CPU that others use too.

    Returns:
        Name -> seconds of every measured round.
    """
    if rounds < 1 or warmup < 0:
        raise ValueError(f"rounds {rounds}, warm-up {warmup}: at least 1 and 0 are needed")
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for i in range(-warmup, rounds):
        for name, run in variants.items():
            prepare(name, i)
            synchronise(device)
            begin = clock()
            own = run(i)
            synchronise(device)
            seconds = clock() - begin if own is None else own
            if i >= 0:
                samples[name].append(seconds)
    return samples


class Budget(NamedTuple):
    """A measured ratio against its limit from the design."""

    name: str
    found: Spread
    limit: float

    @property
    def verdict(self) -> str:
        """``ok`` or ``over`` when both quartiles lie on that side of the limit, else ``unclear``: more rounds are needed."""
        if self.found.high <= self.limit:
            return "ok"
        return "over" if self.found.low > self.limit else "unclear"

    def line(self) -> str:
        """One line: name, median (quartiles), limit, verdict; a share is printed in percent."""
        percent = self.limit < 0.5
        show = (lambda x: f"{100 * x:.2f} %") if percent else (lambda x: f"{x:.3f}")
        found = f"{show(self.found.median)} ({show(self.found.low)} - {show(self.found.high)})"
        return f"{self.name:<40}{found:<30}budget {show(self.limit):<9}{self.verdict}"


def machine(device: torch.device, host: str = "none") -> dict:
    """What a figure depends on: processor, threads, load, GPU, versions, commits; plain values."""
    cuda = device.type == "cuda"
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "device": str(device),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "plugin_commit": commit(REPOSITORY),
        "host": host,
    }


def _processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit(folder: Path) -> str:
    """The commit of a git work tree, with ``+changes`` where files differ from it; ``unknown`` without git history."""
    git = ["git", "-C", str(folder)]
    try:
        found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def write(
    file: str | os.PathLike,
    benchmark: str,
    device: torch.device,
    host: str,
    settings: dict,
    samples: dict[str, list[float]],
    budgets: Sequence[Budget],
    **more,
) -> None:
    """Write a result: the command, where it was run, the settings (with seed, warm-up and rounds), every sample in seconds."""
    found = {
        "benchmark": benchmark,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "machine": machine(device, host),
        "settings": settings,
        "samples_s": samples,
        "summary_s": {name: spread(values)._asdict() for name, values in samples.items()},
        "budgets": [{"name": b.name, **b.found._asdict(), "limit": b.limit, "verdict": b.verdict} for b in budgets],
        **more,
    }
    Path(file).write_text(json.dumps(found, indent=2) + "\n")
