"""Evaluation functions; a config names one in ``evaluator_cfg.eval_func``."""

from __future__ import annotations

import json

import numpy as np
from utils import get_msg_mgr

from .metric import cuda_dist, precision

# data set -> gallery types, probe types under each condition
INDOOR = {
    "CASIA-B": (
        ["nm-01", "nm-02", "nm-03", "nm-04"],
        {"NM": ["nm-05", "nm-06"], "BG": ["bg-01", "bg-02"], "CL": ["cl-01", "cl-02"]},
    ),
    "OUMVLP": (["01"], {"NM": ["00"]}),
    "SUSTech1K": (
        ["00-nm"],
        {
            **{"Normal": ["01-nm"], "Bag": ["bg"], "Clothing": ["cl"], "Carrying": ["cr"], "Umberalla": ["ub"]},  # as OpenGait spells it
            **{"Uniform": ["uf"], "Occlusion": ["oc"], "Night": ["nt"], "Overall": ["01", "02", "03", "04"]},
        },
    ),
}
# data set -> the same where the gallery is of all views
CROSS_VIEW_GALLERY = {
    "CASIA-B": (["nm-02", "bg-02", "cl-02"], {"NM": ["nm-01"], "BG": ["bg-01"], "CL": ["cl-01"]}),
    "OUMVLP": (["01"], {"NM": ["00"]}),
}
PARTIAL = ("SUSTech1K",)  # a type counts where its name contains one of those listed
# condition -> gallery types, probe types
CCPG = {
    "CL": (["U1_D1", "U2_D2", "U3_D3"], ["U0_D0", "U0_D0_BG"]),
    "UP": (["U0_D3"], ["U3_D3"]),
    "DN": (["U1_D1"], ["U1_D0"]),
    "BG": (["U0_D0"], ["U0_D0_BG"]),
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


def _rank_accuracy(dist, probe_labels, gallery_labels, ranks):
    """Percentage of probes with their subject among the nearest r gallery clips, for each r."""
    nearest = dist.topk(min(max(ranks), len(gallery_labels)), largest=False).indices.cpu().numpy()
    hits = gallery_labels[nearest] == probe_labels[:, None]  # [probes, most]
    return [100 * float(hits[:, :r].any(1).mean()) for r in ranks]


def _distance(data, probe, gallery, metric):
    """Distances, labels of the probes, labels of the gallery."""
    labels, embeddings = np.asarray(data["labels"]), data["embeddings"]
    return cuda_dist(embeddings[probe], embeddings[gallery], metric), labels[probe], labels[gallery]


def evaluate_indoor_dataset(data, dataset, metric="euc", cross_view_gallery=False):
    """Rank-1 for every probe view against every gallery view, identical views left out, averaged.

    Args:
        data: ``embeddings [n, c, p]``, ``labels``, ``types``, ``views``.
        dataset: a name in `INDOOR`.
        metric: ``euc`` or ``cos``.
        cross_view_gallery: rank each probe in the gallery of all views, without its own subject's clips of its own view; a name in
            `CROSS_VIEW_GALLERY`. Averaged over the probes' views.

    Returns:
        dict: ``scalar/test_accuracy/<condition>@R1``, percent. Pairs of views without a probe or a gallery clip are
        left out of the mean, with a warning. With ``cross_view_gallery``: ``<condition>-Rank@1`` and ``<condition>-mAP``.

    Raises:
        KeyError: unknown `dataset`.
    """
    if cross_view_gallery:
        return _cross_view_gallery(data, dataset, metric)
    gallery_types, conditions = _protocol(INDOOR, dataset)
    types = data["types"]

    def of(wanted):
        return np.array([any(name in t for name in wanted) for t in types]) if dataset in PARTIAL else np.isin(types, wanted)

    sides = {condition: (of(probe_types), of(gallery_types)) for condition, probe_types in conditions.items()}
    found = _cross_view(data, dataset, data["views"], sides, metric)
    return {f"scalar/test_accuracy/{condition}@R1": value for condition, value in found.items()}


def _cross_view_gallery(data, dataset, metric):
    """Rank-1 and mAP in percent of each condition; a probe's mates are its subject's clips at other views."""
    gallery_types, conditions = _protocol(CROSS_VIEW_GALLERY, dataset)
    types, views = np.asarray(data["types"]), np.asarray(data["views"])
    in_gallery, results = np.isin(types, gallery_types), {}
    msg_mgr = get_msg_mgr()
    msg_mgr.log_info(f"Rank-1 and mAP on {dataset}, gallery of all views, percent per probe view: {np.unique(views)}")
    for condition, wanted in conditions.items():
        per_view = []
        for view in np.unique(views):
            probe = np.isin(types, wanted) & (views == view)
            if not probe.any():
                msg_mgr.log_warning(f"{condition}: view {view} has no probe and is left out of the mean")
                continue
            dist, probe_labels, gallery_labels = _distance(data, probe, in_gallery, metric)
            hits, precisions = [], []
            for row, label in zip(dist.cpu().numpy(), probe_labels):
                own = gallery_labels == label
                used = ~own | (views[in_gallery] != view)
                if not used.any():
                    raise ValueError(f"{dataset}: a probe of {label} at view {view} has no gallery clip (gallery types {gallery_types})")
                hits.append(own[used][np.argmin(row[used])])
                if own[used].any():
                    precisions.append(precision(row[used], own[used])[0])
            per_view.append([round(100 * float(np.mean(each)), 2) if each else np.nan for each in (hits, precisions)])
        for name, values in zip(("Rank@1", "mAP"), np.reshape(per_view, (-1, 2)).T):
            results[f"scalar/test_accuracy/{condition}-{name}"] = mean = float(np.mean(values)) if len(values) else np.nan
            msg_mgr.log_info(f"{condition}-{name}: {mean:.2f} {values}")
    return results


def evaluate_CCPG(data, dataset, metric="euc"):
    """Rank-1 for every probe view against every gallery view, identical views left out, averaged; the number for gait.

    A view is its name before the first underscore. OpenGait returns the table of views in place of its mean, which TensorBoard
    refuses, and logs numbers for person re-identification as well.

    Args:
        data: ``embeddings [n, c, p]``, ``labels``, ``types``, ``views``.
        dataset: ``CCPG``.
        metric: ``euc`` or ``cos``.

    Returns:
        dict: ``scalar/test_accuracy/`` with ``CL`` (whole clothing changed), ``UP``, ``DN`` (its upper, its lower half) and ``BG`` (a bag),
        percent.

    Raises:
        KeyError: another `dataset`.
    """
    sides = {name: (np.isin(data["types"], p), np.isin(data["types"], g)) for name, (g, p) in _protocol({"CCPG": CCPG}, dataset).items()}
    found = _cross_view(data, dataset, [view.split("_")[0] for view in data["views"]], sides, metric)
    return {f"scalar/test_accuracy/{condition}": value for condition, value in found.items()}


def _cross_view(data, dataset, views, sides, metric):
    """Condition -> Rank-1 in percent, the mean over its pairs of views; ``sides``: condition -> which clips are probes, which gallery."""
    views = np.asarray(views)
    masks = [views == view for view in np.unique(views)]
    msg_mgr = get_msg_mgr()
    msg_mgr.log_info(f"Rank-1 on {dataset}, identical views left out, percent per probe view: {np.unique(views)}")
    results, lacking = {}, 0
    for condition, (in_probe, in_gallery) in sides.items():
        every, per_view = [], []
        for i, probe_view in enumerate(masks):
            cells = []
            for j, gallery_view in enumerate(masks):
                probe, gallery = in_probe & probe_view, in_gallery & gallery_view
                if i == j:
                    continue
                if probe.any() and gallery.any():
                    cells.append(round(_rank_accuracy(*_distance(data, probe, gallery, metric), [1])[0], 2))
                else:
                    lacking += 1
            per_view.append(np.mean(cells) if cells else np.nan)
            every += cells
        results[condition] = float(np.mean(every)) if every else np.nan
        msg_mgr.log_info(f"{condition}@R1: {results[condition]:.2f} {np.round(per_view, 2)}")
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
    results = {}
    for rank, accuracy in zip(ranks, _rank_accuracy(*_distance(data, probe, gallery, metric), ranks)):
        results[f"scalar/test_accuracy/Rank-{rank}"] = round(accuracy, 2)
        msg_mgr.log_info(f"Rank-{rank}: {accuracy:.2f}")
    return results


def evaluate_Gait3D(data, dataset, metric="euc", dataset_partition=None):
    """Rank-1, 5 and 10, mAP and mINP of the probes the partition lists, against all other clips.

    Probes without a clip of their subject in the gallery are left out, with a warning.

    Args:
        data: ``embeddings [n, c, p]``, ``labels``, ``types``, ``views``.
        dataset: name of the test set, for the log.
        metric: ``euc`` or ``cos``.
        dataset_partition: the JSON whose ``PROBE_SET`` lists the probes, entries ``label-type-view``; the host passes
            ``data_cfg.dataset_partition``. (OpenGait opens ``./datasets/Gait3D/Gait3D.json`` whatever the config says.)

    Returns:
        dict: ``scalar/test_accuracy/`` with ``Rank-<r>``, ``mAP`` and ``mINP``, percent.

    Raises:
        ValueError: no partition, no ``PROBE_SET`` in it, no probe or no gallery clip, or no probe has a mate.
    """
    if dataset_partition is None:
        raise ValueError("evaluate_Gait3D needs dataset_partition, the JSON with PROBE_SET; the host passes data_cfg.dataset_partition")
    with open(dataset_partition, "rb") as stream:
        listed = set(json.load(stream).get("PROBE_SET", ()))
    if not listed:
        raise ValueError(f"data_cfg.dataset_partition = {dataset_partition}: no PROBE_SET in it; expected a list of label-type-view")
    labels = np.asarray(data["labels"])
    clips = ["-".join(clip) for clip in zip(data["labels"], data["types"], data["views"])]
    probe = np.array([clip in listed for clip in clips])
    if probe.all() or not probe.any():
        raise ValueError(
            f"{dataset}: {probe.sum()} probes and {(~probe).sum()} gallery clips; the PROBE_SET of {dataset_partition} has "
            f"entries such as {min(listed)}, the test set such as {clips[0]}"
        )
    mated = probe & np.isin(labels, labels[~probe])
    msg_mgr = get_msg_mgr()
    if not mated.any():
        raise ValueError(f"{dataset}: none of the {probe.sum()} probes has a clip of its subject in the gallery")
    if not mated[probe].all():
        msg_mgr.log_warning(f"{(probe & ~mated).sum()} of {probe.sum()} probes have no mate in the gallery and are left out")
    ranks = [1, 5, 10]
    dist, probe_labels, gallery_labels = _distance(data, mated, ~probe, metric)
    scores = {f"Rank-{r}": share for r, share in zip(ranks, _rank_accuracy(dist, probe_labels, gallery_labels, ranks))}
    found = [precision(row, gallery_labels == label) for row, label in zip(dist.cpu().numpy(), probe_labels)]
    scores.update(zip(("mAP", "mINP"), (100 * np.mean(found, axis=0)).tolist()))
    msg_mgr.log_info(f"{dataset}, {metric}, {mated.sum()} probes: " + ", ".join(f"{k} {v:.2f}" for k, v in scores.items()))
    return {f"scalar/test_accuracy/{key}": value for key, value in scores.items()}
