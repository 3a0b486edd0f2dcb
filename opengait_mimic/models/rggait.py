"""RGGait: a frozen whole-body network, and a gated residual that a twin of it learns from occluded silhouettes."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ..base.checkpoint_file import hash_tensors, read_weights
from ..base.config import Flag, Share
from ..base.errors import CheckpointError, ConfigError
from ..base.processes import gather
from ..host import load_cfgs
from ..host.model_cfg import NamedStage, Stage, cfgs_for_backbone
from ..host.run_paths import checkpoint_file
from ..occlusion.clips import mean_over_frames
from .backbone_exceptions import freeze, refuse
from .backbone_probe import embed, inspect
from .dependencies import Use
from .logged_scalars import mean_of_all
from .nested_backbone import build
from .teacher import KEPT, TeacherChanged
from .upstream_weights import load
from .ven_guided import Guided, GuidedConfig

HEAD = "BNNecks."
"""Where OpenGait's models with one identity head on the ranked embedding keep it."""


class RGGaitConfig(GuidedConfig):
    """``model_cfg`` of an RGGait."""

    model: Literal["RGGait"] = Field("RGGait", description="name of the model")
    teacher: Stage = Field(Stage(), description="whole-body network G, frozen and saved with the model; the reference of RP")
    ven: NamedStage | None = Field(None, description="frozen VEN with an amount head; null where it is neither aware nor adaptive")
    aware: Flag = Field(True, description="join the VEN's feature to the twin's, through T")
    adaptive: Flag = Field(True, description="scale the residual by the VEN's amount")
    head: Literal["teacher", "fresh"] = Field("teacher", description="first weights of the identity head")
    init_twin: Literal["random", "teacher"] = Field("random", description="first weights of the twin F")
    max_alpha_on_whole: Share | None = Field(0.1, description="largest mean amount on whole clips before the first step; null: any")

    @model_validator(mode="after")
    def _check_ven(self):
        if self.ven is None and (self.aware or self.adaptive):
            asking = " and ".join(key for key in ("aware", "adaptive") if getattr(self, key))
            raise ValueError(f"ven: missing; {asking}: true needs it")
        if self.ven is not None and not (self.aware or self.adaptive):
            raise ValueError("ven: nothing reads it; leave it out, or set aware or adaptive to true")
        return self


