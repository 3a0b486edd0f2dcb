"""The cost of a training step: MimicGait against Baseline-2, its occlusion, its guidance in a test, and the public code.

python benchmarks/step.py                                        # GaitBase at its published widths, few frames on a CPU
python benchmarks/step.py --device cuda --amp --json step.json   # 32 x 4 clips of 20 to 40 frames, as published
python benchmarks/step.py --reference PATH                       # also the public MimicGait code on the same batch
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from common import (
    Budget,
    Sizes,
    add_rounds,
    clock_of,
    collated,
    interleaved,
    machine,
    print_report,
    ratio,
    save,
    seed,
    spread,
    test_step,
    testable,
    trainable,
    training_step,
    write_configs,
    write_data,
    write_result,
)
from public_step import PublicStep, check_public_code

from opengait_mimic import host as hosts
from opengait_mimic.base.command_exit import friendly_errors
from opengait_mimic.base.errors import HostError
from opengait_mimic.cli.arguments import add_device_argument, add_host_argument

BUDGETS = {"mimic": 1.40, "occlusion": 0.001, "guidance": 0.04, "public": 0.85}
"""Limits of the design."""
INFERENCE_ROUNDS = 4  # per training round: one clip is fast


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_host_argument(parser)
    add_device_argument(parser)
    parser.add_argument("--backbone", default="gaitbase", help="gaitbase, gaitgl, deepgaitv2")
    parser.add_argument("--configs", default="gait3d", help="the data set in the names of the shipped configurations")
    parser.add_argument("--clips", type=int, nargs=2, metavar=("P", "K"), help="subjects and clips of each (32 4 on CUDA, 4 2 on a CPU)")
    parser.add_argument("--frames", type=int, help="mean length of a clip (30 on CUDA, 10 on a CPU)")
    add_rounds(parser, 5, 2)
    parser.add_argument("--amp", action="store_true", help="float16, as the published configurations train; CUDA only")
    parser.add_argument("--reference", metavar="PATH", help="a copy of the public MimicGait repository")
    args = parser.parse_args()
    with friendly_errors(), tempfile.TemporaryDirectory(prefix="opengait-mimic-step-") as folder:
        if args.reference:
            check_public_code(args.reference, args.backbone)
        host = hosts.bind(args.host, args.device, Path(folder) / "output")
        device, on_gpu = hosts.device(), hosts.device().type == "cuda"
        if args.amp and not on_gpu:
            raise HostError("--amp: mixed precision is for CUDA; the host computes in float32 on a CPU")
        sizes = Sizes(*(args.clips or ((32, 4) if on_gpu else (4, 2))), args.frames or (30 if on_gpu else 10))
        measure(args, Path(folder), f"{host.name} {host.commit}", device, sizes)


def measure(args, folder: Path, host: str, device: torch.device, sizes: Sizes) -> None:
    """Time training steps and the test of one clip, print the tables, write the file."""
    from modeling.base_model import BaseModel  # the bound host's

    clock, data_cfg = clock_of(args, device), write_data(folder / "data", sizes)
    files = write_configs(folder / "configs", args.backbone, args.configs, data_cfg, sizes, args.amp)
    for method in ("baseline1", "ven"):
        save(files[method])
    models = {"Baseline-2": trainable(files["baseline2"]), "mimic": trainable(files["mimicgait"])}
    mimic = models["mimic"]
    batch, public = collated(mimic, True), None
    variants = {name: repeat_step(model, batch, device) for name, model in models.items()}
    variants["whole and occluded view"] = lambda _: mimic.occluded_batch(batch)
    variants["host's transforms"] = lambda _: BaseModel.inputs_pretreament(mimic, batch)
    if args.reference:  # the public code's geometry is fixed
        square = sizes._replace(geometry=(64, 64))
        files_64 = write_configs(folder / "configs-64", args.backbone, args.configs, data_cfg, square, args.amp)
        weights = {of: str(save(files_64[method])) for of, method in (("teacher", "baseline1"), ("ven", "ven"))}
        models["mimic 64x64"] = trainable(files_64["mimicgait"])
        variants["mimic 64x64"] = repeat_step(models["mimic 64x64"], batch, device)
        task = {"reference": str(Path(args.reference).resolve()), "backbone": args.backbone, "device": device.type, "clock": clock.__name__}
        public = PublicStep(folder, batch, {**task, **weights, "data": data_cfg, "sizes": square, "amp": args.amp})
        variants["public 64x64"] = public.step

    def prepare_run(name: str, i: int) -> None:
        seed(i)
        if name in models:
            models[name].iteration = i % 2**31  # the occlusion's draws: the same for all in a round

    samples = interleaved(variants, args.rounds, args.warmup, device, clock, prepare_run, self_timed=["public 64x64"])
    if public is not None:
        public.close()
    for method in ("mimicgait", "vanilla"):
        save(files[method])
    tested = {"inference with VEN": testable(files["mimicgait"]), "inference without VEN": testable(files["vanilla"])}
    clip = collated(tested["inference with VEN"], False, [0])
    tests = {name: (lambda i, model=model: test_step(model, clip, device)) for name, model in tested.items()}
    guided = interleaved(tests, args.rounds * INFERENCE_ROUNDS, args.warmup, device, clock, lambda _, i: seed(i))
    occlusion = [max(0.0, a - b) for a, b in zip(samples["whole and occluded view"], samples["host's transforms"])]
    guidance = [(a - b) / a for a, b in zip(guided["inference with VEN"], guided["inference without VEN"])]
    budgets = [
        Budget("mimic / Baseline-2", ratio(samples["mimic"], samples["Baseline-2"]), BUDGETS["mimic"]),
        Budget("occlusion / mimic step", ratio(occlusion, samples["mimic"]), BUDGETS["occlusion"]),
        Budget("VEN guidance / inference", spread(guidance), BUDGETS["guidance"]),
    ]
    if public is not None:
        budgets.append(Budget("mimic / public, both 64x64", ratio(samples["mimic 64x64"], samples["public 64x64"]), BUDGETS["public"]))
    here = machine(device, host)
    where = here["gpus"][0] if device.type == "cuda" else f"{here['cpu']}, {here['threads']} thread(s)"
    lines = [
        f"host {host}; {where}; torch {here['torch']}; load {here['load'][0]}",
        f"{args.backbone}, {sizes.subjects} x {sizes.clips} clips of about {sizes.frames} frames, {sizes.geometry[0]}x{sizes.geometry[1]},"
        f" {'float16' if args.amp else 'float32'}; {args.rounds} rounds after {args.warmup} warm-up",
    ]
    if public is not None:
        lines.append(f"public code: {public.facts['class']}, {public.facts['configuration']}, commit {public.facts['commit']}")
    print_report({**samples, **guided}, budgets, *lines)
    if args.json:
        settings = {**vars(args), **sizes._asdict(), "order": list(variants), "clock": clock.__name__, "seed": "the number of the round"}
        facts = {**public.facts, "last_loss": public.loss} if public is not None else None
        write_result(args.json, "step", device, settings, {**samples, **guided}, budgets, host=host, public=facts)


def repeat_step(model, batch, device: torch.device):
    """A variant: one training step."""
    return lambda _: training_step(model, batch, device)


if __name__ == "__main__":
    main()
