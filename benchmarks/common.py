"""What the benchmarks share: options, data and models of a size, and the measuring contract of README.md."""

from __future__ import annotations

import json
import logging
import os
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import HostError
from opengait_mimic.base.versions import commit_of
from opengait_mimic.data.walkers import write_walkers
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, start_log

REPOSITORY = Path(__file__).resolve().parents[1]
CPU = torch.device("cpu")
METHODS = ("baseline1", "ven", "baseline2", "mimicgait", "vanilla")
"""``vanilla`` is a MimicGait without a VEN."""
RATE = 1e-4  # the same batch is stepped on again and again; a small rate keeps the loss finite


def add_rounds(parser, rounds: int, warmup: int) -> None:
    """Options for how often, by which clock, and where the samples go."""
    parser.add_argument("--rounds", type=int, default=rounds, help="measured rounds")
    parser.add_argument("--warmup", type=int, default=warmup, help="rounds before them that are not counted")
    parser.add_argument("--cpu-time", action="store_true", help="processor time of one thread, for a machine that others use too")
    parser.add_argument("--json", metavar="FILE", help="write every sample, the machine and the settings")


def clock_of(args, device: torch.device) -> Callable[[], float]:
    """The wall clock, or with ``--cpu-time`` this process's processor time; that is not the cost on a GPU or with several threads."""
    if args.cpu_time and (device.type == "cuda" or torch.get_num_threads() > 1):
        raise SystemExit("error: --cpu-time needs a CPU and OMP_NUM_THREADS=1")
    return time.process_time if args.cpu_time else time.perf_counter


class Spread(NamedTuple):
    """Median, median absolute deviation, quartiles and count of samples."""

    median: float
    mad: float
    low: float
    high: float
    count: int


def spread(samples: Sequence[float]) -> Spread:
    """Describe samples ``[r]``."""
    values = np.asarray(samples, dtype=np.float64)
    median, (low, high) = np.median(values), np.percentile(values, (25, 75))
    return Spread(float(median), float(np.median(abs(values - median))), float(low), float(high), values.size)


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The ratio of two variants ``[r]``, round by round."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def interleaved(
    variants: Mapping[str, Callable[[int], object]],
    rounds: int,
    warmup: int,
    device: torch.device,
    clock=time.perf_counter,
    prepare_run=lambda name, i: None,
    self_timed: Sequence[str] = (),
) -> dict[str, list[float]]:
    """Time the variants in alternation, A B C A B C ...; returns name -> seconds of every measured round.

    A variant is called with the number of the round, negative in the warm-up. ``prepare_run`` is called untimed with (name, round) before
    each run. Variants in ``self_timed`` work in another process and return their seconds.
    """
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for i in range(-warmup, rounds):
        for name, run in variants.items():
            prepare_run(name, i)
            synchronise(device)
            start = clock()
            result = run(i)
            synchronise(device)
            if i >= 0:
                samples[name].append(result if name in self_timed else clock() - start)
    return samples


class Budget(NamedTuple):
    """A measured ratio and its limit in the design."""

    name: str
    measured: Spread
    limit: float

    @property
    def verdict(self) -> str:
        """``ok`` or ``over`` if both quartiles are on that side of the limit, else ``unclear``: more rounds are needed."""
        return "ok" if self.measured.high <= self.limit else "over" if self.measured.low > self.limit else "unclear"

    def line(self) -> str:
        """Name, median (quartiles), limit, verdict; shares in percent."""
        form = (lambda x: f"{100 * x:.2f} %") if self.limit < 0.5 else (lambda x: f"{x:.3f}")
        values = f"{form(self.measured.median)} ({form(self.measured.low)} - {form(self.measured.high)})"
        return f"{self.name:<40}{values:<30}budget {form(self.limit):<9}{self.verdict}"


def machine(device: torch.device, host: str = "none") -> dict:
    """Processor, threads, load, GPU, versions and commits; plain values."""
    return {
        "cpu": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "load": list(os.getloadavg()), "device": str(device),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())], "system": platform.platform(),
        "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__, "cuda": torch.version.cuda,
        "plugin_commit": commit_of(REPOSITORY), "host": host,
    }  # fmt: skip