class RGGait(Guided):
    """f = G(S) + alpha * T([F(S) ; O]): a frozen whole-body network and a gated residual.

    .. code-block:: yaml

        model_cfg:
          model: RGGait
          backbone: {cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml}   # the twin F; or an OpenGait model_cfg inline
          teacher:
            cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml   # the whole-body network G; default: backbone.cfgs
            checkpoint: auto
          ven: {cfgs: configs/ven/ven_gait3d_rggait.yaml, checkpoint: auto}   # its amount head gives alpha
          aware: true              # false: no O and no T
          adaptive: true           # false: alpha = 1
          head: teacher            # or fresh: the identity head's first weights
          init_twin: random        # or teacher: the twin's first weights
          max_alpha_on_whole: 0.1  # null: any
          SeparateBNNecks: {class_num: 3000}
          geometry: [64, 44]
          binarise: 0.5
        loss_cfg:
          - {type: TripletLoss, log_prefix: triplet, margin: 0.2, loss_term_weight: 1.0}
          - {type: CrossEntropyLoss, log_prefix: softmax, scale: 16, log_accuracy: true, loss_term_weight: 1.0}

    All see the same occluded silhouettes S ``[n, s, h, w]``. G and the VEN are frozen, in eval mode, and saved: a test needs this
    model's checkpoint and the YAML files alone. O ``[n, 64]`` and alpha ``[n, 1, 1]`` are the VEN's mean feature and mean hidden
    amount of a clip. T is one linear map per part without bias. F, T and the head are trained. Ranked is f, before the head's BatchNorm.
    ``aware`` and ``adaptive`` give the paper's ablation: neither = G + F, aware = G + T[F ; O], adaptive = G + alpha F.

    Shape:
        ``forward(OccludedBatch)`` -> the host's three dictionaries; ``inference_feat.embeddings`` is f ``[n, c, p]``.

    Raises:
        ConfigError: a key of ours is wrong, G and F give different embeddings, the VEN has no amount head, the backbone has no head to
        start from, or alpha is above ``max_alpha_on_whole`` on whole bodies. CheckpointError: weights of G or the VEN are missing or do
        not fit (training only), or the training to go on from had another G. TeacherChanged: G differs from its start when it is saved.

    Source:
        RG-Gait ("Mind the Gap", IJCB 2025) and its public code, commit c433c3e. There G is left in training mode.
    """

    Config = RGGaitConfig
    DEPENDS = {"teacher": Use.FROZEN_INSIDE, "ven": Use.FROZEN_INSIDE}

    def __init__(self, cfgs, training):
        """Build as usual; hash G as it stands."""
        object.__setattr__(self, "_has_logged_alpha", False)
        super().__init__(cfgs, training)
        object.__setattr__(self, "_whole_hash", self._hash_whole() if training else "")

    def build_network(self, model_cfg):
        """Build F, VEN, T and head, and G next to them."""
        object.__setattr__(self, "_kept", None)
        super().build_network(model_cfg)
        cfg = self.cfg
        if not cfg.aware:
            self.Mixer = None
        if cfg.adaptive and self.VEN.amount_head is None:
            raise ConfigError(f"model_cfg.ven.cfgs = {cfg.ven.cfgs}: its model_cfg.amount is false; adaptive: true needs the VEN's amount")
        stage = cfg.teacher
        self.whole_cfgs = load_cfgs(stage.cfgs, "model_cfg.teacher.cfgs") if stage.cfgs else self.backbone_yaml
        if self.whole_cfgs is None:
            raise ConfigError("model_cfg.teacher.cfgs: missing; with an inline backbone the teacher's YAML must be named")
        whole = build(self.whole_cfgs["model_cfg"], cfgs_for_backbone(self.cfgs, self.whole_cfgs), "model_cfg.teacher")
        key = f"model_cfg.teacher ({type(whole).__name__})"
        refuse(type(whole), self.cfgs["trainer_cfg"]["sampler"], key)
        theirs, own = inspect(whole, self.geometry, key, self.whole_cfgs), self.embedding
        if (theirs.channels, theirs.parts) != (own.channels, own.parts):
            raise ConfigError(
                f"model_cfg.teacher gives embeddings of {theirs.channels} channels x {theirs.parts} parts, model_cfg.backbone"
                f" {own.channels} x {own.parts}: they are added, so they must be equal"
            )
        self.Whole, self.whole_unreached = freeze(whole), theirs.unreached
        self.left_out |= {f"Whole.{name}" for name in theirs.unreached}

    def frozen_networks(self) -> dict[str, torch.nn.Module]:
        """Also G."""
        return {**super().frozen_networks(), "teacher": self.Whole}

    def init_parameters(self):
        """In training: the trained VEN, G's weights, and what starts from them."""
        super().init_parameters()
        if not self.in_training:
            return
        key, stage = "model_cfg.teacher.checkpoint", self.cfg.teacher
        file = checkpoint_file(stage.checkpoint, self.whole_cfgs, key, yaml=stage.cfgs or self.cfg.backbone.get("cfgs"))
        self.msg_mgr.log_info(load(self.Whole, file, key, self.whole_unreached))
        freeze(self.Whole)
        given = read_weights(file, key)
        object.__setattr__(self, "_kept", hash_tensors(given))
        if self.cfg.init_twin == "teacher":
            if type(self.Backbone) is not type(self.Whole):
                raise ConfigError("model_cfg.init_twin: teacher needs a teacher of the backbone's own architecture")
            self.Backbone.load_state_dict(self.Whole.state_dict())
        if self.BNNecks is not None and self.cfg.head == "teacher":
            self._start_head(given, file)

    def _start_head(self, given: dict, file):
        """The head's first weights are G's, read by their names: a nested backbone is built with one class."""
        own = self.BNNecks.state_dict()
        theirs = {name.removeprefix(HEAD): value for name, value in given.items() if name.startswith(HEAD)}
        if {name: value.shape for name, value in theirs.items()} != {name: value.shape for name, value in own.items()}:
            what = {name: list(value.shape) for name, value in theirs.items() if name == "fc_bin"} or "no such head"
            raise ConfigError(
                f"model_cfg.head: teacher, but {file} has {what} under {HEAD} where model_cfg.SeparateBNNecks makes"
                f" {list(own['fc_bin'].shape)}: set head: fresh, or the class_num that the teacher was trained with"
            )
        self.BNNecks.load_state_dict(theirs)

    def train(self, mode=True):
        """G stays in eval mode as well."""
        super().train(mode)
        if mode and "Whole" in self._modules:
            freeze(self.Whole)  # which lets GaitGL take several clips
        return self

    def embeddings(self, batch) -> tuple[Tensor, Tensor]:
        """F's embedding of the occluded view and f, both ``[n, c, p]``."""
        inputs = batch.inputs(batch.occluded)
        twin = embed(self.Backbone, inputs)
        with torch.no_grad():
            whole, (guide, alpha) = embed(self.Whole, inputs), self.visibility(batch)
        residual = twin
        if self.Mixer is not None:
            residual = self.Mixer(torch.cat([twin, guide.to(twin)[:, :, None].expand(-1, -1, twin.shape[2])], 1))
        if alpha is not None:
            if self.training:
                self._log_alpha(batch, alpha)
            residual = alpha.to(residual)[:, None, None] * residual
        return twin, whole + residual

    def visibility(self, batch) -> tuple[Tensor | None, Tensor | None]:
        """O ``[n, 64]`` and alpha ``[n]``: means over a clip's frames; None without a VEN, alpha also where it is not adaptive."""
        if self.VEN is None:
            return None, None
        feature = self.VEN(batch.occluded.flatten(0, 1))
        alpha = mean_over_frames(self._hidden_share(feature), batch.lengths) if self.cfg.adaptive else None
        return mean_over_frames(feature, batch.lengths), alpha

    def _hidden_share(self, feature: Tensor) -> Tensor:
        """The VEN's amount of every frame; of one that learned what is kept (``kept_amount``), what is not."""
        kinds, amount = self.VEN.heads(feature)
        if not self.predicts_kept_fraction:
            return amount
        if kinds is None:
            raise ConfigError("model_cfg.ven: reference_compat.kept_amount without a class head does not say which frames are whole")
        return torch.where(kinds.argmax(1) > 0, 1 - amount, 0)

    @torch.no_grad()
    def _log_alpha(self, batch, alpha: Tensor):
        """Before the first step: the mean alpha of whole and of occluded clips; stop at a VEN that takes whole bodies for hidden."""
        if self._has_logged_alpha:
            return
        object.__setattr__(self, "_has_logged_alpha", True)
        is_whole = torch.tensor([draw.kind == "none" for draw in batch.draws], device=alpha.device)
        on_whole, on_occluded = float(mean_of_all(alpha[is_whole])), float(mean_of_all(alpha[~is_whole]))
        counts = [int(gather(mask.sum()[None]).sum()) for mask in (is_whole, ~is_whole)]
        self.msg_mgr.log_info(
            f"alpha before step {self.iteration}: mean {on_whole:.3f} of {counts[0]} whole clips, {on_occluded:.3f} of {counts[1]} occluded"
        )
        limit = self.cfg.max_alpha_on_whole
        if limit is not None and on_whole > limit:
            raise ConfigError(
                f"model_cfg.max_alpha_on_whole = {limit:g}: the VEN says that {100 * on_whole:.1f} % of whole bodies are hidden, so the"
                " residual would change them and whole bodies would not be kept. Train the VEN longer or on more whole clips, or set null"
            )

    def _hash_whole(self) -> str:
        """Of what G's embedding reaches: DDP gives every process the first one's random heads."""
        return hash_tensors({name: value for name, value in self.Whole.state_dict().items() if name not in self.whole_unreached})

    def before_saving(self):
        """Raise `TeacherChanged` unless G is as it was: nothing is saved then."""
        now = self._hash_whole()
        if now != self._whole_hash:
            raise TeacherChanged(f"the frozen G changed during training (hash {self._whole_hash[:12]} -> {now[:12]}): nothing is saved")

    def save_ckpt(self, iteration):
        """Save as the host does, where our launcher has not taken its place (`opengait_mimic.training.saving`)."""
        self.before_saving()
        super().save_ckpt(iteration)

    def identity(self) -> dict:
        """With G's class and the two switches of the ablation."""
        return {**super().identity(), "teacher": type(self.Whole).__name__, "aware": self.cfg.aware, "adaptive": self.cfg.adaptive}

    def get_extra_state(self):
        """With the hash of G's file."""
        return {**super().get_extra_state(), KEPT: self._kept}

    def set_extra_state(self, state):
        """Refuse to go on with another G; from another run's weights (``restore_hint`` is a path) its own G comes along."""
        super().set_extra_state(state)
        before, now = state.get(KEPT), self._kept
        if now is None or self.starts_elsewhere:
            object.__setattr__(self, "_kept", before)
        elif before is not None and before != now:
            raise CheckpointError(
                f"model_cfg.teacher.checkpoint holds other weights than the G of the checkpoint to go on from ({now[:12]}, that one"
                f" {before[:12]}). Name that checkpoint, train again (without --iter), or start another training from these weights"
            )
