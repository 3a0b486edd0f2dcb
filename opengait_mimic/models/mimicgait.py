"""MimicGait: a backbone that learns, from occluded silhouettes, the embeddings its teacher gives to whole ones."""

from __future__ import annotations

import torch
from modeling.base_model import BaseModel
from modeling.modules import SeparateFCs

from ..config import REQUIRED, ConfigError, anything, block, boolean, choice, optional, read
from ..distributed import gather
from ..host import load_cfgs
from ..losses import MiCKDLoss, health, mickd_triplets
from ..visibility import FEATURES, VisibilityNetwork
from .common import BINARISE, GEOMETRY, OccludedInput
from .quirks import refuse, warn_if_mixed
from .subnetwork import STAGE, CheckpointError, around, backbone_block, backbone_cfg, build, checkpoint_file, embed, inspect, read_weights
from .teacher import Teacher
from .ven import VEN_FIELDS, check_extra_state

FIELDS = {
    "model": ("MimicGait", anything),
    "backbone": (REQUIRED, backbone_block),
    "teacher": ({}, block(STAGE)),
    "ven": (REQUIRED, optional(block(STAGE))),
    "init_mimic": (False, boolean),
    "geometry": GEOMETRY,
    "binarise": BINARISE,
    "reference_compat": ({}, block({"rank": ("fused", choice("fused", "bare"))})),
}
ALIVE = 0.05  # share of teacher triplets that should meet the margin, below which the loss has little to teach


