"""Frames as the network saw them, for the report's pictures, and the draws of passes, for a manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...host import is_ours
from ...host.test_checks import test_set_name
from ...models.prepare import model_class
from ...occlusion.manifest import Condition, Manifest, refuse_drawn_frames
from ...published.hooks import refuse_published_hiding
from .batching import picture_of
from .cache_key import binarise_threshold, read_condition
from .embedding_file import Pass


@torch.no_grad()
def sample_frames(cfgs: dict, clips: Sequence[tuple[int, dict | None]], count: int = 4, manifest: Manifest | None = None) -> np.ndarray:
    """Frames of test sequences as the network sees them under a condition; no network is built.

    Args:
        cfgs: a configuration from `prepare`.
        clips: (position in the test list, ``occlusion`` block or None = whole body).
        count: frames of each, evenly spaced from its first to its last; a shorter sequence repeats some.
        manifest: as in `embed_each`.

    Returns:
        uint8 ``[n, count, h, w]``, 255 where the silhouette is 1.

    Raises:
        ConfigError: a block is wrong, or the manifest lacks something.
    """
    from ...models.batch_viewer import Viewer

    viewer = Viewer(cfgs, is_ours(model_class(cfgs)), training=False).eval()
    data, collate = viewer.test_loader.dataset, viewer.test_loader.collate_fn
    viewer.hide(None)
    picture, found, blocks = picture_of(viewer), {}, []
    for _, block in clips:
        if block not in blocks:
            blocks.append(block)
    for block in blocks:  # one condition after the other
        viewer.hide(block, manifest_draws(manifest, cfgs, block, data, picture))
        for i, (position, own) in enumerate(clips):
            if own == block:
                seen = viewer.occluded_batch(collate([data[position]])).occluded.flatten(0, 1)  # [s, h, w]
                at = torch.linspace(0, len(seen) - 1, count).round().long().to(seen.device)
                found[i] = (255 * seen[at].clamp(0, 1)).round().byte().cpu().numpy()
    return np.stack([found[i] for i in range(len(clips))])


def manifest_draws(manifest: Manifest | None, cfgs: dict, block: dict | None, data, picture: tuple[int, int]) -> dict | None:
    """A manifest's draws for a host's test set and a block; None without either. Raises: see `Manifest.for_test`."""
    if manifest is None or block is None:
        return None
    condition, sampling = read_condition(block), cfgs["evaluator_cfg"]["sampler"]["sample_type"]
    sequences = zip(data.label_list, data.types_list, data.views_list)
    return manifest.for_test(condition.occlusion, condition.seed, test_set_name(cfgs), sampling, sequences, picture)


def build_manifest(cfgs: dict, passes: Sequence[Pass], blocks: Sequence[dict | None], names: Sequence[str] | None = None) -> Manifest:
    """What passes of `embed_each` hid under ``blocks``, as a manifest; passes over whole bodies are left out.

    ``names``: of the conditions; None = kinds, range and seed.

    Raises:
        ConfigError: a moving occlusion, under a sampling that draws frames; ``reference_compat`` hides as the public code does.
    """
    conditions, about = [], {"binarise": binarise_threshold(cfgs)}
    for i, (done, block) in enumerate(zip(passes, blocks)):
        if block is not None:
            condition = read_condition(block)
            refuse_published_hiding(cfgs)
            refuse_drawn_frames(cfgs["evaluator_cfg"]["sampler"]["sample_type"], done.drawn)
            low, high = condition.occlusion.hidden
            name = names[i] if names else f"{condition.occlusion.condition} {low:g}-{high:g} seed {condition.seed}"
            about.update(picture=tuple(done.meta["picture"]), data=done.meta["key"]["data"])
            conditions.append(Condition(name, condition.occlusion, condition.seed, done.drawn))
    return Manifest(test_set_name(cfgs), tuple(conditions), **about)
