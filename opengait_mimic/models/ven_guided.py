"""What the methods with a VEN have in common: a backbone, the VEN's feature joined to its embedding, a mixer, a head."""

from __future__ import annotations

import torch
from modeling.base_model import BaseModel
from modeling.modules import SeparateBNNecks, SeparateFCs
from pydantic import Field
from torch import Tensor

from ..base.checkpoint_file import read_weights
from ..base.config import Block, Count
from ..base.errors import CheckpointError, ConfigError, Misfit
from ..host import load_cfgs
from ..host.config_checks import check_classes
from ..host.model_cfg import Backbone, NamedStage, backbone_cfg, cfgs_for_backbone
from ..host.run_paths import checkpoint_file
from ..networks.visibility import FEATURES, VisibilityNetwork
from ..occlusion.clips import mean_over_frames
from ..published.hooks import Hooks
from ..published.switches import TRAIN, switches_of
from .backbone_exceptions import refuse, warn_if_mixed
from .backbone_probe import embed, freeze_ungraded_parameters, inspect
from .logged_scalars import mean_of_all
from .loss_inputs import feeds
from .nested_backbone import build, check_trained, optimizer_with
from .occluded_input import OccludedConfig, OccludedInput
from .silhouette_inputs import refuse_other_inputs
from .upstream_weights import load_strictly, refuse_foreign, role_of
from .ven import VENConfig, check_extra_state, describe_gaps, local_index


class HeadConfig(Block):
    """``model_cfg.SeparateBNNecks``: the identity head."""

    class_num: Count = Field(description="training subjects")


class GuidedConfig(OccludedConfig):
    """``model_cfg`` of a method with a VEN."""

    backbone: Backbone = Field(description="OpenGait model that embeds occluded silhouettes")
    ven: NamedStage | None = Field(description="frozen VEN; null: no guidance")
    SeparateBNNecks: HeadConfig | None = Field(None, description="identity head, which CrossEntropyLoss needs; null: none")


