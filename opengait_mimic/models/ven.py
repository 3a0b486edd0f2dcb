"""The model that trains the Visibility Estimation Network on the host's loader."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from modeling.base_model import BaseModel
from pydantic import AfterValidator, Field

from ..base.config import Allowed, Flag, losses_of
from ..base.errors import ConfigError, Misfit
from ..networks.visibility import VisibilityNetwork
from ..occlusion import KINDS, MOVING, Occlusion
from ..occlusion.clips import clip_of_frame, mean_over_frames
from .logged_scalars import mean_of_all
from .occluded_input import TRAINING, OccludedConfig, OccludedInput
from .upstream_weights import refuse_foreign


def _order_kinds(value):
    """At least two different kinds, in the order of `KINDS`."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(kind in KINDS for kind in value) or len(set(value)) < 2:
        raise ValueError(f"expected at least two of {', '.join(KINDS)}, or null")
    return [kind for kind in KINDS if kind in value]


class VENConfig(OccludedConfig):
    """``model_cfg`` of a VEN."""

    model: Literal["VEN"] = Field("VEN", description="name of the model")
    kinds: Annotated[Any, AfterValidator(_order_kinds), Allowed(f"a list of at least two of {', '.join(KINDS)}, or null")] = Field(
        ["none", "bottom", "top"], description="kinds that the class head names; null: no class head"
    )
    amount: Flag = Field(True, description="build the head for the hidden fraction")


