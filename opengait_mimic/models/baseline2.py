"""Baseline-2: any OpenGait model, trained on occluded input by its own losses."""

from __future__ import annotations

from typing import Literal

import torch
from modeling.base_model import BaseModel
from pydantic import Field
from utils import get_msg_mgr

from ..base.errors import ConfigError, Misfit
from ..base.processes import rank_and_world
from ..host.config_checks import check_classes
from ..host.model_cfg import Backbone, Stage, backbone_cfg, cfgs_for_backbone
from .backbone_exceptions import refuse, warn_if_mixed
from .backbone_probe import clips_in_a_step, inspect, rehearse
from .dependencies import Use
from .nested_backbone import build, host_model
from .occluded_input import OccludedConfig, OccludedInput
from .silhouette_inputs import refuse_other_inputs
from .upstream_weights import role_of


class Baseline2Config(OccludedConfig):
    """``model_cfg`` of a Baseline2."""

    model: Literal["Baseline2"] = Field("Baseline2", description="name of the model")
    backbone: Backbone = Field(description="OpenGait model that is trained on occluded silhouettes")
    teacher: Stage | None = Field(None, description="whole-body run of the backbone, for RP alone; null: what backbone.cfgs trains")


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
        ConfigError: a key of ours is wrong, the backbone embeds no silhouettes, or it leaves parameters without a gradient in several
        processes without ``trainer_cfg.find_unused_parameters: true``. HostError: the backbone does not exist in the host.

    Source:
        MimicGait (WACV 2025), section 4.3: the backbone trained on occluded data without a teacher.
    """

    Config = Baseline2Config
    trains_host_model = True
    DEPENDS = {"teacher": Use.REFERENCE}
    _seen_now: dict = {}  # what `watch` said of the step's batch

    def __new__(cls, cfgs, training):
        """Try the backbone, and make the object of the combined class."""
        cfg = cls.Config.read(cfgs["model_cfg"], "model_cfg")
        model_cfg, whole_cfgs = backbone_cfg(cfg.backbone, "model_cfg.backbone")
        for line in refuse_other_inputs(cfgs["model_cfg"], cls.DEPENDS) if training else ():
            get_msg_mgr().log_warning(line)
        backbone, key = host_model(model_cfg["model"], "model_cfg.backbone"), f"model_cfg.backbone ({model_cfg['model']})"
        refuse(backbone, cfgs["trainer_cfg"]["sampler"], key)
        with torch.random.fork_rng(devices=[]):  # the run's own weights stay those of its seed
            inspect(build(model_cfg, cfgs_for_backbone(cfgs, whole_cfgs), "model_cfg.backbone"), cfg.geometry, key, whole_cfgs)
        made = object.__new__(type(cls.__name__, (cls, backbone), {"__module__": cls.__module__}))
        for name, value in (("cfg", cfg), ("key", key), ("backbone_cfg", model_cfg), ("backbone_yaml", whole_cfgs)):
            object.__setattr__(made, name, value)
        return made

    @classmethod
    def foresee(cls, cfgs) -> None:
        """Refuse a backbone whose identity head is too small, or whose YAML is for other inputs than silhouettes."""
        check_classes(cfgs, backbone_cfg(cfgs["model_cfg"].get("backbone"), "model_cfg.backbone")[0], "model_cfg.backbone")
        refuse_other_inputs(cfgs["model_cfg"], cls.DEPENDS)

    def __init__(self, cfgs, training):
        """Build as usual; before the first step, say what would stay untrained."""
        super().__init__(cfgs, training)
        if not training:
            return
        kept = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        silent = {name for name, p in self.named_parameters() if p.requires_grad and id(p) not in kept}
        ungiven = rehearse(self, self.geometry, self.key, clips_in_a_step(self), self.loss_aggregator)
        if ungiven and rank_and_world()[1] > 1 and not self.engine_cfg["find_unused_parameters"]:
            raise ConfigError(
                f"trainer_cfg.find_unused_parameters: set it to true. {self.key} gives no gradient to {', '.join(ungiven[:5])}"
                f"{f' and {len(ungiven) - 5} more' if len(ungiven) > 5 else ''}, and in several processes torch would stop at the second"
                " step, waiting for them"
            )
        silent.update(ungiven)
        if silent:
            names = ", ".join(sorted({name.rpartition(".")[0] for name in silent}))
            start = "" if self.engine_cfg["restore_hint"] else ", whose start is random: name trained weights in trainer_cfg.restore_hint"
            self.msg_mgr.log_warning(f"{self.key} does not train {names}{start}")

    def build_network(self, model_cfg):
        """The backbone builds itself from its own model_cfg."""
        self.geometry, self.binarise = self.cfg.geometry, self.cfg.binarise
        run, self.cfgs = self.cfgs, cfgs_for_backbone(self.cfgs, self.backbone_yaml)
        super().build_network(self.backbone_cfg)
        self.cfgs = run
        warn_if_mixed(self, self.cfgs["trainer_cfg"]["sampler"], self.key)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Refuse a checkpoint of another of our models, also under ``restore_ckpt_strict: false``, where the host would load nothing."""
        if role_of(state_dict) is not None:
            raise Misfit(f"it holds a {role_of(state_dict)}; Baseline2's checkpoints are plain OpenGait ones of its backbone: name one")
        return super().load_state_dict(state_dict, strict, assign)

    def inputs_pretreament(self, inputs):
        """The host's 5-tuple, occluded."""
        batch = self.occluded_batch(inputs)
        object.__setattr__(self, "_seen_now", self.watch(batch))
        return batch.inputs(batch.occluded)

    def forward(self, inputs):
        """The backbone's own, with what `watch` says of the batch."""
        found = super().forward(inputs)
        if self._seen_now:  # in a test some models return None there
            found["visual_summary"].update(self._seen_now)
        return found
