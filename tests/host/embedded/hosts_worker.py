"""Run by test_embedded_hosts.py in one process per host: compute with the given inputs, write an .npz.

Usage: python hosts_worker.py HOST_FOLDER INPUTS.pt OUT.npz, with HOST_FOLDER the one that holds modeling/, data/, utils/.
"""

from __future__ import annotations

import random
import sys
import types
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

folder, inputs_path, out_path = sys.argv[1:]
sys.path.insert(0, folder)
# A stand-in for modeling.models whose __init__ does not run: a real checkout's imports every model, with all they need.
models = types.ModuleType("modeling.models")
models.__path__ = [str(Path(folder) / "modeling" / "models")]
sys.modules["modeling.models"] = models
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)

from data.collate_fn import CollateFn  # noqa: E402
from data.dataset import DataSet  # noqa: E402
from data.sampler import InferenceSampler, TripletSampler  # noqa: E402
from data.transform import get_transform  # noqa: E402
from evaluation import evaluator, metric  # noqa: E402
from modeling import losses, modules  # noqa: E402
from modeling.models.baseline import Baseline  # noqa: E402
from utils import get_msg_mgr  # noqa: E402

assert Path(modules.__file__).resolve().is_relative_to(Path(folder).resolve())
get_msg_mgr().init_logger(str(Path(out_path).parent), False)
given = torch.load(inputs_path, weights_only=False)
out = {}


