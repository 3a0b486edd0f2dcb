"""A model without a network: the host's loaders and transforms and our occlusion, to look at."""

from __future__ import annotations

from data.transform import get_transform
from modeling.base_model import BaseModel
from torch import nn
from utils import get_msg_mgr

from ..host import lookup
from ..host.model_cfg import backbone_cfg
from .occluded_input import OccludedConfig, OccludedInput


class Viewer(OccludedInput, BaseModel):
    """What ``occluded_batch`` needs of a host model, and nothing trained.

    Args:
        cfgs: a complete configuration.
        occludes: the model of the configuration declares ``geometry`` and ``binarise``; a host's own does not.
        training: look at training batches too.

    Raises:
        ConfigError: a block of ours is wrong.
    """

    def __init__(self, cfgs, occludes: bool, training: bool = True):
        """Build the loaders and the transforms."""
        nn.Module.__init__(self)
        self.hides_training = occludes
        self.read_blocks(cfgs)
        self.cfgs, self.msg_mgr, self.iteration = cfgs, get_msg_mgr(), 0
        if occludes:
            own = {key: cfgs["model_cfg"][key] for key in ("geometry", "binarise") if key in cfgs["model_cfg"]}
            config = OccludedConfig.read(own, "model_cfg")
            self.geometry, self.binarise = config.geometry, config.binarise
        if training:
            self.train_loader = self.get_loader(cfgs["data_cfg"], train=True)
        self.test_loader = self.get_loader(cfgs["data_cfg"], train=False)
        self.trainer_trfs = get_transform(cfgs["trainer_cfg"]["transform"])
        self.evaluator_trfs = get_transform(cfgs["evaluator_cfg"]["transform"])

    @property
    def embedder(self) -> type:
        """The class of the network that would take the clips."""
        backbone = self.cfgs["model_cfg"].get("backbone") if self.hides_training else None
        named = self.cfgs["model_cfg"] if backbone is None else backbone_cfg(backbone, "model_cfg.backbone")[0]
        return lookup("modeling.models", named["model"], "model_cfg.model")
