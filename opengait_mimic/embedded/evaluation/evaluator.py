"""Evaluation functions; a config names one in ``evaluator_cfg.eval_func``."""

from __future__ import annotations

import numpy as np
from utils import get_msg_mgr

from .metric import cuda_dist

# data set -> gallery types, probe types under each condition
INDOOR = {
    "CASIA-B": (
        ["nm-01", "nm-02", "nm-03", "nm-04"],
        {"NM": ["nm-05", "nm-06"], "BG": ["bg-01", "bg-02"], "CL": ["cl-01", "cl-02"]},
    ),
    "OUMVLP": (["01"], {"NM": ["00"]}),
}
# data set -> gallery types, probe types
REAL_SCENE = {"GREW": (["01"], ["02"])}


def _protocol(table, dataset):
    """The entry of a data set; a KeyError lists the known ones."""
    if dataset not in table:
        raise KeyError(
            f"test_dataset_name = {dataset!r} is not known to this evaluation; known: {', '.join(table)}. "
            "A config that does not set data_cfg.test_dataset_name is evaluated as CASIA-B."
        )
    return table[dataset]


def _rank_accuracy(data, probe, gallery, ranks, metric):
    """Percentage of probes with their subject among the nearest r gallery clips, for each r, to 2 decimals."""
    labels = np.asarray(data["labels"])
    dist = cuda_dist(data["embeddings"][probe], data["embeddings"][gallery], metric)
    most = min(max(ranks), int(gallery.sum()))
    nearest = dist.topk(most, largest=False).indices.cpu().numpy()
    hits = labels[gallery][nearest] == labels[probe][:, None]  # [probes, most]
    return [round(100 * float(hits[:, :r].any(1).mean()), 2) for r in ranks]


def evaluate_indoor_dataset(data, dataset, metric="euc", cross_view_gallery=False):
    """Rank-1 for every probe view against every gallery view, identical views left out, averaged.

    Args:
        data: ``embeddings [n, c, p]``, ``labels``, ``types``, ``views``.
        dataset: a name in `INDOOR`.
        metric: ``euc`` or ``cos``.
        cross_view_gallery: not in the embedded host.

    Returns:
        dict: ``scalar/test_accuracy/<condition>@R1``, percent. Pairs of views without a probe or a gallery clip are
        left out of the mean, with a warning.

    Raises:
        KeyError: unknown `dataset`.
        ValueError: `cross_view_gallery` is set.
    """
    gallery_types, conditions = _protocol(INDOOR, dataset)
    if cross_view_gallery:
        raise ValueError("evaluator_cfg.cross_view_gallery = true is not known to the embedded host; use OpenGait")
    types, views = np.asarray(data["types"]), np.asarray(data["views"])
    masks = [views == view for view in np.unique(views)]
    in_gallery = np.isin(types, gallery_types)
    msg_mgr = get_msg_mgr()
    msg_mgr.log_info(f"Rank-1 on {dataset}, identical views left out, percent per probe view: {np.unique(views)}")
    results, lacking = {}, 0
    for condition, probe_types in conditions.items():
        in_probe = np.isin(types, probe_types)
        per_view = []
        for i, probe_view in enumerate(masks):
            cells = []
            for j, gallery_view in enumerate(masks):
                probe, gallery = in_probe & probe_view, in_gallery & gallery_view
                if i == j:
                    continue
                if probe.any() and gallery.any():
                    cells += _rank_accuracy(data, probe, gallery, [1], metric)
                else:
                    lacking += 1
            per_view.append(np.mean(cells) if cells else np.nan)
        mean = np.nan if np.isnan(per_view).all() else float(np.nanmean(per_view))
        results[f"scalar/test_accuracy/{condition}@R1"] = mean
        msg_mgr.log_info(f"{condition}@R1: {mean:.2f} {np.round(per_view, 2)}")
    if lacking:
        msg_mgr.log_warning(f"{lacking} pairs of views have no probe or no gallery clip and are left out of the means")
    return results


def evaluate_real_scene(data, dataset, metric="euc"):
    """Rank-1, 5, 10 and 20 of all probes against one gallery.

    Args:
        data: ``embeddings [n, c, p]``, ``labels``, ``types``.
        dataset: a name in `REAL_SCENE`.
        metric: ``euc`` or ``cos``.

    Returns:
        dict: ``scalar/test_accuracy/Rank-<r>``, percent.

    Raises:
        KeyError: unknown `dataset`.
        ValueError: no probe or no gallery clip.
    """
    gallery_types, probe_types = _protocol(REAL_SCENE, dataset)
    gallery, probe = (np.isin(data["types"], kinds) for kinds in (gallery_types, probe_types))
    if not gallery.any() or not probe.any():
        raise ValueError(
            f"{dataset}: {gallery.sum()} gallery clips (types {gallery_types}) and {probe.sum()} probes "
            f"(types {probe_types}); the test set has the types {sorted(set(data['types']))}"
        )
    msg_mgr = get_msg_mgr()
    ranks = [1, 5, 10, 20]
    if gallery.sum() < max(ranks):
        msg_mgr.log_info(f"The gallery has {gallery.sum()} clips: ranks beyond that count them all.")
    results = {}
    for rank, accuracy in zip(ranks, _rank_accuracy(data, probe, gallery, ranks, metric)):
        results[f"scalar/test_accuracy/Rank-{rank}"] = accuracy
        msg_mgr.log_info(f"Rank-{rank}: {accuracy:.2f}")
    return results
