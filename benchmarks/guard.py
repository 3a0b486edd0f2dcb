"""What do numbered batches and guarded steps cost? The host's own training step with and without them, on batches from its own loader.

    OMP_NUM_THREADS=1 python benchmarks/guard.py --cpu-time                 # the published widths, few short clips, on a CPU in use
    python benchmarks/guard.py --device cuda --clips 32 4 --frames 30       # as published

The contract (alternation, warm-up, spread) is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
import yaml
from asked import add_method, add_model, add_rounds, clock_of
from measure import interleaved, ratio, spread, write
from setting import Sizes, save, trainable, write_configs, write_data
from stepping import Parts, training_step

from opengait_mimic import host as hosts
from opengait_mimic.base.ending import friendly_errors
from opengait_mimic.training import batches, step

BARE, DRAWN, WHOLE = "the host alone", "with numbered batches", "and guarded steps"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_model(parser, "gait3d")
    add_method(parser, "baseline1")
    parser.add_argument("--clips", type=int, nargs=2, default=(4, 2), metavar=("P", "K"), help="subjects and clips of each")
    parser.add_argument("--frames", type=int, default=6, help="frames of a clip")
    parser.add_argument("--amp", action="store_true", help="float16, on a GPU")
    add_rounds(parser, 20, 3)
    return parser


def main() -> None:
    given = arguments().parse_args()
    with friendly_errors(), tempfile.TemporaryDirectory(prefix="opengait-mimic-guard-") as folder:
        host, device = hosts.bind(given.host, given.device, Path(folder) / "output"), hosts.device()
        measure(given, Path(folder), f"{host.name} {host.commit}", device, clock_of(given, device))


def measure(given, folder: Path, host: str, device: torch.device, clock) -> None:
    """Time a batch and its step three ways in alternation, print the ratios, write the file."""
    sizes = Sizes(*given.clips, given.frames)
    files = write_configs(folder / "configs", given.backbone, given.configs, write_data(folder / "data", sizes), sizes, given.amp)
    for method in dict.fromkeys(["baseline1", "ven", given.method]):
        save(files[method])
    cfgs = yaml.safe_load(files[given.method].read_text())
    cfgs["trainer_cfg"]["sampler"].update(sample_type="fixed_unordered", frames_num_fixed=given.frames)  # every batch costs alike
    files[given.method].write_text(yaml.safe_dump(cfgs))
    variants = {name: stepper(files[given.method], name, device) for name in (BARE, DRAWN, WHOLE)}
    samples = interleaved(variants, given.rounds, given.warmup, device, clock=clock)
    alone = spread(samples[BARE])
    size = f"{given.clips[0]} x {given.clips[1]} clips of {given.frames} frames"
    print(f"{given.method} {given.backbone} {given.configs}, {size}; {given.rounds} rounds")
    print(f"{BARE}: {1 / alone.median:.3g} steps/s ({1000 * alone.median:.1f} ms, MAD {1000 * alone.mad:.1f})")
    for name in (DRAWN, WHOLE):
        found = ratio(samples[name], samples[BARE])
        print(f"{name:<22} time {found.median:.3f} ({found.low:.3f} - {found.high:.3f}) of {BARE}'s")
    if given.json:
        write(given.json, "guard", device, host, vars(given), samples, [])


def stepper(file: Path, name: str, device: torch.device):
    """A model's loop, one batch and its step a call."""
    model = trainable(file)
    if name != BARE:
        batches.number(model, model.cfgs, 0)
    if name == WHOLE:
        step.attach(model, model.cfgs)
    loop, clock = iter(model.train_loader), Parts(device)

    def run(_):
        training_step(model, next(loop), device, clock)

    return run


if __name__ == "__main__":
    main()