class Guided(OccludedInput, BaseModel):
    """T(F(O) (+) V(O)): a backbone's part embeddings of occluded clips joined with the VEN's feature, mixed per part.

    A method derives from it. The mixer T is one linear map per part, ``c + 64 -> fused``, without bias; without a VEN there is none. The
    backbone is built with one class, and what its embedding does not reach is frozen and not saved. The VEN is frozen, and saved: a
    test needs this model's checkpoint and the YAML files that it names, and no other weights. ``SeparateBNNecks`` is the host's identity
    head, on the fused embedding, which is ranked.

    Attributes:
        NET: the attribute that holds the backbone, and its prefix in the checkpoint.
        LOSSES: loss class -> the names of what `training_feat` feeds it.
        ONE_OF: the loss classes of which at least one must be there.
        in_training: the phase; weights of other networks are read in training alone.
    """

    NET = "Backbone"
    LOSSES = {"TripletLoss": ("embeddings", "labels"), "CrossEntropyLoss": ("logits", "labels")}
    ONE_OF = ("TripletLoss", "CrossEntropyLoss")

    def __init__(self, cfgs, training):
        """Remember the phase, build as usual, and try the backbone in training mode."""
        object.__setattr__(self, "in_training", training)
        super().__init__(cfgs, training)
        if training:
            starts_trained = (
                getattr(self.cfg, "init_mimic", False)
                or getattr(self.cfg, "init_twin", "") == "teacher"
                or self.engine_cfg["restore_hint"] != 0
            )
            freeze_ungraded_parameters(getattr(self, self.NET), self.geometry, self.backbone_key, self, starts_trained)

    @classmethod
    def foresee(cls, cfgs) -> dict[str, tuple[str, ...]]:
        """Match losses and heads (`feeds`). Refuse a head that is too small, and networks whose YAML takes no silhouettes."""
        found = feeds(cfgs, cls)
        check_classes(cfgs, cfgs["model_cfg"], "model_cfg")
        refuse_other_inputs(cfgs["model_cfg"], cls.DEPENDS)
        return found

    def build_network(self, model_cfg):
        """Build backbone, VEN, T and head."""
        cfg = self.Config.read(model_cfg, "model_cfg")
        self.cfg, self.geometry, self.binarise = cfg, cfg.geometry, cfg.binarise
        self.feeds = self.foresee(self.cfgs) if self.in_training else {}
        for line in refuse_other_inputs(model_cfg, self.DEPENDS) if self.in_training else ():
            self.msg_mgr.log_warning(line)
        self.ven_switches, self.loaded_switches = {}, None
        net = self._build_backbone("model_cfg.backbone")
        channels, parts, unreached = self.embedding = inspect(net, self.geometry, self.backbone_key, self.backbone_yaml)
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(name not in unreached)
        self.left_out = {f"{self.NET}.{name}" for name in unreached}
        if unreached:
            self.msg_mgr.log_info(f"Frozen and not saved, the embedding does not reach them: {', '.join(sorted(unreached))}")
        self.VEN = self.Mixer = self.BNNecks = self.ven_kinds = None
        fused = channels
        if cfg.ven is not None:
            self._build_ven(cfg.ven)
            fused = self.fused_channels(channels)
            self.Mixer = SeparateFCs(parts_num=parts, in_channels=channels + FEATURES, out_channels=fused)
        if cfg.SeparateBNNecks is not None:
            self.BNNecks = SeparateBNNecks(parts_num=parts, in_channels=fused, class_num=cfg.SeparateBNNecks.class_num)

    def frozen_networks(self) -> dict[str, torch.nn.Module]:
        """Networks that training must not change, by name."""
        return {} if self.VEN is None else {"VEN": self.VEN}

    def fused_channels(self, channels: int) -> int:
        """The width of the fused embedding for that of the backbone's."""
        return channels

    def _build_backbone(self, key):
        net_cfg, self.backbone_yaml = backbone_cfg(self.cfg.backbone, key)
        net = build(net_cfg, cfgs_for_backbone(self.cfgs, self.backbone_yaml), key, self)
        setattr(self, self.NET, net)
        self.backbone_key, sampler = f"{key} ({net_cfg['model']})", self.cfgs["trainer_cfg"]["sampler"]
        refuse(type(net), sampler, self.backbone_key)
        warn_if_mixed(net, sampler, self.backbone_key)
        return net

    def _build_ven(self, stage):
        self.ven_cfgs = load_cfgs(stage.cfgs, "model_cfg.ven.cfgs")
        named = self.ven_cfgs["model_cfg"].get("model")
        if named != "VEN":
            raise ConfigError(
                f"model_cfg.ven.cfgs = {stage.cfgs}: the YAML of a {named}, not of a VEN; name the one that trains it, such as"
                " configs/ven/ven_gait3d.yaml"
            )
        theirs = VENConfig.read(self.ven_cfgs["model_cfg"], "model_cfg.ven.cfgs: model_cfg")
        if theirs.geometry != self.geometry or theirs.binarise != self.binarise:
            raise ConfigError(
                f"model_cfg.ven.cfgs = {stage.cfgs}: trained on geometry {list(theirs.geometry)}, binarise {theirs.binarise}; here"
                f" model_cfg.geometry = {list(self.geometry)}, model_cfg.binarise = {self.binarise}. Both must see the same input: change"
                " these and the transforms, or name another VEN"
            )
        self.ven_switches = switches_of(self.ven_cfgs, TRAIN)
        self.VEN = VisibilityNetwork(len(theirs.kinds) if theirs.kinds else None, theirs.amount).requires_grad_(False)
        self.ven_kinds, self.ven_meaning = theirs.kinds, Hooks(self.ven_cfgs).ven_meaning
        for gap in describe_gaps(self.ven_cfgs, stage.cfgs, self.drawn) if self.in_training else ():
            self.msg_mgr.log_warning(gap)

    def init_parameters(self):
        """Every part is initialised where it is built; here, in training, the trained VEN enters."""
        if not self.in_training or self.VEN is None:
            return
        key = "model_cfg.ven.checkpoint"
        file = checkpoint_file(self.cfg.ven.checkpoint, self.ven_cfgs, key, yaml=self.cfg.ven.cfgs)
        state = read_weights(file, key)
        if role_of(state) != "VEN":
            holds = f"a {role_of(state)}" if role_of(state) else "a plain OpenGait model"
            raise CheckpointError(
                f"{key}: {file} is not a VEN of ours but {holds}. Name the checkpoint that training {self.cfg.ven.cfgs} wrote, or `auto`"
            )
        own = {"geometry": list(self.geometry), "binarise": self.binarise, "kinds": self.ven_kinds, "reference_compat": self.ven_meaning}
        try:
            check_extra_state(own, state["_extra_state"])
        except Misfit as error:
            raise CheckpointError(f"{key}: {file}: {error}") from error
        self.ven_switches = state["_extra_state"].get("switches", self.ven_switches)
        load_strictly(self.VEN, {name[4:]: value for name, value in state.items() if name.startswith("VEN.")}, file, key)
        self.msg_mgr.log_info(f"{key}: {file}")

    def get_optimizer(self, optimizer_cfg):
        """The backbone's own parameter groups, if it makes any, and the rest in one more group; else the host's optimiser."""
        return optimizer_with(getattr(self, self.NET), self, optimizer_cfg) or super().get_optimizer(optimizer_cfg)

    def train_step(self, loss_sum):
        """The host's step; stops if something that should be trained is not."""
        done = super().train_step(loss_sum)
        check_trained(self)
        return done

    def train(self, mode=True):
        """The VEN stays in eval mode."""
        super().train(mode)
        if self.VEN is not None:
            self.VEN.eval()
        return self

    def inputs_pretreament(self, inputs):
        """Both views of the batch."""
        return self.occluded_batch(inputs)

    def embeddings(self, batch) -> tuple[Tensor, Tensor]:
        """The backbone's embedding ``[n, c, p]`` of the occluded view, and the fused one; the same tensor without a VEN."""
        bare = embed(getattr(self, self.NET), batch.inputs(batch.occluded))
        if self.Mixer is None:
            return bare, bare
        with torch.no_grad():
            guide = self.guidance(batch)  # [n, 64]
        return bare, self.Mixer(torch.cat([bare, guide.to(bare)[:, :, None].expand(-1, -1, bare.shape[2])], 1))

    def forward(self, batch):
        """What the losses take, what is logged, and the ranked embedding ``[n, c, p]``."""
        fused = self.embeddings(batch)[1]
        feats = self.training_feat(fused, batch.labs) if self.training else {}
        seen = {"image/occluded": batch.occluded.flatten(0, 1)[:8, None], **self.watch(batch)}
        return {"training_feat": feats, "visual_summary": seen, "inference_feat": {"embeddings": fused}}

    def guidance(self, batch) -> Tensor:
        """The VEN's feature of every clip, the mean over its frames: ``[n, 64]``."""
        return mean_over_frames(self.VEN(batch.occluded.flatten(0, 1)), batch.lengths)

    @torch.no_grad()
    def watched(self, batch):
        """With ``ven_accuracy``, if the VEN has a class head that was trained (an imported one's may be zeros)."""
        found = super().watched(batch)
        head = self.VEN and self.VEN.kind_head
        if head is not None and bool(head.weight.any()):
            said = self.VEN.kind_head(self.VEN(batch.occluded.flatten(0, 1))).argmax(1)
            found["ven_accuracy"] = mean_of_all(said == local_index(self.ven_kinds, said.device)[batch.kind])
        return found

    def training_feat(self, fused: Tensor, labels: Tensor, **more: Tensor) -> dict[str, dict[str, Tensor]]:
        """What every loss of the configuration takes, by its prefix: ``embeddings``, ``logits``, ``labels`` and ``more``."""
        given = {"embeddings": fused, "labels": labels, **more}
        if self.BNNecks is not None:
            given["logits"] = self.BNNecks(fused)[1]  # [n, classes, p]
        return {prefix: {name: given[name] for name in names} for prefix, names in self.feeds.items()}

    def state_dict(self, *args, **named):
        """Everything but the heads that the embedding does not reach."""
        state = super().state_dict(*args, **named)
        for name in self.left_out:
            state.pop(name, None)
        return state

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Strict, but for the heads that are never saved, and for the VEN where it `starts_elsewhere`.

        Raises:
            Misfit: not a checkpoint of ours, of which nothing would be loaded; also where ``restore_ckpt_strict`` is false.
        """
        refuse_foreign(state_dict, self.role(), ". A mimic starts from its teacher's weights with model_cfg.init_mimic: true")
        own = super().state_dict()
        kept = {k: own[k] for k in self.left_out}
        if self.starts_elsewhere:
            kept.update({k: value for k, value in own.items() if k.startswith("VEN.")})
            state_dict = {k: value for k, value in state_dict.items() if not k.startswith("VEN.")}
        return super().load_state_dict({**kept, **state_dict}, strict, assign)

    def restored_elsewhere(self) -> set[str]:
        """Tensors that no ``restore_hint`` brings: the VEN's where it `starts_elsewhere`."""
        return {name for name in self.state_dict() if name.startswith("VEN.")} if self.starts_elsewhere else set()

    @property
    def starts_elsewhere(self) -> bool:
        """Whether a training starts from another run's weights (``restore_hint`` is a path). Its VEN is that of ``model_cfg.ven``."""
        return self.in_training and isinstance(self.cfgs["trainer_cfg"]["restore_hint"], str)

    @property
    def predicted_kinds(self) -> list | None:
        """The kinds of the VEN's class head, in the order of its logits."""
        return self.ven_kinds

    @property
    def predicts_kept_fraction(self) -> bool:
        """Whether the VEN's amount is the share that is kept (``reference_compat.kept_amount`` of its YAML)."""
        return "kept_amount" in (self.ven_meaning or ())

    @property
    def embedder(self) -> type:
        """See `SharedDraws`."""
        return type(getattr(self, self.NET))

    @property
    def trained_with(self) -> dict:
        """As the loaded checkpoint says; of a training, or where an older file says nothing, from its YAML and the VEN's."""
        if self.loaded_switches is not None and not self.in_training:
            return self.loaded_switches
        return {**super().trained_with, **{f"ven.{key}": value for key, value in self.ven_switches.items()}}

    def identity(self) -> dict:
        """What a checkpoint must agree in with the model it is loaded into; plain values."""
        return {
            "role": self.role(),
            "backbone": type(getattr(self, self.NET)).__name__,
            "geometry": list(self.geometry),
            "binarise": self.binarise,
            "ven_kinds": self.ven_kinds,
            "grey_whole": self.hooks.grey_whole,
        }

    def get_extra_state(self):
        """`identity`, and the switches that decided the weights and the VEN's; plain values."""
        return {**self.identity(), "switches": self.trained_with}

    def set_extra_state(self, state):
        """Refuse a checkpoint of another role, backbone, geometry or VEN."""
        own = self.identity()
        if self.starts_elsewhere:
            del own["ven_kinds"]
        check_extra_state(own, state)
        self.loaded_switches = state.get("switches")