class MimicGait(OccludedInput, BaseModel):
    """gamma_m = T(F_m(O) (+) V(O)): the mimic's part embeddings joined with the VEN's feature, mixed per part.

    .. code-block:: yaml

        model_cfg:
          model: MimicGait
          backbone: {cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml}   # or an OpenGait model_cfg inline
          teacher:
            cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml   # default: backbone.cfgs
            checkpoint: auto                                 # what training teacher.cfgs writes; or a path
          ven:                                               # null = mimic without guidance
            cfgs: configs/ven/ven_gait3d.yaml
            checkpoint: auto
          init_mimic: false        # true: start from the teacher, T = identity on the backbone's part
          geometry: [64, 44]       # h, w after the transforms
          binarise: 0.5            # null leaves grey values
          reference_compat: {}     # rank: bare = rank F_m(O) as the public code does
        loss_cfg:
          - {type: MiCKDLoss, log_prefix: mickd, margin: 0.2, distance: parts, loss_term_weight: 1.0}

    Shape:
        ``forward(OccludedBatch)`` -> the host's three dictionaries; ``inference_feat.embeddings`` is gamma_m ``[n, c, p]``.

    Raises:
        ConfigError: a key of ours is wrong, or teacher and backbone give different embeddings. CheckpointError: weights of
        the teacher or the VEN are missing or do not fit (training only; a test needs the mimic's checkpoint alone).

    Source:
        MimicGait (WACV 2025), section 3, equations 1 and 2.
    """

    FIELDS = FIELDS

    def __init__(self, cfgs, training):
        """Remember the phase (the teacher exists in training only), then build as usual."""
        object.__setattr__(self, "teacher", None)
        object.__setattr__(self, "needs_teacher", training)
        object.__setattr__(self, "_told", False)
        super().__init__(cfgs, training)

    def build_network(self, model_cfg):
        """Build mimic, VEN and T; in training the teacher as well."""
        cfg = read(model_cfg, "model_cfg", FIELDS)
        self.cfg, self.geometry, self.binarise = cfg, cfg.geometry, cfg.binarise
        self.compat = cfg.reference_compat
        net_cfg, whole_cfgs = backbone_cfg(cfg.backbone, "model_cfg.backbone")
        sampler = self.cfgs["trainer_cfg"]["sampler"]
        self.Mimic = build(net_cfg, around(self.cfgs, whole_cfgs), "model_cfg.backbone")
        key = f"model_cfg.backbone ({net_cfg['model']})"
        refuse(type(self.Mimic), self.geometry, sampler, key)
        warn_if_mixed(self.Mimic, sampler, key)
        channels, parts, unreached = inspect(self.Mimic, self.geometry, "model_cfg.backbone")
        for name, parameter in self.Mimic.named_parameters():
            parameter.requires_grad_(name not in unreached)
        self.left_out = {f"Mimic.{name}" for name in unreached}
        if unreached:
            self.msg_mgr.log_info(f"Frozen and not saved, the embedding does not reach them: {', '.join(sorted(unreached))}")
        self.VEN = self.Mixer = None
        if cfg.ven is not None:
            self._build_ven(cfg.ven)
            self.Mixer = SeparateFCs(parts_num=parts, in_channels=channels + FEATURES, out_channels=channels)
        if self.needs_teacher:
            stage = cfg.teacher
            teacher_cfgs = load_cfgs(stage.cfgs, "model_cfg.teacher.cfgs") if stage.cfgs else whole_cfgs
            if teacher_cfgs is None:
                raise ConfigError("model_cfg.teacher.cfgs: missing; with an inline backbone the teacher's YAML must be named")
            object.__setattr__(self, "teacher", Teacher(teacher_cfgs, stage.checkpoint, self.geometry))
            theirs, name = self.teacher.embedding, type(self.teacher.net).__name__
            refuse(type(self.teacher.net), self.geometry, sampler, f"model_cfg.teacher ({name})")
            if (theirs.channels, theirs.parts) != (channels, parts):
                raise ConfigError(
                    f"model_cfg.teacher gives embeddings of {theirs.channels} channels x {theirs.parts} parts, model_cfg.backbone"
                    f" {channels} x {parts}: MiCKD compares them, so they must be equal"
                )
            self.msg_mgr.log_info(self.teacher.report)
            self.distillation = {c["log_prefix"]: c for c in self._losses() if c["type"] == "MiCKDLoss"}
            others = [c["type"] for c in self._losses() if c["type"] != "MiCKDLoss"]
            if others or not self.distillation:
                raise ConfigError(f"loss_cfg: MimicGait is trained by MiCKDLoss; got {', '.join(others) or 'none'}")

    def _losses(self):
        losses = self.cfgs["loss_cfg"]
        return losses if isinstance(losses, list) else [losses]

    def _build_ven(self, stage):
        self.ven_stage = stage
        if self.ven_stage.cfgs is None:
            raise ConfigError("model_cfg.ven.cfgs: missing; name the VEN's YAML, or set `ven: null` for a mimic without guidance")
        self.ven_cfgs = load_cfgs(self.ven_stage.cfgs, "model_cfg.ven.cfgs")
        theirs = read(self.ven_cfgs["model_cfg"], "model_cfg.ven.cfgs: model_cfg", VEN_FIELDS)
        if theirs.geometry != self.geometry or theirs.binarise != self.binarise:
            raise ConfigError(
                f"model_cfg.ven: trained on {list(theirs.geometry)} with binarise {theirs.binarise}, the mimic has {list(self.geometry)}"
                f" with {self.binarise}: they must see the same input"
            )
        self.VEN = VisibilityNetwork(len(theirs.kinds) if theirs.kinds else None, theirs.amount).requires_grad_(False)
        self.ven_kinds = theirs.kinds
        unseen = sorted(set(self.drawn.possible) - set(theirs.kinds or self.drawn.possible))
        if self.needs_teacher and unseen:
            self.msg_mgr.log_warning(
                f"trainer_cfg.occlusion draws {', '.join(unseen)}, which the VEN was not trained on: its guidance there is a guess"
            )

    def init_parameters(self):
        """Every part is initialised where it is built; here the trained VEN and, if asked for, the teacher's weights enter."""
        if not self.needs_teacher:
            return
        if self.VEN is not None:
            key = "model_cfg.ven.checkpoint"
            file = checkpoint_file(self.ven_stage.checkpoint, self.ven_cfgs, key)
            state = read_weights(file, key)
            if not isinstance(state.get("_extra_state"), dict) or state["_extra_state"].get("role") != "VEN":
                raise CheckpointError(f"{key}: {file} is not a VEN of ours")
            own = {"geometry": list(self.geometry), "binarise": self.binarise, "kinds": self.ven_kinds}
            check_extra_state(own, state["_extra_state"])
            self.VEN.load_state_dict({name[4:]: value for name, value in state.items() if name.startswith("VEN.")})
            self.msg_mgr.log_info(f"{key}: {file}")
        if self.cfg.init_mimic:
            if type(self.Mimic) is not type(self.teacher.net):
                raise ConfigError("model_cfg.init_mimic: true needs a teacher of the backbone's own architecture")
            self.Mimic.load_state_dict(self.teacher.net.state_dict())
            if self.Mixer is not None:
                with torch.no_grad():
                    self.Mixer.fc_bin.zero_()
                    self.Mixer.fc_bin.diagonal(dim1=1, dim2=2).fill_(1.0)  # [p, c + 64, c]: row i of the backbone's part
            self.msg_mgr.log_info("The mimic starts from the teacher, T from the identity")

    def _apply(self, fn, recurse=True):
        """Whatever moves the mimic moves the teacher, which is no submodule."""
        if self.teacher is not None:
            self.teacher.net._apply(fn)
        return super()._apply(fn, recurse)

    def train(self, mode=True):
        """The VEN stays in eval mode; the teacher is out of reach."""
        super().train(mode)
        if self.VEN is not None:
            self.VEN.eval()
        return self

    def inputs_pretreament(self, inputs):
        """Both views of the batch."""
        return self.occluded_batch(inputs)

    def forward(self, batch):
        """See the class."""
        bare = embed(self.Mimic, batch.inputs(batch.occluded))  # [n, c, p]
        fused = bare
        if self.Mixer is not None:
            with torch.no_grad():
                guide = self.VEN.guide(batch.occluded, batch.lengths)  # [n, 64]
            fused = self.Mixer(torch.cat([bare, guide.to(bare)[:, :, None].expand(-1, -1, bare.shape[2])], 1))
        feats = {}
        if self.training:
            gamma_t = self.teacher(batch.inputs(batch.whole))
            feats = {prefix: {"mimic": fused, "teacher": gamma_t, "labels": batch.labs} for prefix in self.distillation}
            self._tell_health(fused, gamma_t, batch.labs)
        return {
            "training_feat": feats,
            "visual_summary": {
                "image/occluded": batch.occluded.flatten(0, 1)[:8, None],
                "image/whole": batch.whole.flatten(0, 1)[:8, None],
            },
            "inference_feat": {"embeddings": bare if self.compat.rank == "bare" else fused},
        }

    @torch.no_grad()
    def _tell_health(self, mimic, teacher, labels):
        """Before the first step: is there anything to learn from this teacher under this distance and margin?"""
        if self._told:
            return
        self._told = True
        mimic, teacher, labels = gather(mimic.float()), gather(teacher.float()), gather(labels)
        for prefix, cfg in self.distillation.items():
            loss = MiCKDLoss(cfg.get("margin", 0.2), cfg.get("distance", "parts"))
            found = {k: float(v) for k, v in health(mimic, teacher, labels, loss.margin, loss.distance).items()}
            triplets = mickd_triplets(mimic, teacher, labels, loss.margin, loss.distance)
            active = float((triplets.values > 0).sum()) / max(1, int(triplets.valid.sum()) * len(triplets.values))
            self.msg_mgr.log_info(
                f"{prefix} before step {self.iteration} ({loss.distance}, margin {loss.margin:g}): distance same/other subject:"
                f" teacher {found['teacher_same']:.4g}/{found['teacher_other']:.4g}, mimic {found['mimic_same']:.4g}/"
                f"{found['mimic_other']:.4g}; {100 * found['teacher_meets_margin']:.1f} % of teacher triplets meet the margin,"
                f" {100 * active:.1f} % of the mimic's are active"
            )
            if not found["teacher_meets_margin"] >= ALIVE:
                self.msg_mgr.log_warning(
                    f"{prefix}: fewer than {100 * ALIVE:g} % of the teacher's own triplets meet the margin, so a perfect mimic would"
                    " still be pushed away from its teacher and the loss may sit at its margin. Choose another `distance` or a"
                    " smaller `margin`, or check that the teacher is trained."
                )

    def save_ckpt(self, iteration):
        """Save as the host does, after the teacher was found unchanged."""
        self.teacher.verify()
        super().save_ckpt(iteration)

    def state_dict(self, *args, **named):
        """Mimic, T and VEN; without the heads that the embedding does not reach."""
        state = super().state_dict(*args, **named)
        for name in self.left_out:
            state.pop(name, None)
        return state

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Strict, but for the heads that are never saved."""
        own = super().state_dict()
        return super().load_state_dict({**{k: own[k] for k in self.left_out}, **state_dict}, strict, assign)

    def get_extra_state(self):
        """What the checkpoint says of itself; plain values."""
        drawn = self.drawn
        return {
            "role": "MimicGait",
            "backbone": type(self.Mimic).__name__,
            "geometry": list(self.geometry),
            "binarise": self.binarise,
            "ven_kinds": self.ven_kinds if self.VEN is not None else None,
            "trained_on": {"kinds": dict(drawn.kinds), "hidden": list(drawn.hidden)},
            "teacher": self.teacher.hash if self.teacher is not None else getattr(self, "_teacher_hash", None),
        }

    def set_extra_state(self, state):
        """Refuse a checkpoint of another role, backbone, geometry or VEN."""
        own = self.get_extra_state()
        check_extra_state({key: own[key] for key in ("role", "backbone", "geometry", "binarise", "ven_kinds")}, state)
        self._teacher_hash = state.get("teacher")
