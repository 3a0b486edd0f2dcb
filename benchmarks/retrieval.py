"""What does ranking cost? Streaming ranks against a per-probe Python loop, and a large gallery's memory.

    python benchmarks/retrieval.py --json retrieval.json                # 1000 probes against 2,000 and 10,000
    OMP_NUM_THREADS=1 python benchmarks/retrieval.py --cpu-time         # on a CPU that others use at the same time
    OMP_NUM_THREADS=2 python benchmarks/retrieval.py --large            # 24,000 x 24,000: time and peak memory, once

Both start from the embeddings of whole sequences and end with Rank-k, mAP and mINP. The loop computes all distances by matrix products in
float32, then sorts one probe's gallery after the other in NumPy; `loop's distances` is its first half alone. The contract
(alternation, warm-up, spread, seeds) is in README.md next to this file.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from functools import partial

import numpy as np
import torch
from common import Budget, add_rounds, clock_of, interleaved, machine, print_report, ratio, write_result

from opengait_mimic.metrics import accuracy, mean_precision, rank_probes, verify_split
from opengait_mimic.metrics.protocols import Split

LARGE = 24_000
MATES = 4  # gallery sequences of each subject
LATENT = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--gallery", type=int, nargs="+", default=[2000, 10000])
    parser.add_argument("--shape", type=int, nargs=2, metavar=("C", "P"), default=[256, 16], help="channels and parts of an embedding")
    add_rounds(parser, 5, 1)
    parser.add_argument("--large", action="store_true", help=f"{LARGE} probes against as many, once, and nothing else")
    given = parser.parse_args()
    clock = clock_of(given, torch.device("cpu"))
    if given.large:
        large(given)
    else:
        compare(given, clock)


def sequences(probes: int, gallery: int, shape, seed: int):
    """A split of generated sequences and what ``rank_probes`` takes: each side's embeddings [N, c, p], labels, views.

    Subjects have `MATES` sequences in the gallery. The embeddings vary in `LATENT` directions, as those of networks do in few (a
    distance's spread is a tenth of it then, not a hundredth), and a little in all; the probes' vary more, so that some are missed.
    """
    rng = np.random.default_rng(seed)
    subject = np.concatenate([np.arange(probes) % (gallery // MATES), np.arange(gallery) // MATES])
    centre = rng.standard_normal((gallery // MATES + 1, LATENT), dtype=np.float32)[subject]
    loading = rng.standard_normal((LATENT, shape[0] * shape[1]), dtype=np.float32)

    def side(noise):
        latent = centre + noise * rng.standard_normal(centre.shape, dtype=np.float32)
        found = rng.standard_normal((len(subject), loading.shape[1]), dtype=np.float32)
        for start in range(0, len(found), 1024):
            found[start : start + 1024] += latent[start : start + 1024] @ loading
        return found.reshape(-1, *shape)

    whole, hidden = side(0.5), side(1.2)
    first = np.arange(len(subject)) < probes
    views = np.zeros(len(subject), dtype=np.int64)
    return Split("generated", {"all": (first, ~first)}, False), hidden, whole, subject, views


def streamed(data) -> tuple[float, ...]:
    """Rank-1, Rank-5, mAP and mINP by the package, percent."""
    found = rank_probes(*data)
    return accuracy(found, 1), accuracy(found, 5), *mean_precision(found)


def all_distances(data) -> np.ndarray:
    """Every distance at once, [P, G], by the expanded square of each part."""
    split, hidden, whole, *_ = data
    first, rest = split.subsets["all"]
    x, y = torch.from_numpy(hidden[first]), torch.from_numpy(whole[rest])
    total = torch.zeros(len(x), len(y))
    for i in range(x.shape[2]):
        a, b = x[:, :, i], y[:, :, i]
        total += (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp(min=0).sqrt()
    return (total / x.shape[2]).numpy()


def looped(data) -> tuple[float, ...]:
    """The same by a loop over the probes, as evaluation code of the field is written; ties fall as the sort has them."""
    distance, (first, rest) = all_distances(data), data[0].subsets["all"]
    labels, theirs = data[3][first], data[3][rest]
    top1, top5, ap, inp = [], [], [], []
    for row, label in zip(distance, labels):
        hit = theirs[np.argsort(row)] == label
        places = np.flatnonzero(hit) + 1
        top1.append(hit[0])
        top5.append(hit[:5].any())
        ap.append(np.mean(np.arange(1, len(places) + 1) / places))
        inp.append(len(places) / places[-1])
    return tuple(100 * float(np.mean(column)) for column in (top1, top5, ap, inp))


def compare(given, clock) -> None:
    """Alternate the variants at every size of the gallery, print the table, write the file."""
    variants = {}
    for gallery in given.gallery:
        data = sequences(given.probes, gallery, given.shape, seed=gallery)
        mine, theirs = streamed(data), looped(data)
        np.testing.assert_allclose(mine, theirs, atol=0.2)  # a probe or two at a digit's edge
        print(f"gallery {gallery}: Rank-1, Rank-5, mAP, mINP  " + "  ".join(f"{a:.2f} ({b:.2f} by the loop)" for a, b in zip(mine, theirs)))
        for name, run in (("streamed", streamed), ("loop", looped), ("loop's distances", all_distances)):
            variants[f"{name}, {gallery}"] = partial(call_with, run, data)
    cpu = torch.device("cpu")
    samples = interleaved(variants, given.rounds, given.warmup, cpu, clock=clock)
    here = machine(cpu)
    budgets = [Budget(f"streamed / loop, {g}", ratio(samples[f"streamed, {g}"], samples[f"loop, {g}"]), 1.0) for g in given.gallery]
    print_report(
        samples,
        budgets,
        f"{here['cpu']}, {here['threads']} thread(s); torch {here['torch']}, NumPy {here['numpy']}; load {here['load'][0]}",
        f"{given.probes} probes, {given.shape}; {given.rounds} rounds after {given.warmup} warm-up, {clock.__name__}",
    )
    if given.json:
        write_result(given.json, "retrieval", cpu, {**vars(given), "clock": clock.__name__, "mates": MATES}, samples, budgets)


def call_with(run, data, i: int):
    """A variant: round ``i`` of a way to rank."""
    return run(data)


def large(given) -> None:
    """Rank and verify once, and say what it took."""
    data = sequences(LARGE, LARGE, given.shape, seed=0)
    held = sum(side.nbytes for side in data[1:3]) / 1e9
    size = f"{LARGE} x {LARGE} sequences of [{given.shape[0]}, {given.shape[1]}], {torch.get_num_threads()} thread(s)"
    print(f"{size}; the embeddings of both sides of all {2 * LARGE} sequences: {held:.2f} GB; peak so far {peak():.2f} GB")
    for name, run in (("trials", streamed), ("verification", verified)):
        wall, cpu = time.perf_counter(), time.process_time()
        found = run(data)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name}: {wall:.0f} s, {cpu:.0f} processor seconds, peak memory {peak():.2f} GB; " + ", ".join(f"{x:.3f}" for x in found))


def verified(data) -> tuple[float, ...]:
    """TAR at 1 % and 0.1 % FAR and EER, percent."""
    found = verify_split(*data)
    return *found.tar_at_far.values(), found.eer


def peak() -> float:
    """The most memory the process has held, GB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e9 if sys.platform == "darwin" else most * 1024 / 1e9


if __name__ == "__main__":
    main()