def seeded(seed):
    """Seed all generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def cpu_dist(x, y, metric="euc"):
    """The host's distance on the CPU: a tensor's .cuda() is turned off while it runs."""
    original, torch.Tensor.cuda = torch.Tensor.cuda, lambda self, *a, **k: self
    try:
        return metric_dist(x, y, metric)
    finally:
        torch.Tensor.cuda = original


metric_dist = metric.cuda_dist
evaluator.cuda_dist = cpu_dist

model = Baseline.__new__(Baseline)
torch.nn.Module.__init__(model)
model.build_network(given["model_cfg"])
if "weights" in given:
    model.load_state_dict(given["weights"])
clips, labs = given["clips"], given["labels"]
for mode in ("train", "eval"):
    model.train(mode == "train")
    dtype = torch.float64 if mode == "train" else torch.float32  # batch statistics of few clips magnify rounding
    model.to(dtype)
    for name, sils, seqL in (("fixed", clips, None), ("packed", given["packed"], given["seqL"])):
        # without gradient tracking BatchNorm in training mode still uses the batch
        with torch.no_grad():
            retval = model(([sils.to(dtype)], labs, None, None, seqL))
        out[f"embeddings {mode} {name}"] = retval["inference_feat"]["embeddings"]
        out[f"logits {mode} {name}"] = retval["training_feat"]["softmax"]["logits"]
        out[f"image {mode} {name}"] = retval["visual_summary"]["image/sils"]

for name, margin in (("narrow", 0.2), ("wide", 5.0)):
    x = given["embeddings"].clone().requires_grad_()
    loss, info = losses.triplet.TripletLoss(margin)(embeddings=x, labels=labs)
    loss.mean().backward()
    out.update({f"triplet {name}": loss, f"triplet {name} gradient": x.grad})
    out.update({f"triplet {name} {key}": value for key, value in info.items()})
for smooth in (False, True):
    x = given["logits"].clone().requires_grad_()
    loss, info = losses.ce.CrossEntropyLoss(label_smooth=smooth, log_accuracy=True)(logits=x, labels=labs)
    loss.backward()
    out.update({f"softmax {smooth}": loss, f"softmax {smooth} gradient": x.grad})
    out.update({f"softmax {smooth} {key}": value for key, value in info.items()})

frames = given["frames"]
items = [([seq], [f"s{i % 2}", f"t{i}", f"v{i}", []]) for i, seq in enumerate(frames)]
for kind in ("fixed", "unfixed", "all"):
    for order in ("ordered", "unordered"):
        cfg = {"sample_type": f"{kind}_{order}", "frames_num_fixed": 6, "frames_num_min": 4, "frames_num_max": 9}
        collate = CollateFn(["s0", "s1"], {**cfg, "frames_skip_num": 3, "frames_all_limit": 8})
        seeded(3)
        for i in range(5):
            inputs, labels, _, _, seqL = collate(items)
            out[f"collate {kind}_{order} {i}"] = np.concatenate([np.asarray(clip) for clip in inputs[0]])
            out[f"collate {kind}_{order} {i} labels"] = np.asarray(labels)
            if seqL is not None:
                out[f"collate {kind}_{order} {i} seqL"] = seqL

# the sampler blocks of OpenGait's silhouette configurations and of ours, on two inputs per clip
pairs = [([seq, seq[:, :3]], info) for (seq,), info in items]
for name, block in {
    "gaitbase": {"sample_type": "unfixed_unordered", "frames_num_min": 10, "frames_num_max": 50},
    "gaitset": {"sample_type": "fixed_unordered", "frames_num_fixed": 30, "frames_num_min": 25, "frames_num_max": 50},
    "gaitgl": {"sample_type": "fixed_ordered", "frames_num_fixed": 30, "frames_skip_num": 0},
    "deepgaitv2": {"sample_type": "fixed_ordered", "frames_num_fixed": 30, "frames_skip_num": 4},
    "gaitpart": {"sample_type": "fixed_ordered", "frames_num_fixed": 30, "frames_skip_num": 10},
    "unfixed_ordered": {"sample_type": "unfixed_ordered", "frames_num_min": 10, "frames_num_max": 50, "frames_skip_num": 4},
    "test": {"sample_type": "all_ordered", "frames_all_limit": 720},
    "test of some": {"sample_type": "all_ordered", "frames_all_limit": 7},  # some of the clips are shorter
    "test of one": {"sample_type": "all_unordered", "frames_all_limit": 1},
    "test of all": {"sample_type": "all_ordered"},
}.items():
    seeded(5)
    for i in range(3):
        inputs, _, _, _, seqL = CollateFn(["s0", "s1"], block)(pairs)
        for j, clips_of_one in enumerate(inputs):
            out[f"collate {name} {i} input {j}"] = np.concatenate([np.asarray(clip) for clip in clips_of_one])
        out[f"collate {name} {i} lengths"] = np.asarray([len(clip) for clip in inputs[0]] if seqL is None else seqL)

for name, use in (("all files", None), ("by mask", [True, False, True]), ("by number", [2, 0])):
    for training in (True, False):
        found = DataSet({**given["data_cfg"], "data_in_use": use, "remove_no_gallery": True}, training)
        out[f"data set {name} {training}"] = np.asarray([[*info[:3], *info[3]] for info in found.seqs_info])
        out[f"data set {name} {training} frames"] = np.stack([np.stack(found[i][0]) for i in range(len(found))])
        out[f"data set {name} {training} classes"] = np.asarray(found.label_set)


class Toy:
    """What a sampler needs of a data set."""

    label_set = ["a", "b", "c"]
    indices_dict = {"a": [0, 1, 2], "b": [3], "c": [4, 5, 6, 7]}

    def __len__(self):
        return 8


for shuffle in (False, True):
    seeded(4)
    batches = iter(TripletSampler(Toy(), [2, 3], batch_shuffle=shuffle))
    out[f"triplet sampler {shuffle}"] = np.asarray([next(batches) for _ in range(6)])
for size in (1, 3, 5):
    sampler = InferenceSampler(Toy(), size)
    out[f"inference sampler {size}"] = np.asarray(list(sampler) + [[len(sampler)] * size])

for name, cfg in {
    "cut": {"type": "BaseSilCuttingTransform"},
    "cut 3": {"type": "BaseSilCuttingTransform", "cutting": 3},
    "plain": {"type": "BaseSilTransform"},
    "flip": {"type": "RandomHorizontalFlip", "prob": 0.5},
    "rotate": {"type": "RandomRotate", "prob": 0.7},
    "perspective": {"type": "RandomPerspective", "prob": 0.7},
    "narrow rotate": {"type": "RandomRotate", "prob": 0.7},
}.items():
    seeded(6)
    trf, seq = get_transform(cfg), frames[0][..., 10:54] if name.startswith("narrow") else frames[0]
    out[f"transform {name}"] = np.stack([np.asarray(trf(seq.copy()), np.float64) for _ in range(8)])

for which in ("euc", "cos"):
    out[f"distance {which}"] = cpu_dist(given["gallery"]["embeddings"], given["gallery"]["embeddings"][:7], which)
    out[f"indoor {which}"] = np.asarray(list(evaluator.evaluate_indoor_dataset(given["gallery"], "CASIA-B", which).values()))
    wild = evaluator.evaluate_real_scene(given["wild"], "GREW", which)
    out[f"real scene {which}"] = np.asarray([wild[f"scalar/test_accuracy/Rank-{r}"] for r in (1, 5)])
np.savez(out_path, **{key: value.detach().numpy() if torch.is_tensor(value) else value for key, value in out.items()})
torch.save(model.state_dict(), out_path + ".pt")
dist.destroy_process_group()