def processor() -> str:
    """The name of the processor."""
    file = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", file.read_text()) if file.is_file() else []
    return names[0] if names else platform.machine()


def print_report(samples: dict, budgets: Sequence[Budget], *lines: str) -> None:
    """Print the lines, the median of every variant and the verdicts."""
    print("\n".join(lines))
    for name, values in samples.items():
        result = spread(values)
        print(f"  {name:<40}{1e3 * result.median:>10.2f} ms  ± {1e3 * result.mad:.2f}")
    print("medians of the ratios of each round (quartiles)")
    for budget in budgets:
        print("  " + budget.line())


def write_result(file, benchmark: str, device: torch.device, settings: dict, samples: dict, budgets: Sequence[Budget], **more) -> None:
    """Write the command, the machine, the settings and every sample in seconds as JSON."""
    content = {
        "benchmark": benchmark, "command": [Path(sys.argv[0]).name, *sys.argv[1:]], "machine": machine(device, more.pop("host", "none")),
        "settings": settings, "samples_s": samples, "summary_s": {name: spread(values)._asdict() for name, values in samples.items()},
        "budgets": [{"name": b.name, **b.measured._asdict(), "limit": b.limit, "verdict": b.verdict} for b in budgets], **more,
    }  # fmt: skip
    Path(file).write_text(json.dumps(content, indent=2) + "\n")


# ---------------------------------------------------------------- data and models of a size


class Sizes(NamedTuple):
    """P subjects of K clips, about ``frames`` frames each, and the silhouettes' (h, w)."""

    subjects: int
    clips: int
    frames: int
    geometry: tuple[int, int] = (64, 44)


def shipped(method: str, backbone: str, data: str) -> Path:
    """The shipped configuration of a method."""
    file = hosts.CONFIGS / method / (f"{method}_{data}.yaml" if method == "ven" else f"{method}_{backbone}_{data}.yaml")
    if not file.is_file():
        raise HostError(f"--backbone {backbone} --configs {data}: no configuration {file.name}")
    return file


def write_data(folder: Path, sizes: Sizes) -> dict:
    """Generate walkers, P to train on and one more; returns the ``data_cfg`` keys for them."""
    sessions, frames = ("nm-01", "nm-02"), max(2, 2 * sizes.frames)
    tree = write_walkers(folder, sizes.subjects + 1, train=sizes.subjects, sessions=sessions, views=(54, 90), frames=frames)
    return {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition), "num_workers": 0}


def cut(transform, width: int):
    """A transform block for 44 of 64 columns, or for all 64."""
    name = {44: "BaseSilCuttingTransform", 64: "BaseSilTransform"}[width]
    if isinstance(transform, list):
        return [cut(step, width) for step in transform]
    if isinstance(transform, dict):
        renamed = {"type": name} if transform.get("type") in ("BaseSilCuttingTransform", "BaseSilTransform") else {}
        return {key: cut(value, width) for key, value in {**transform, **renamed}.items()}
    return transform


