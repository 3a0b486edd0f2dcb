"""What several benchmarks ask on the command line: the model, the rounds, the clock, the file."""

from __future__ import annotations

import time
from typing import Callable

import torch

from opengait_mimic.cli.arguments import add_device_argument, add_host_argument


def add_model(parser, configs: str) -> None:
    """Which configuration on which host and device; ``configs`` is the data set to begin with."""
    add_host_argument(parser)
    add_device_argument(parser)
    parser.add_argument("--backbone", default="gaitbase", help="gaitbase, gaitgl, deepgaitv2: what configs/ has")
    parser.add_argument("--configs", default=configs, help="the data set in the names of the shipped configurations")


def add_method(parser, method: str) -> None:
    """Which method of the backbone."""
    parser.add_argument("--method", choices=["baseline1", "baseline2", "mimicgait"], default=method)


def add_rounds(parser, rounds: int, warmup: int) -> None:
    """How often, by which clock, and where every sample goes."""
    parser.add_argument("--rounds", type=int, default=rounds, help="measured rounds")
    parser.add_argument("--warmup", type=int, default=warmup, help="rounds thrown away before them")
    parser.add_argument("--cpu-time", action="store_true", help="processor seconds of one thread, for a CPU that others use too")
    parser.add_argument("--json", metavar="FILE", help="write every sample, the machine and the settings")


def clock_of(given, device: torch.device) -> Callable[[], float]:
    """Seconds of the wall, or with ``--cpu-time`` of this process.

    Raises:
        SystemExit: they would not say what the work costs, on a GPU or with several threads.
    """
    if given.rounds < 1 or given.warmup < 0:
        raise SystemExit(f"error: --rounds {given.rounds} --warmup {given.warmup}: at least 1 and 0")
    if not given.cpu_time:
        return time.perf_counter
    if device.type == "cuda" or torch.get_num_threads() > 1:
        raise SystemExit("error: --cpu-time: processor seconds say what something costs only on a CPU with OMP_NUM_THREADS=1")
    return time.process_time
