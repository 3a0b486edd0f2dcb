"""MimicGait: a backbone that learns, from occluded silhouettes, the embeddings its teacher gives to whole ones."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from ..base.config import Flag
from ..base.errors import CheckpointError, ConfigError
from ..base.processes import gather
from ..host import load_cfgs
from ..host.model_cfg import Stage
from ..losses import MiCKDLoss, health
from .backbone_exceptions import refuse
from .dependencies import Use
from .logged_scalars import with_teacher
from .teacher import KEPT, Teacher, frame_size
from .ven_guided import Guided, GuidedConfig


class MimicGaitConfig(GuidedConfig):
    """``model_cfg`` of a MimicGait."""

    model: Literal["MimicGait"] = Field("MimicGait", description="name of the model")
    teacher: Stage = Field(Stage(), description="frozen network that embeds whole bodies; built in training only")
    init_mimic: Flag = Field(False, description="start from the teacher's weights, with T = identity on the backbone's part")


ALIVE = 0.05  # share of teacher triplets that should meet the margin, below which the loss has little to teach
TRIAL = 100  # steps: a shorter run is a trial, whose teacher is seldom trained either


class MimicGait(Guided):
    """gamma_m = T(F_m(O) (+) V(O)): the mimic's parts joined with the VEN's feature, mixed per part.

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
          SeparateBNNecks: null    # {class_num: training subjects}: the identity head that CrossEntropyLoss needs
          init_mimic: false        # true: start from the teacher, T = identity on the backbone's part
          geometry: [64, 44]       # h, w after the transforms
          binarise: 0.5            # null leaves grey values
          reference_compat: {}     # the public code's departures, see `opengait_mimic.published.switches`; rank: bare = rank F_m(O)
        loss_cfg:
          - {type: MiCKDLoss, log_prefix: mickd, margin: 0.2, distance: parts, loss_term_weight: 1.0}
          # instead of it, or with it: {type: L2DistillationLoss, log_prefix: l2, loss_term_weight: 1.0}
          # with one of the two, and SeparateBNNecks: {type: CrossEntropyLoss, log_prefix: softmax, scale: 16, loss_term_weight: 1.0}
          # with one of the two: {type: TripletLoss, log_prefix: triplet, margin: 0.2, loss_term_weight: 1.0}

    Shape:
        ``forward(OccludedBatch)`` -> the host's three dictionaries; ``inference_feat.embeddings`` is gamma_m ``[n, c, p]``.

    Raises:
        ConfigError: a key of ours is wrong, a loss that it does not take or that lacks its head, or teacher and backbone give
        different embeddings. CheckpointError: weights of the teacher or the VEN are missing or do not fit (training only: a test needs
        no other weights than the mimic's, and the YAML files of the backbone and the VEN), or the training to go on from had another
        teacher.

    Source:
        MimicGait (WACV 2025), section 3, equations 1 and 2.
    """

    Config = MimicGaitConfig
    DEPENDS = {"teacher": Use.TRAINING, "ven": Use.FROZEN_INSIDE}
    NET = "Mimic"
    ONE_OF = ("MiCKDLoss", "L2DistillationLoss")
    LOSSES = {
        "MiCKDLoss": ("mimic", "teacher", "labels"),
        "L2DistillationLoss": ("mimic", "teacher"),
        "CrossEntropyLoss": ("logits", "labels"),
        "TripletLoss": ("embeddings", "labels"),
    }

    def __init__(self, cfgs, training):
        """The teacher is no submodule, and exists in training only."""
        object.__setattr__(self, "teacher", None)
        object.__setattr__(self, "_told", False)
        super().__init__(cfgs, training)
        if training:
            self.hooks.replace_losses(self.loss_aggregator.losses)
            self.teacher.check_geometry(frame_size(self.train_loader.dataset))

    def build_network(self, model_cfg):
        """Build mimic, VEN and T; in training the teacher as well."""
        super().build_network(model_cfg)
        if self.in_training:
            self._build_teacher(self.cfg.teacher)

    def _build_teacher(self, stage):
        cfgs = load_cfgs(stage.cfgs, "model_cfg.teacher.cfgs") if stage.cfgs else self.backbone_yaml
        if cfgs is None:
            raise ConfigError("model_cfg.teacher.cfgs: missing; with an inline backbone the teacher's YAML must be named")
        trainer, live = self.cfgs["trainer_cfg"], self.hooks.live_teacher
        if live and trainer.get("fix_BN"):
            raise ConfigError("trainer_cfg.fix_BN: true holds the statistics that reference_compat.live_teacher lets drift; choose one")
        yaml = stage.cfgs or self.cfg.backbone.get("cfgs")
        more = {"any_geometry": self.hooks.any_geometry, "live": live, "gathered": trainer.get("sync_BN", False), "yaml": yaml}
        object.__setattr__(self, "teacher", Teacher(cfgs, stage.checkpoint, self.geometry, **more))
        theirs, own, name = self.teacher.embedding, self.embedding, type(self.teacher.net).__name__
        refuse(type(self.teacher.net), self.cfgs["trainer_cfg"]["sampler"], f"model_cfg.teacher ({name})")
        if (theirs.channels, theirs.parts) != (own.channels, own.parts):
            raise ConfigError(
                f"model_cfg.teacher gives embeddings of {theirs.channels} channels x {theirs.parts} parts, model_cfg.backbone"
                f" {own.channels} x {own.parts}: distillation compares them, so they must be equal"
            )
        self.msg_mgr.log_info(self.teacher.report)

    def frozen_networks(self) -> dict[str, torch.nn.Module]:
        """Also the teacher, unless ``live_teacher`` lets its BatchNorm drift."""
        networks = super().frozen_networks()
        if self.teacher is not None and not self.teacher.live:
            networks["teacher"] = self.teacher.net
        return networks

    def init_parameters(self):
        """The trained VEN and, if asked for, the teacher's weights."""
        super().init_parameters()
        if not self.in_training or not self.cfg.init_mimic:
            return
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

    def forward(self, batch):
        """See the class."""
        bare, fused = self.embeddings(batch)  # [n, c, p]
        feats, more = {}, {}
        if self.training:
            gamma_t = self.teacher(batch.inputs(batch.whole))
            feats = self.training_feat(fused, batch.labs, mimic=fused, teacher=gamma_t)
            self._tell_health(fused, gamma_t, batch.labs)
            more = self.watch(batch, mimic=fused, teacher=gamma_t)
        return {
            "training_feat": feats,
            "visual_summary": {
                "image/occluded": batch.occluded.flatten(0, 1)[:8, None],
                "image/whole": batch.whole.flatten(0, 1)[:8, None],
                **more,
            },
            "inference_feat": {"embeddings": self.hooks.ranked_embedding(bare, fused)},
        }

    def watched(self, batch, mimic, teacher):
        """With ``teacher_cosine`` and ``own_pair`` of the embeddings ``[n, c, p]``."""
        return {**super().watched(batch), **with_teacher(mimic, teacher)}

    @torch.no_grad()
    def _tell_health(self, mimic, teacher, labels):
        """Before the first step: is there anything to learn from this teacher under this distance and margin?"""
        if self._told:
            return
        self._told = True
        mimic, teacher, labels = gather(mimic.float()), gather(teacher.float()), gather(labels)
        for prefix, loss in self.loss_aggregator.losses.items():
            loss = getattr(loss, "module", loss)  # DDP's, should a host wrap a loss
            if not isinstance(loss, MiCKDLoss):
                continue
            found = {k: float(v) for k, v in health(mimic, teacher, labels, loss.margin, loss.distance).items()}
            triplets = loss.triplets(mimic, teacher, labels)
            active = float((triplets.values > 0).sum()) / max(1, int(triplets.valid.sum()) * len(triplets.values))
            self.msg_mgr.log_info(
                f"{prefix} before step {self.iteration} ({loss.distance}, margin {loss.margin:g}): distance same/other subject:"
                f" teacher {found['teacher_same']:.4g}/{found['teacher_other']:.4g}, mimic {found['mimic_same']:.4g}/"
                f"{found['mimic_other']:.4g}; {100 * found['teacher_meets_margin']:.1f} % of teacher triplets meet the margin,"
                f" {100 * active:.1f} % of the mimic's are active"
            )
            if not found["teacher_meets_margin"] >= ALIVE:
                is_trial = self.cfgs["trainer_cfg"]["total_iter"] < TRIAL
                (self.msg_mgr.log_info if is_trial else self.msg_mgr.log_warning)(
                    f"{prefix}: fewer than {100 * ALIVE:g} % of the teacher's own triplets meet the margin, so a perfect mimic would"
                    " still be pushed away from its teacher and the loss may sit at its margin. Choose another `distance` or a"
                    " smaller `margin`, or check that the teacher is trained."
                )

    def before_saving(self):
        """Raise `TeacherChanged` unless the teacher is as it was: nothing is saved then."""
        self.teacher.verify()

    def save_ckpt(self, iteration):
        """Save as the host does, where our launcher has not taken its place (`opengait_mimic.training.saving`)."""
        self.before_saving()
        super().save_ckpt(iteration)

    def get_extra_state(self):
        """With the hash of the teacher's weights."""
        return {**super().get_extra_state(), KEPT: self.teacher.weights if self.teacher else getattr(self, "_kept", None)}

    def set_extra_state(self, state):
        """Keep the hash of the teacher it was trained by; refuse to go on from there with another.

        From another run's weights (``trainer_cfg.restore_hint`` is a path) a new training starts, whose teacher is its own.

        Raises:
            CheckpointError: see `Guided`, or another teacher.
        """
        super().set_extra_state(state)
        self._kept = state.get(KEPT)
        if self.teacher is None or self.starts_elsewhere:
            return
        if self._kept is None:
            self.msg_mgr.log_warning("The checkpoint does not say which teacher trained it: that it is still the same is not checked")
        elif self._kept != self.teacher.weights:
            raise CheckpointError(
                f"model_cfg.teacher.checkpoint: {self.teacher.file} holds other weights than the teacher of the checkpoint to go on from"
                f" ({self.teacher.weights[:12]}, that one {self._kept[:12]}). Name that teacher's checkpoint, train again (without --iter),"
                " or start another training from these weights: trainer_cfg.restore_hint with the path of the checkpoint"
            )