def adjust(cfgs: dict, data_cfg: dict, sizes: Sizes, amp: bool) -> dict:
    """Give a configuration these data and sizes, in place; everything else stays."""
    cfgs["data_cfg"].update(data_cfg)
    trainer, per_subject = cfgs["trainer_cfg"], cfgs["trainer_cfg"]["sampler"]["batch_size"][1]
    low, high = max(1, 2 * sizes.frames // 3), max(1, 4 * sizes.frames // 3)  # as published for Gait3D: 20 to 40 for 30 frames
    if per_subject > 1:  # a VEN sees one frame of one clip
        per_subject, counts = sizes.clips, {"frames_num_fixed": sizes.frames, "frames_num_min": low, "frames_num_max": high}
        trainer["sampler"].update({key: value for key, value in counts.items() if key in trainer["sampler"]})
    trainer["sampler"]["batch_size"] = [sizes.subjects, per_subject]
    trainer.update(enable_float16=amp, sync_BN=False, with_test=False, restore_hint=0, log_iter=10**9, find_unused_parameters=False)
    cfgs["evaluator_cfg"].update(enable_float16=amp)
    cfgs["optimizer_cfg"]["lr"] = RATE
    return cfgs


def write_configs(
    folder: Path, backbone: str, configs: str, data_cfg: dict, sizes: Sizes, amp: bool, methods: Sequence[str] = METHODS
) -> dict[str, Path]:
    """The methods' shipped configurations for these sizes; method -> file."""
    folder.mkdir(parents=True)
    files = {method: folder / f"{method}.yaml" for method in methods}
    for method, file in files.items():
        source = shipped("mimicgait" if method == "vanilla" else method, backbone, configs)
        cfgs = adjust(yaml.safe_load(source.read_text()), data_cfg, sizes, amp)
        for engine in ("trainer_cfg", "evaluator_cfg"):
            cfgs[engine]["save_name"] = f"{method}-{sizes.geometry[1]}"
            cfgs[engine]["transform"] = cut(cfgs[engine]["transform"], sizes.geometry[1])
        cfgs["evaluator_cfg"]["restore_hint"] = 1
        model_cfg = cfgs["model_cfg"]
        if "geometry" in model_cfg:
            model_cfg["geometry"] = list(sizes.geometry)
        for block, of in (("backbone", "baseline1"), ("teacher", "baseline1"), ("ven", "ven")):
            if isinstance(model_cfg.get(block), dict):
                model_cfg[block]["cfgs"] = str(files[of])
        if method == "vanilla":
            model_cfg["ven"] = None
        file.write_text(yaml.safe_dump(cfgs, sort_keys=False))
    return files


def trainable(file: Path):
    """The model of a configuration, built as for a training."""
    return _build(file, True)


def testable(file: Path):
    """The model of a configuration, built for a test from its checkpoint."""
    return _build(file, False)


def _build(file: Path, training: bool):
    cfgs = prepare(file, "train" if training else "embed")
    start_log(cfgs, training, False, quiet=True)
    logging.getLogger("opengait").setLevel(logging.ERROR)  # the loss warns that random weights cannot teach
    return build(cfgs, training)


def save(file: Path) -> Path:
    """Write random weights of a configuration's model where its test, and models that depend on it, look for them."""
    model = trainable(file)
    model.save_ckpt(1)
    return Path(model.save_path) / "checkpoints" / f"{model.engine_cfg['save_name']}-00001.pt"


def collated(model, training: bool, positions: Sequence[int] | None = None):
    """A batch from the host's loader: the sampler's first, or the test sequences at these positions."""
    loader = model.train_loader if training else model.test_loader
    return loader.collate_fn([loader.dataset[i] for i in (next(iter(loader.batch_sampler)) if positions is None else positions)])


def seed(number: int) -> None:
    """Seed what transforms and layers draw from."""
    random.seed(number % 2**31)
    np.random.seed(number % 2**31)
    torch.manual_seed(number % 2**31)


def autocast(model, device: torch.device):
    """The host's mixed precision: float16 on CUDA where the configuration asks for it."""
    return torch.autocast(device.type, torch.float16, enabled=device.type == "cuda" and bool(model.engine_cfg["enable_float16"]))


def training_step(model, batch, device: torch.device) -> float:
    """The body of the host's training loop for one collated batch; returns the loss. Works on any model of an OpenGait host."""
    inputs = model.inputs_pretreament(batch)
    with autocast(model, device):
        feats = model(inputs)
    loss, info = model.loss_aggregator(feats["training_feat"])
    model.train_step(loss)
    model.msg_mgr.train_step(info, {**feats["visual_summary"], **info})
    return float(loss.detach())


@torch.no_grad()
def test_step(model, batch, device: torch.device) -> None:
    """The body of the host's test loop for one clip: its embedding, on the CPU."""
    inputs = model.inputs_pretreament(batch)
    with autocast(model, device):
        feats = model(inputs)["inference_feat"]
    feats["embeddings"].float().cpu()
