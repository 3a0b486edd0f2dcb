"""A model without a network: the host's loaders and transforms and our occlusion, to look at."""

from __future__ import annotations

from data.transform import get_transform
from modeling.base_model import BaseModel
from torch import nn
from utils import get_msg_mgr

from .common import BINARISE, GEOMETRY, OccludedInput


class Viewer(OccludedInput, BaseModel):
    """What ``occluded_batch`` needs of a host model, and nothing trained.

    Args:
        cfgs: a complete configuration.
        occludes: the model of the configuration declares ``geometry`` and ``binarise``; a host's own does not.

    Raises:
        ConfigError: a block of ours is wrong.
    """

    def __init__(self, cfgs, occludes: bool):
        """Build the loaders and the transforms of both phases."""
        nn.Module.__init__(self)
        self.hides_training = occludes
        self.read_blocks(cfgs)
        self.cfgs, self.msg_mgr, self.iteration = cfgs, get_msg_mgr(), 0
        if occludes:
            self.geometry, self.binarise = (
                check(cfgs["model_cfg"].get(key, default), f"model_cfg.{key}")
                for key, (default, check) in (("geometry", GEOMETRY), ("binarise", BINARISE))
            )
        self.train_loader = self.get_loader(cfgs["data_cfg"], train=True)
        self.test_loader = self.get_loader(cfgs["data_cfg"], train=False)
        self.trainer_trfs = get_transform(cfgs["trainer_cfg"]["transform"])
        self.evaluator_trfs = get_transform(cfgs["evaluator_cfg"]["transform"])
