"""Several test sequences in one batch: whether each keeps its embedding, and how many frames go in together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ...base.processes import gather

SEQUENCES = 16  # at a time, where a model takes several
FRAMES = {"cpu": 256, "cuda": 1024}  # that go through the network together; a longer sequence goes alone
LENGTHS = (9, 14, 11)  # frames of the trial's clips
EQUAL = 1e-5  # of the largest value


class Raw(NamedTuple):
    """A batch as the host's collate function lays it out, see `opengait_mimic.occlusion.clips`."""

    inputs: list
    labels: list
    types: list
    views: list
    seqL: np.ndarray | None


def cut_batch(raw, limit: int) -> list[Raw]:
    """Cut a batch between its clips, so that no piece has more frames than ``limit`` or it is one clip. In order."""
    raw = Raw(*raw)
    packed, n = raw.seqL is not None, len(raw.labels)
    lengths = np.asarray(raw.seqL).ravel().tolist() if packed else [len(clip) for clip in raw.inputs[0]]
    cuts, held = [0], 0
    for i, length in enumerate(lengths):
        if held and held + length > limit:
            cuts.append(i)
            held = 0
        held += length
    starts, found = np.cumsum([0, *lengths]), []
    for first, last in zip(cuts, [*cuts[1:], n]):
        part = slice(first, last)
        frames = slice(starts[first], starts[last])
        inputs = [[kind[0][frames]] if packed else kind[part] for kind in raw.inputs]
        found.append(Raw(inputs, raw.labels[part], raw.types[part], raw.views[part], np.asarray([lengths[part]]) if packed else None))
    return found


def join_clips(clips: list, names: list, packed: bool) -> Raw:
    """Clips ``[s, h, w]`` and the (label, type, view) of each as one batch."""
    labels, types, views = map(list, zip(*names))
    if packed:
        return Raw([[np.concatenate(clips)]], labels, types, views, np.asarray([[len(clip) for clip in clips]]))
    return Raw([list(clips)], labels, types, views, None)


def reason_for_single(model: nn.Module) -> str:
    """Why a model must be given its test sequences one by one; empty where several give each the same embedding.

    Tried on made-up clips of the test set's picture size and of different lengths, through the model's own transforms and in the
    precision of its test. Packed, each must keep the embedding it has alone, to `EQUAL` of the largest value. Convolutions over time
    fail here: they mix the ends of packed clips.
    """
    from ...models.backbone_exceptions import quirk

    why = f"{model.embedder.__name__} takes one sequence in a test" if quirk(model.embedder).single_in_eval else try_several(model)
    agreed = gather(torch.tensor([float(bool(why))], device=next(model.parameters()).device))
    return why or ("another process found a difference" if bool(agreed.any()) else "")


def picture_of(model: nn.Module) -> tuple[int, int]:
    """Rows and columns of the silhouettes that a model over `OccludedInput` is given, after the transforms."""
    clips, names, packed = _made_up(model)
    return tuple(model.occluded_batch(join_clips(clips[:1], names[:1], packed)).occluded.shape[-2:])


def _made_up(model) -> tuple[list, list, bool]:
    """Clips of `LENGTHS`, their names, and whether the test packs its clips."""
    data, draws = model.test_loader.dataset, np.random.default_rng(0)
    packed = not model.cfgs["evaluator_cfg"]["sampler"]["sample_type"].startswith("fixed")
    first = np.asarray(data[0][0][0])
    shape, lengths = first.shape[1:], LENGTHS if packed else LENGTHS[:1] * len(LENGTHS)
    clips = [(255 * (draws.random((length, *shape)) < 0.3 + 0.2 * i)).astype(first.dtype) for i, length in enumerate(lengths)]
    return clips, [(data.label_set.index(data.label_list[0]), data.types_list[0], data.views_list[0])] * len(clips), packed


@torch.no_grad()
def try_several(model) -> str:
    """Embed made-up clips alone and together: what differs, or an empty text."""
    from ...models.backbone_refusals import out_of_memory

    clips, names, packed = _made_up(model)
    try:
        alone = torch.cat([_embed(model, join_clips([clip], names[:1], packed)) for clip in clips])
        together = _embed(model, join_clips(clips, names, packed))
    except Exception as error:
        if out_of_memory(error):
            raise
        return f"it fails on several made-up clips ({type(error).__name__}: {error})"
    if together.shape != alone.shape:
        return f"of {len(clips)} made-up clips it makes embeddings of shape {list(together.shape)}, not {list(alone.shape)}"
    apart, largest = float((together - alone).abs().max()), float(alone.abs().max())
    if not apart <= EQUAL * largest:
        return f"made-up clips embedded together differ from each alone by {apart / largest:.1e} of the largest value"
    return ""


def _embed(model, raw: Raw) -> torch.Tensor:
    ipts = model.inputs_pretreament(raw)
    with torch.autocast(next(model.parameters()).device.type, torch.float16, enabled=bool(model.engine_cfg["enable_float16"])):
        return model.forward(ipts)["inference_feat"]["embeddings"].float()
