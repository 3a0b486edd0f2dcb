"""Our side of the comparison with the public code: a mimic of ours, its weights and its batches as a job for public_worker.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import yaml
from torch import nn

from benchmarks import common
from tests.host_runs import good
from tests.published.public_hiding import ALL, FIVE
from tests.published.public_weights import to_public

SIZES = common.Sizes(3, 2, 6, (64, 64))
WORKER = Path(__file__).with_name("public_worker.py")
DEEP = {"data_cfg": {"dataset_name": "GREW"}, "model_cfg": {"channels": [4, 4, 4, 8]}}  # the public mimic's GaitGL is the deep one
SHARED = ("backbone_cfg", "SeparateFCs", "bin_num", "channels")  # keys that the public configurations spell as OpenGait does


class Pair(NamedTuple):
    """The same network twice: ours, and what the public code found with its weights and clips."""

    kind: str  # `mimicgait` or `occlusionaware`
    files: dict  # our configurations: method -> YAML
    model: nn.Module  # ours for training, before its step
    batch: object  # its training batch
    tested: nn.Module  # ours for testing, with the same weights
    folder: Path  # the job


def scatter(net: nn.Module, seed: int) -> nn.Module:
    """Random BatchNorm statistics and weights, far from a fresh network's 0 and 1."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                for name, low, high in (("running_mean", -0.3, 0.3), ("running_var", 0.5, 2), ("weight", 0.5, 1.5), ("bias", -0.5, 0.5)):
                    getattr(module, name).uniform_(low, high, generator=chance)
    return net


def edit(file: Path, **blocks) -> None:
    """Change keys of a YAML's blocks; a list replaces its block."""
    cfgs = yaml.safe_load(file.read_text())
    for name, keys in blocks.items():
        cfgs[name] = keys if isinstance(keys, list) else {**cfgs[name], **keys}
    file.write_text(yaml.safe_dump(cfgs, sort_keys=False))


def save(file: Path, seed: int) -> nn.Module:
    """The trainable model of a configuration with scattered statistics, and its checkpoint where others look for it."""
    model = scatter(common.trainable(file), seed)
    model.save_ckpt(1)
    return model


def write_batch(file: Path, batch, views: tuple) -> None:
    """Keep a batch as the public forward takes it."""
    more = {} if batch.seqL is None else {"seqL": batch.seqL.numpy()}
    np.savez(file, views=np.stack([view.numpy() for view in views]), labs=batch.labs.numpy(), **more)


def prepare(folder: Path, backbone: str, data: dict, public: dict, kind: str = "mimicgait", **blocks) -> Pair:
    """Build ours with random weights and write the job: weights under public names, both views of each batch.

    Args:
        folder: everything goes here.
        backbone: ``gaitbase`` or ``gaitgl``.
        data: keys of ``data_cfg``.
        public: what the job's public configuration changes; its ``model_cfg`` is completed with our widths.
        kind: our method, ``mimicgait`` or ``occlusionaware``.
        blocks: changes to its configuration.
    """
    files = common.write_configs(folder / "configs", backbone, "walkers", data, SIZES, False, ("baseline1", "ven", kind))
    if backbone == "gaitgl":
        edit(files["baseline1"], **DEEP)
        if kind == "occlusionaware":
            edit(files["baseline1"], model_cfg={"SeparateBNNecks": {"class_num": 5, "in_channels": 8, "parts_num": 64}})
    if kind == "mimicgait":  # whose teacher is trained on 64x44: any_geometry
        edit(files["baseline1"], evaluator_cfg={"transform": [{"type": "BaseSilCuttingTransform"}]})
    compat = {"reference_compat": ALL, **({"init_mimic": False} if kind == "mimicgait" else {})}
    five = {"occlusion": {"kinds": dict.fromkeys(FIVE, 0.2), "hidden": [0.4, 0.6]}}
    edit(files[kind], model_cfg={**compat, **blocks.pop("model_cfg", {})}, trainer_cfg=five, evaluator_cfg=five, **blocks)
    published = {"occlusion": {"kinds": {"none": 0.34, "top": 0.33, "bottom": 0.33}, "hidden": [0.4, 0.6]}}
    edit(files["ven"], model_cfg={"reference_compat": "all"}, trainer_cfg=published, evaluator_cfg=published)
    for seed, stage in enumerate(("baseline1", "ven")):
        save(files[stage], seed)
    model = save(files[kind], 2)
    batch = model.inputs_pretreament(common.collated(model, True))
    job = folder / "job"
    job.mkdir()
    views = slice(2 if kind == "mimicgait" else 1)  # the mimic's forward takes occluded and whole, the other the first alone
    write_batch(job / "train.npz", batch, (batch.occluded, batch.whole)[views])
    tested = common.testable(files[kind])
    for i, seen in enumerate(test_batches(tested)):
        write_batch(job / f"test-{i}.npz", seen, (seen.occluded, seen.whole)[views])
    widths = {key: value for key, value in yaml.safe_load(files["baseline1"].read_text())["model_cfg"].items() if key in SHARED}
    if model.Mixer is not None:
        parts, wide, narrow = model.Mixer.fc_bin.shape
        widths["OccMixerFCs"] = {"in_channels": wide, "out_channels": narrow, "parts_num": parts}
    if model.BNNecks is not None:
        parts, channels, classes = model.BNNecks.fc_bin.shape
        widths["SeparateBNNecks"] = {"class_num": classes, "in_channels": channels, "parts_num": parts}
    (job / "job.json").write_text(json.dumps({"backbone": backbone, **public, "model_cfg": {**widths, **public.get("model_cfg", {})}}))
    torch.save({**to_public(kind, model.state_dict()), **teacher_names(model)}, job / "weights.pt")
    return Pair(kind, files, model, batch, tested, job)


def test_batches(tested: nn.Module) -> list:
    """Occluded test clips batch by batch: packed, but for GaitGL, which takes one at a time."""
    single = type(getattr(tested, tested.NET)).__name__ == "GaitGL"
    return [tested.inputs_pretreament(common.collated(tested, False, clips)) for clips in ([[0], [1], [2]] if single else [[0, 1], [2]])]


def cast(batch, dtype: torch.dtype):
    """A batch in another precision."""
    return batch._replace(occluded=batch.occluded.to(dtype), whole=batch.whole.to(dtype))


@torch.no_grad()
def ranked(tested: nn.Module, dtype: torch.dtype) -> torch.Tensor:
    """What our test ranks."""
    tested.to(dtype)
    return torch.cat([tested(cast(batch, dtype))["inference_feat"]["embeddings"] for batch in test_batches(tested)])


def teacher_names(model) -> dict:
    """Our teacher, if there is one, under its public names, without the heads the public code drops."""
    if getattr(model, "teacher", None) is None:
        return {}
    net, unreached = model.teacher.net, model.teacher.embedding.unreached
    return {f"full_component.{name}": value for name, value in net.state_dict().items() if name not in unreached}


def run_public(root: str, jobs: list[Path]) -> None:
    """Run the jobs in one process of the public code."""
    good(WORKER, root, *jobs, cwd=jobs[0])


def found_by_public(job: Path, dtype: torch.dtype) -> dict:
    """What the public code found in this precision."""
    with np.load(job / f"{str(dtype).removeprefix('torch.')}.npz") as kept:
        return {name: torch.from_numpy(kept[name]) for name in kept}


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    assert ours.shape == theirs.shape
    return float((ours.double() - theirs.double()).abs().max() / theirs.double().abs().max().clamp(min=1e-30))
