"""Are several test sequences at a time faster than one by one? The host's own test loop over the same made-up walkers, both ways.

    OMP_NUM_THREADS=1 python benchmarks/passes.py --cpu-time   # the walkers' widths on a CPU that others use too
    python benchmarks/passes.py --configs gait3d --device cuda   # the published widths

The contract (alternation, warm-up, spread) is in README.md beside this file. Also prints the number of sequences that `embed` chooses,
and how far the embeddings of the two ways are apart.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from asked import add_method, add_model, add_rounds, clock_of
from measure import interleaved, ratio, spread, write
from setting import Sizes, save, write_configs

from opengait_mimic import host as hosts
from opengait_mimic.cli.console import friendly_errors
from opengait_mimic.data.walkers import write_walkers
from opengait_mimic.evaluation.embeddings.allocator import keep_memory
from opengait_mimic.evaluation.embeddings.batching import FRAMES, SEQUENCES, why_single
from opengait_mimic.evaluation.embeddings.embed import part_of
from opengait_mimic.evaluation.embeddings.sequence_facts import followed
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, start_log

BLOCK = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "seed": 0}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_model(parser, "walkers")
    add_method(parser, "mimicgait")
    parser.add_argument("--subjects", type=int, default=8, help="test subjects, with four sequences each")
    parser.add_argument("--length", type=int, default=25, help="frames of a sequence, about")
    parser.add_argument("--together", type=int, nargs="*", help="frames in the network at once, to try; default: what `embed` takes")
    parser.add_argument("--as-it-is", action="store_true", help="on a CPU: leave the C library's memory to itself, as `embed` does not")
    add_rounds(parser, 10, 2)
    return parser


def main() -> None:
    given = arguments().parse_args()
    with friendly_errors(), tempfile.TemporaryDirectory(prefix="opengait-mimic-passes-") as folder:
        host, device = hosts.bind(given.host, given.device, Path(folder) / "output"), hosts.device()
        measure(given, Path(folder), f"{host.name} {host.commit}", device, clock_of(given, device))


def measure(given, folder: Path, host: str, device: torch.device, clock) -> None:
    """Time the pass over hidden sequences both ways, print the table, write the file."""
    model = tested(given, folder)
    why, whole = why_single(model), model.test_loader
    chosen = 1 if why else SEQUENCES
    print(f"{given.method} {given.backbone} {given.configs}: embed takes {chosen} at a time" + (f", since {why}" if why else ""))
    if device.type == "cpu" and not given.as_it_is and not keep_memory():
        print("this C library's memory cannot be kept between batches")
    kept: dict[str, np.ndarray] = {}

    def way(name: str, batch: int, frames: int):
        def run(_):
            model.test_loader = part_of(whole, range(len(whole.dataset)), batch)
            with followed(model, frames), torch.no_grad():
                kept[name] = model.inference(-1)["embeddings"]

        return run

    limits = given.together or [FRAMES[device.type]]
    variants = {"one by one": way("one by one", 1, limits[0])}
    variants.update({name: way(name, SEQUENCES, limit) for limit in limits for name in [f"up to {limit} frames"]} if not why else {})
    samples = interleaved(variants, given.rounds, given.warmup, device, clock=clock)
    alone = spread(samples["one by one"])
    count, frames = len(whole.dataset), [len(whole.dataset[i][0][0]) for i in range(len(whole.dataset))]
    print(f"{count} sequences of {min(frames)}-{max(frames)} frames, {SEQUENCES} at a time against one by one; {given.rounds} rounds")
    print(f"one by one: {1000 * alone.median / count:.2f} ms a sequence (MAD {1000 * alone.mad / count:.2f})")
    for name in list(variants)[1:]:
        found = ratio(samples[name], samples["one by one"])
        apart = float(np.abs(kept[name] - kept["one by one"]).max() / np.abs(kept["one by one"]).max())
        verdict = "faster" if found.high < 1 else "slower" if found.low > 1 else "unclear"
        print(f"{name:<22} time {found.median:.3f} ({found.low:.3f} - {found.high:.3f}) of one by one, {verdict}; apart {apart:.1e}")
    if given.json:
        write(given.json, "passes", device, host, vars(given), samples, [], chosen=chosen, why=why)


def tested(given, folder: Path):
    """The model with random weights, on made-up walkers, hiding them."""
    tree = write_walkers(folder / "data", 2 + given.subjects, train=2, sessions=("nm-01", "nm-02"), views=(54, 90), frames=given.length)
    data = {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition), "num_workers": 0, "cache": True}
    files = write_configs(folder / "configs", given.backbone, given.configs, data, Sizes(2, 2, 4), False)
    for method in dict.fromkeys(["baseline1", "ven", given.method]):
        save(files[method])
    cfgs = prepare(files[given.method], "embed")
    start_log(cfgs, False, False, quiet=True)
    model = build(cfgs, training=False, occludable=True)
    model.hide(BLOCK)
    return model


if __name__ == "__main__":
    main()
