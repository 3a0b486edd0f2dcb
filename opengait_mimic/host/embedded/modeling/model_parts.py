"""Build the parts of a model from its config: backbone, loaders, optimiser, schedule."""

from __future__ import annotations

import data.sampler as samplers
import torch.nn as nn
import torch.utils.data as tordata
from data.collate_fn import CollateFn
from data.dataset import DataSet
from torch import optim
from utils import get_attr_from, get_valid_args

from . import backbones

_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# keys of a sampler block that are the collate function's
_COLLATE_KEYS = [
    "type",
    "sample_type",
    "frames_num_fixed",
    "frames_num_min",
    "frames_num_max",
    "frames_skip_num",
    "frames_all_limit",
]


class ModelParts(nn.Module):
    """The building methods of `BaseModel`, which has ``cfgs`` and ``msg_mgr``."""

    def get_backbone(self, backbone_cfg):
        """Build the backbone a block describes, or a ModuleList of them for a list of blocks."""
        if isinstance(backbone_cfg, list):
            return nn.ModuleList(map(self.get_backbone, backbone_cfg))
        Backbone = get_attr_from([backbones], backbone_cfg["type"])
        return Backbone(**get_valid_args(Backbone, backbone_cfg, ["type"]))

    def build_network(self, model_cfg):
        """Build the layers; here only ``self.Backbone``, if the config has a ``backbone_cfg``."""
        if "backbone_cfg" in model_cfg:
            self.Backbone = self.get_backbone(model_cfg["backbone_cfg"])

    def init_parameters(self):
        """Initialise every submodule: Xavier for convolutions and linear maps, N(1, 0.02) for BatchNorm weights."""
        for module in self.modules():
            if isinstance(module, _CONVS):
                nn.init.xavier_uniform_(module.weight)
            elif isinstance(module, _NORMS) and module.affine:
                nn.init.normal_(module.weight, mean=1.0, std=0.02)
            else:
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def get_loader(self, data_cfg, train=True):
        """Build the loader of the training or the test set."""
        sampler_cfg = self.cfgs["trainer_cfg" if train else "evaluator_cfg"]["sampler"]
        dataset = DataSet(data_cfg, train)
        Sampler = get_attr_from([samplers], sampler_cfg["type"])
        return tordata.DataLoader(
            dataset,
            batch_sampler=Sampler(dataset, **get_valid_args(Sampler, sampler_cfg, _COLLATE_KEYS)),
            collate_fn=CollateFn(dataset.label_set, sampler_cfg),
            num_workers=data_cfg["num_workers"],
        )

    def get_optimizer(self, optimizer_cfg):
        """Build the optimiser, over the parameters that require a gradient."""
        self.msg_mgr.log_info(optimizer_cfg)
        Optimizer = get_attr_from([optim], optimizer_cfg["solver"])
        trained = [p for p in self.parameters() if p.requires_grad]
        free = ["solver"] + ["momentum"] * (optimizer_cfg.get("momentum") == 0.9)  # default.yaml's, for SGD
        return Optimizer(trained, **get_valid_args(Optimizer, optimizer_cfg, free))

    def get_scheduler(self, scheduler_cfg):
        """Build the schedule of the learning rate."""
        self.msg_mgr.log_info(scheduler_cfg)
        Scheduler = get_attr_from([optim.lr_scheduler], scheduler_cfg["scheduler"])
        return Scheduler(self.optimizer, **get_valid_args(Scheduler, scheduler_cfg, ["scheduler"]))
