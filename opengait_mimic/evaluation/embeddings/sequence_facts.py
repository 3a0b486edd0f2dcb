"""In the host's own test loop, collect what was hidden of each sequence and what the VEN predicts."""

from __future__ import annotations

import contextlib
from typing import Callable

import torch
from torch import Tensor

from ...occlusion import KINDS
from ...occlusion.clips import clip_of_frame, mean_over_frames
from .batching import cut_batch
from .embedding_file import COLUMNS

NAMES = ("kind", "hidden_area", "frames", "ven_kind", "ven_hidden", *COLUMNS)


@contextlib.contextmanager
def collect_facts(model, frames: int, count: Callable[[int], None]):
    """In this context the model's test loop returns float32 ``embeddings [n, c, p]`` and float64 ``facts [n, 8]`` with columns `NAMES`.

    Args:
        model: a host model over `OccludedInput`, in test phase.
        frames: at most this many go through the network together; a longer sequence goes alone.
        count: called with the number of this process's sequences after each batch.
    """
    pretreat, forward, hide = model.inputs_pretreament, model.forward, model.occluded_batch
    batches, features = [], []

    def occluded_batch(inputs):
        batches.append(hide(inputs))
        return batches[-1]

    def inputs_pretreament(inputs):
        return [(pretreat(piece), batches.pop()) for piece in cut_batch(inputs, frames)]

    def embed(pieces):
        found = []
        for ipts, batch in pieces:
            features.clear()
            embeddings = forward(ipts)["inference_feat"]["embeddings"].float()
            found.append((embeddings, _facts(batch, model, features[-1] if features else None).to(embeddings.device)))
        count(sum(len(part[0]) for part in found))
        embeddings, facts = (torch.cat(parts) for parts in zip(*found))
        return {"inference_feat": {"embeddings": embeddings, "facts": facts}}

    ven = getattr(model, "VEN", None)
    hook = ven.register_forward_hook(lambda _, __, feature: features.append(feature)) if ven is not None else None
    own = {"occluded_batch": occluded_batch, "inputs_pretreament": inputs_pretreament, "forward": embed}
    for name, value in own.items():
        object.__setattr__(model, name, value)
    try:
        yield
    finally:
        for name in own:
            object.__delattr__(model, name)
        if hook is not None:
            hook.remove()


def _facts(batch, model, feature: Tensor | None) -> Tensor:
    """`NAMES` of every clip of a batch: ``[n, 8]`` on the CPU; NaN where the VEN says nothing."""
    area = mean_over_frames(batch.hidden.double(), batch.lengths).tolist()
    kinds, hidden = _predictions(model, feature, batch.lengths)
    rows = [
        [KINDS.index(d.kind), area[i], batch.lengths[i], kinds[i], hidden[i], d.hidden, d.place, d.speed] for i, d in enumerate(batch.draws)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def _predictions(model, feature: Tensor | None, lengths: list[int]) -> tuple[list[float], list[float]]:
    """The VEN's kind of most frames of every clip, the lower index of equals, and its mean hidden share; NaN without a VEN or a head."""
    most = share = [float("nan")] * len(lengths)
    if feature is None:
        return most, share
    logits, hidden = model.VEN.heads(feature.float())
    predicted = None
    if logits is not None:
        known = torch.tensor([KINDS.index(kind) for kind in model.predicted_kinds], device=feature.device)
        predicted = known[logits.argmax(1)]  # [S]
        votes = torch.zeros(len(lengths), len(KINDS), dtype=torch.long, device=feature.device)
        votes.index_put_((clip_of_frame(lengths, feature.device), predicted), torch.ones_like(predicted), accumulate=True)
        most = votes.cpu().numpy().argmax(1).tolist()
    if hidden is not None and model.predicts_kept_fraction:  # reference_compat.kept_amount: it says the kept share of what is hidden
        hidden = None if predicted is None else torch.where(predicted > 0, 1 - hidden, 0)
    if hidden is not None:
        share = mean_over_frames(hidden, lengths).tolist()
    return most, share