class VEN(OccludedInput, BaseModel):
    """Learns, frame by frame, what is hidden and how much of it.

    .. code-block:: yaml

        model_cfg:
          model: VEN
          kinds: [none, bottom, top]   # any of none, bottom, top, middle, patch, pole; null: no class head
          amount: true                 # head for the hidden fraction
          geometry: [64, 44]
          binarise: 0.5
          reference_compat: {}         # the public code's departures, see `opengait_mimic.published.switches`
        loss_cfg:                      # one loss per head; either head alone is allowed
          - {type: CrossEntropyLoss, log_prefix: kind, scale: 1, label_smooth: false, log_accuracy: true, loss_term_weight: 1.0}
          - {type: HiddenFractionLoss, log_prefix: hidden, loss_term_weight: 10.0}
        evaluator_cfg:
          eval_func: evaluate_visibility

    Raises:
        ConfigError: a key of ours is wrong, a kind is drawn that the network does not know, a loss without its head.

    Source:
        MimicGait (WACV 2025), section 3.2: cross-entropy + 10 x mean squared error.
    """

    Config = VENConfig
    IS_RANKED = False
    LOSS_OF = {"CrossEntropyLoss": "kinds", "HiddenFractionLoss": "amount"}

    def build_network(self, model_cfg):
        """Build the network and match the losses to its heads."""
        cfg = self.Config.read(model_cfg, "model_cfg")
        self.kinds, self.geometry, self.binarise = cfg.kinds, cfg.geometry, cfg.binarise
        if self.predicts_kept_fraction:
            self.msg_mgr.log_info("reference_compat.kept_amount: the amount is the share that is kept, in the loss and in the test's table")
        for where, occlusion in (("trainer_cfg", self.drawn), ("evaluator_cfg", self.condition.occlusion)):
            drawn = set(occlusion.possible if occlusion else ())
            drawn |= {"none"} if drawn & set(MOVING) else set()  # frames that a moving occluder does not touch
            extra = sorted(drawn - set(self.kinds or KINDS))
            if extra:
                raise ConfigError(f"{where}.occlusion.kinds draws {extra}, which model_cfg.kinds = {self.kinds} does not name")
        self.VEN = VisibilityNetwork(len(cfg.kinds) if cfg.kinds else None, cfg.amount)
        self.prefix = {}
        for loss in losses_of(self.cfgs):
            head = self.LOSS_OF.get(loss["type"])
            if head is None or not getattr(cfg, head):
                raise ConfigError(
                    f"loss_cfg.type = {loss['type']}: VEN trains with CrossEntropyLoss (kinds) and HiddenFractionLoss (amount), each"
                    " with its head"
                )
            self.prefix[head] = loss["log_prefix"]
        for head in ("kinds", "amount"):
            if getattr(cfg, head) and head not in self.prefix:
                off = "kinds: null" if head == "kinds" else "amount: false"
                raise ConfigError(f"model_cfg.{head}: no loss of loss_cfg trains this head. Add its loss, or set `{off}`")

    def inputs_pretreament(self, inputs):
        """The occluded batch with its targets."""
        return self.occluded_batch(inputs)

    def forward(self, batch):
        """Frame logits and amounts for the losses; counts and errors by true class for the test."""
        frames = batch.occluded.flatten(0, 1)  # [S, h, w]
        feature = self.VEN(self.hooks.ven_input(frames))  # [S, 64]
        logits, hidden = self.VEN.heads(feature)
        feats, more, found = {}, {}, {"embeddings": mean_over_frames(feature.float(), batch.lengths)[:, :, None]}
        cell = (clip_of_frame(batch.lengths, feature.device), batch.kind)  # clip and true class of every frame
        n, known = len(batch.lengths), len(KINDS)
        if logits is not None:
            labels = local_index(self.kinds, feature.device)[batch.kind]
            scores = self.hooks.kind_scores(logits)
            feats[self.prefix["kinds"]] = {"logits": scores[:, :, None], "labels": labels}
            more["right"] = logits.argmax(1) == labels
            said = torch.tensor([KINDS.index(k) for k in self.kinds], device=feature.device)[logits.argmax(1)]
            table = batch.hidden.new_zeros(n, known, known)
            found["confusion"] = table.index_put_((*cell, said), torch.ones_like(batch.hidden), accumulate=True)
        if hidden is not None:
            target = self.hooks.amount_target(batch.kind, batch.hidden)
            feats[self.prefix["amount"]] = {"prediction": hidden, "target": target}
            error = more["error"] = hidden.detach().float() - target
            sums = torch.stack([torch.ones_like(error), target, error.abs(), error.square(), error], 1)  # [S, 5]
            found["amount"] = sums.new_zeros(n, known, 5).index_put_(cell, sums, accumulate=True)
        return {
            "training_feat": feats,
            "visual_summary": {"image/occluded": batch.occluded.flatten(0, 1)[:16, None], **self.watch(batch, **more)},
            "inference_feat": found,
        }

    @property
    def predicted_kinds(self) -> list | None:
        """See `Guided`."""
        return self.kinds

    @property
    def predicts_kept_fraction(self) -> bool:
        """See `Guided`."""
        return "kept_amount" in self.hooks.on

    def watched(self, batch, right=None, error=None):
        """With ``ven_accuracy`` and ``amount_error``, each with its head: which frames' kinds were right; the amounts' errors ``[S]``."""
        found = super().watched(batch)
        if right is not None:
            found["ven_accuracy"] = mean_of_all(right)
        if error is not None:
            found["amount_error"] = mean_of_all(error.abs())
        return found

    def identity(self) -> dict:
        """Role, kinds, geometry, input and what the switches change in the weights' meaning; plain values."""
        own = {"role": "VEN", "kinds": self.kinds, "geometry": list(self.geometry), "binarise": self.binarise}
        return {**own, "grey_whole": self.hooks.grey_whole, "reference_compat": self.hooks.ven_meaning}

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Refuse a file that is none of ours, also under ``restore_ckpt_strict: false``, where the host would load nothing of it."""
        refuse_foreign(state_dict, "VEN")
        return super().load_state_dict(state_dict, strict, assign)

    def get_extra_state(self):
        """What the checkpoint says of itself, and which switches decided its weights."""
        return {**self.identity(), "switches": self.trained_with}

    def set_extra_state(self, state):
        """Refuse a checkpoint of another role, other kinds or another geometry."""
        check_extra_state(self.identity(), state)


def local_index(kinds: list[str], device=None) -> torch.Tensor:
    """The class of a VEN that tells ``kinds`` apart, by the index into `KINDS`; -1 for what it does not know: long ``[len(KINDS)]``."""
    return torch.tensor([kinds.index(kind) if kind in kinds else -1 for kind in KINDS], device=device)


def describe_gaps(cfgs: dict, file: str, drawn: Occlusion) -> list[str]:
    """What a training draws that this VEN was not trained on, a line each.

    Args:
        cfgs: the VEN's complete configuration.
        file: its YAML, for the message.
        drawn: what the training of the guided model draws.
    """
    kinds = VENConfig.read(cfgs["model_cfg"], f"{file}: model_cfg").kinds
    trained = Occlusion.from_cfg(cfgs["trainer_cfg"].get("occlusion", TRAINING), f"{file}: trainer_cfg.occlusion")
    found, guess = [], "its guidance there is a guess"
    if unseen := sorted(set(drawn.possible) - set(kinds or drawn.possible)):
        found.append(f"trainer_cfg.occlusion draws {', '.join(unseen)}, which the VEN was not trained on: {guess}")
    (low, high), (least, most) = trained.hidden, drawn.hidden
    if least < low or most > high:
        range_ = f"trainer_cfg.occlusion.hidden = {[least, most]} goes beyond {[low, high]}"
        found.append(f"{range_}, which the VEN of {file} was trained on: {guess}")
    return found


UNSAID = ("grey_whole", "ven_kinds")
"""Entries that a checkpoint may lack: older files say nothing of the first, imported ones of either."""


def check_extra_state(own: dict, given) -> None:
    """Compare what a checkpoint says of itself with the model it is loaded into.

    Raises:
        Misfit: an entry differs; names it, both values and the way out.
    """
    given = given if isinstance(given, dict) else {}
    for key, value in own.items():
        if given.get(key) != value and (key in given or key not in UNSAID):
            raise Misfit(
                f"the checkpoint says {key} = {given.get(key)!r}, this configuration says {value!r}. Use the YAML it was trained"
                " with, or the checkpoint of this YAML."
            )
