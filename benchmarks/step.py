"""What does a step cost? Baseline-2 against MimicGait, MimicGait's parts, its guidance at test time, and the public code.

    python benchmarks/step.py                                        # GaitBase at its published widths, few frames on a CPU
    python benchmarks/step.py --device cuda --amp --json step.json   # 32 x 4 clips of 20 to 40 frames, as published
    python benchmarks/step.py --reference PATH                       # and the public MimicGait code on the same batch

The contract (alternation, warm-up, spread, seeds) is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml
from asked import add_model, add_rounds, clock_of
from measure import Budget, interleaved, machine, ratio, spread, write
from reference import Reference, check
from setting import Sizes, collated, save, shipped, testable, trainable, write_configs, write_data
from stepping import PARTS, Parts, test_step, training_step

from opengait_mimic import host as hosts
from opengait_mimic.base.ending import friendly_errors

BUDGETS = {"mimic": 1.40, "occlusion": 0.02, "guidance": 0.05, "public": 1.00}
"""Limits of the design: ratios of medians taken round by round."""
INFERENCE_ROUNDS = 4  # per training round: one clip is fast


def main() -> None:
    given = arguments().parse_args()
    with friendly_errors(), tempfile.TemporaryDirectory(prefix="opengait-mimic-step-") as folder:
        if given.reference:
            check(given.reference, given.backbone)
        host = hosts.bind(given.host, given.device, Path(folder) / "output")
        device = hosts.device()
        p, k = given.clips or ((32, 4) if device.type == "cuda" else (4, 2))
        sizes = Sizes(p, k, given.frames or (30 if device.type == "cuda" else 10))
        if given.amp and device.type == "cpu":
            raise hosts.HostError("--amp: mixed precision is for CUDA; the host computes in float32 on a CPU")
        measure(given, Path(folder), f"{host.name} {host.commit}", device, sizes, clock_of(given, device))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_model(parser, "gait3d")
    parser.add_argument("--clips", type=int, nargs=2, metavar=("P", "K"), help="subjects and clips of each (32 4 on CUDA, 4 2 on a CPU)")
    parser.add_argument("--frames", type=int, help="mean length of a clip (30 on CUDA, 10 on a CPU)")
    add_rounds(parser, 5, 2)
    parser.add_argument("--amp", action="store_true", help="float16 as the published configurations train; CUDA only")
    parser.add_argument("--reference", metavar="PATH", help="a copy of the public MimicGait repository")
    return parser


def measure(given, folder: Path, host: str, device: torch.device, sizes: Sizes, clock) -> None:
    """Time the training steps and the test of one clip, print the tables, write the file."""
    data = write_data(folder / "data", sizes)
    files = write_configs(folder / "configs", given.backbone, given.configs, data, sizes, given.amp)
    for method in ("baseline1", "ven"):
        save(files[method])
    models = {"Baseline-2": trainable(files["baseline2"]), "mimic": trainable(files["mimicgait"])}
    batch = collated(models["mimic"], True)
    parts = Parts(device, clock)
    variants = {name: stepper(model, batch, device, parts) for name, model in models.items()}
    variants["mimic in parts"], spent = stepper_in_parts(models["mimic"], batch, device, parts)
    models["mimic in parts"] = models["mimic"]
    reference = None
    if given.reference:
        square = sizes._replace(geometry=(64, 64))  # the public code's geometry is fixed
        files_64 = write_configs(folder / "configs-64", given.backbone, given.configs, data, square, given.amp)
        weights = {of: str(save(files_64[method])) for of, method in (("teacher", "baseline1"), ("ven", "ven"))}
        models["mimic 64x64"] = trainable(files_64["mimicgait"])
        variants["mimic 64x64"] = stepper(models["mimic 64x64"], batch, device, parts)
        task = {
            "reference": str(Path(given.reference).resolve()),
            "backbone": given.backbone,
            "device": device.type,
            "clock": clock.__name__,
        }
        reference = Reference(folder, batch, {**task, **weights, "data": data, "sizes": square, "amp": given.amp})
        variants["public 64x64"] = reference.step

    def prepare(name: str, i: int) -> None:
        seed(i % 2**31)
        if name in models:
            models[name].iteration = i % 2**31  # the draws of the occlusion: the same for all in a round

    samples = interleaved(variants, given.rounds, given.warmup, device, prepare, parts.clock)
    if reference is not None:
        reference.close()
    spent = {name: values[given.warmup :] for name, values in spent.items()}
    guided = inference(files, device, given.rounds * INFERENCE_ROUNDS, given.warmup, parts.clock)
    budgets = [
        Budget("mimic / Baseline-2", ratio(samples["mimic"], samples["Baseline-2"]), BUDGETS["mimic"]),
        Budget("occlusion / mimic step", ratio(spent["occlusion"], samples["mimic in parts"]), BUDGETS["occlusion"]),
        Budget("VEN guidance / inference", guidance(guided), BUDGETS["guidance"]),
    ]
    if reference is not None:
        budgets.append(Budget("mimic / public, both 64x64", ratio(samples["mimic 64x64"], samples["public 64x64"]), BUDGETS["public"]))
    settings = {
        "backbone": given.backbone,
        "configs": given.configs,
        "model_cfg": yaml.safe_load(shipped("baseline1", given.backbone, given.configs).read_text())["model_cfg"],
        **sizes._asdict(),
        "frames_in_batch": sum(len(clip) for clip in batch[0][0]),
        "amp": given.amp,
        "rounds": given.rounds,
        "warmup": given.warmup,
        "order": list(variants),
        "clock": clock.__name__,
        "seed": "the number of the round",
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
    }
    public = {**reference.facts, "last_loss": reference.loss} if reference is not None else None
    report(settings, device, host, samples, spent, guided, budgets, public)
    if given.json:
        every = {**samples, **{f"part: {name}": values for name, values in spent.items()}, **guided}
        write(given.json, "step", device, host, settings, every, budgets, public=public)


def stepper(model, batch, device: torch.device, parts: Parts):
    """A training step of a model, as a variant."""

    def step(i: int) -> None:
        training_step(model, batch, device, parts)

    return step


def stepper_in_parts(model, batch, device: torch.device, parts: Parts):
    """A training step of a MimicGait with its clock on, as a variant; and part -> seconds of every call."""
    parts.watch(model)
    spent: dict[str, list[float]] = {name: [] for name in PARTS}

    def step(i: int) -> None:
        parts.on, parts.spent = True, {}
        training_step(model, batch, device, parts)
        parts.on = False
        for name in PARTS:
            spent[name].append(parts.spent.get(name, 0.0))

    return step, spent


def seed(number: int) -> None:
    """Seed what transforms and layers draw from."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def inference(files: dict[str, Path], device: torch.device, rounds: int, warmup: int, clock) -> dict[str, list[float]]:
    """One test clip with and without the VEN."""
    for method in ("mimicgait", "vanilla"):
        save(files[method])
    models = {"inference with VEN": testable(files["mimicgait"]), "inference without VEN": testable(files["vanilla"])}
    clip = collated(models["inference with VEN"], False, [0])

    def variant(model):
        return lambda i: test_step(model, clip, device)

    return interleaved(
        {name: variant(model) for name, model in models.items()}, rounds, warmup, device, lambda _, i: seed(i % 2**31), clock
    )


