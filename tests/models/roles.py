"""A backbone in its three roles: teacher, Baseline-2 and MimicGait, as YAML files, and what their tests share."""

from __future__ import annotations

import torch

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, launch, start_log
from tests.variants import variant

ROLES = ("teacher", "Baseline-2", "MimicGait")
STAGE = {"teacher": "GaitBase (teacher)"}
SAMPLER = {
    "type": "TripletSampler",
    "sample_type": "fixed_ordered",
    "frames_num_fixed": 6,
    "frames_skip_num": 1,
    "batch_size": [3, 2],
    "batch_shuffle": True,
}


def roles(files, few, ven, folder, name, model_cfg, dataset="walkers", losses=None, **changes):
    """The three YAMLs of a backbone; the teacher's carries ``dataset`` as its data set's name, the others are walkers.

    Args:
        losses: prefixes of the host's losses to keep; None keeps them all.
        changes: dotted keys for all three.
    """
    made = {}
    for role in ROLES:
        own = f"{role}-{name.replace(' ', '-')}"
        mine = {f"{engine}_cfg__save_name": own for engine in ("trainer", "evaluator")}
        mine.update(few, trainer_cfg__sampler=SAMPLER, **changes)
        if role == "teacher":
            mine.update(model_cfg=model_cfg, data_cfg__dataset_name=dataset)
        else:
            mine["model_cfg__backbone__cfgs"] = str(made["teacher"])
        if role == "MimicGait":
            mine.update(model_cfg__teacher__cfgs=str(made["teacher"]), model_cfg__ven__cfgs=str(ven), model_cfg__init_mimic=False)
        elif losses:
            given = {loss["log_prefix"]: loss for loss in prepare(files[STAGE.get(role, role)], "train")["loss_cfg"]}
            mine["loss_cfg"] = [given[prefix] for prefix in losses]
        made[role] = variant(files[STAGE.get(role, role)], folder, **mine)
    return made


def train(file):
    """A role after its steps: the model, the losses it met, and the weights it started with."""
    losses, start = [], {}

    def before(model):
        model.loss_aggregator.register_forward_hook(lambda _, __, result: losses.append(float(result[0].detach())))
        start.update({name: p.detach().clone() for name, p in model.named_parameters()})

    return launch(file, "train", quiet=True, before=before), losses, start


def built(file, phase="train"):
    """A model as its run would build it."""
    cfgs = prepare(file, phase)
    start_log(cfgs, phase == "train", False, quiet=True)
    return build(cfgs, phase == "train")


def clips(n, s=7):
    """Random silhouettes [n, s, 64, 44], fuller from clip to clip, as the host's 5-tuple."""
    filled = torch.linspace(0.2, 0.8, n)[:, None, None, None]
    return (
        [(torch.rand(n, s, 64, 44, generator=torch.Generator().manual_seed(n)) < filled).float()],
        torch.zeros(n, dtype=torch.long),
        ["-"] * n,
        ["-"] * n,
        None,
    )
