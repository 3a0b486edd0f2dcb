"""Baseline-2: any OpenGait model, trained on occluded input by its own losses."""

from __future__ import annotations

from modeling.base_model import BaseModel

from ..config import REQUIRED, ConfigError, anything, block, optional, read
from ..foresight import check_classes
from ..host import is_ours, lookup
from .common import BINARISE, GEOMETRY, OccludedInput
from .quirks import refuse, warn_if_mixed
from .subnetwork import STAGE, around, backbone_block, backbone_cfg

FIELDS = {
    "model": ("Baseline2", anything),
    "backbone": (REQUIRED, backbone_block),
    "teacher": (None, optional(block(STAGE))),  # read by `evaluate` alone: whose whole-body score RP divides by
    "geometry": GEOMETRY,
    "binarise": BINARISE,
}


class Baseline2(OccludedInput, BaseModel):
    """The backbone itself with occluded input; its losses, optimiser and checkpoints are plain OpenGait.

    .. code-block:: yaml

        model_cfg:
          model: Baseline2
          backbone: {cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml}   # or an OpenGait model_cfg inline
          teacher: {checkpoint: auto}   # optional, for RP alone: the whole-body run of the backbone
          geometry: [64, 44]
          binarise: 0.5
        trainer_cfg:
          occlusion: {kinds: {none: 0.2, top: 0.4, bottom: 0.4}, hidden: [0.4, 0.6]}

    Creating one makes an object of a class that derives from this one and from the backbone's, so everything the backbone
    defines (forward, losses' inputs, optimiser) is its own.

    Raises:
        ConfigError: a key of ours is wrong. HostError: the backbone does not exist in the host.

    Source:
        MimicGait (WACV 2025), section 4.3: the backbone trained on occluded data without a teacher.
    """

    FIELDS = FIELDS

    def __new__(cls, cfgs, training):
        """Make the object of the combined class."""
        model_cfg, whole_cfgs = backbone_cfg(cfgs["model_cfg"].get("backbone"), "model_cfg.backbone")
        backbone = lookup("modeling.models", model_cfg["model"], "model_cfg.backbone.model")
        if is_ours(backbone):
            raise ConfigError(f"model_cfg.backbone.model = {model_cfg['model']}: give the OpenGait backbone itself, not one of our methods")
        made = object.__new__(type(cls.__name__, (cls, backbone), {"__module__": cls.__module__}))
        object.__setattr__(made, "backbone_cfg", model_cfg)
        object.__setattr__(made, "backbone_yaml", whole_cfgs)
        return made

    @classmethod
    def foresee(cls, cfgs) -> None:
        """Refuse a backbone whose identity head is too small."""
        check_classes(cfgs, backbone_cfg(cfgs["model_cfg"].get("backbone"), "model_cfg.backbone")[0], "model_cfg.backbone")

    def build_network(self, model_cfg):
        """Read our keys; the backbone builds itself from its own model_cfg."""
        cfg = read(model_cfg, "model_cfg", FIELDS)
        self.geometry, self.binarise = cfg.geometry, cfg.binarise
        name = self.backbone_cfg["model"]
        key, sampler = f"model_cfg.backbone ({name})", self.cfgs["trainer_cfg"]["sampler"]
        refuse(type(self), self.geometry, sampler, key)
        run, self.cfgs = self.cfgs, around(self.cfgs, self.backbone_yaml)
        super().build_network(self.backbone_cfg)
        self.cfgs = run
        warn_if_mixed(self, sampler, key)

    def inputs_pretreament(self, inputs):
        """The host's 5-tuple, occluded."""
        batch = self.occluded_batch(inputs)
        return batch.inputs(batch.occluded)