def guidance(found: dict[str, list[float]]):
    """The share of a test clip's time that the VEN and T take, round by round."""
    pairs = zip(found["inference with VEN"], found["inference without VEN"])
    return spread([(guided - plain) / guided for guided, plain in pairs])


def report(settings, device, host, samples, spent, guided, budgets, public) -> None:
    """The tables and the verdicts."""
    here = machine(device, host)
    where = here["gpus"][0] if device.type == "cuda" else f"{here['cpu']}, {here['threads']} thread(s)"
    precision = "float16" if settings["amp"] else "float32"
    print(f"host {host}; {where}; torch {here['torch']}; load {here['load'][0] if here['load'] else '?'}")
    print(
        f"{settings['backbone']}, {settings['subjects']} x {settings['clips']} clips, {settings['frames_in_batch']} frames of"
        f" {settings['geometry'][0]}x{settings['geometry'][1]}, {precision}; {settings['rounds']} rounds after {settings['warmup']} warm-up"
    )
    line = "{:<40}{:>12}{:>10}{:>10}".format
    print(line("training step", "median ms", "± ms", ""))
    for name, values in samples.items():
        found = spread(values)
        print(line(f"  {name}", f"{1e3 * found.median:.1f}", f"{1e3 * found.mad:.1f}", ""))
    print(line("parts of the mimic step", "median ms", "± ms", "share"))
    for name, values in spent.items():
        found, share = spread(values), ratio(values, samples["mimic in parts"])
        print(line(f"  {name}", f"{1e3 * found.median:.1f}", f"{1e3 * found.mad:.1f}", f"{100 * share.median:.2f} %"))
    print(line("test of one clip", "median ms", "± ms", ""))
    for name, values in guided.items():
        found = spread(values)
        print(line(f"  {name}", f"{1e3 * found.median:.2f}", f"{1e3 * found.mad:.2f}", ""))
    if public is not None:
        print(f"public code: {public['class']}, {public['configuration']}, losses {public['losses']}, commit {public['commit']}")
    print("verdicts: median of the ratios of each round (quartiles)")
    for budget in budgets:
        print("  " + budget.line())


if __name__ == "__main__":
    main()
