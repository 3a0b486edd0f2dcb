"""Evaluation functions the host calls by name: ``evaluate_walkers`` and ``evaluate_visibility``.

The host calls ``(data, dataset, **the keys of evaluator_cfg that the function names)`` on rank 0. ``data`` holds the
arrays of ``inference_feat`` over all N test sequences and the lists ``labels``, ``types`` and ``views``. The returned
``scalar/...`` values go to TensorBoard.
"""

from __future__ import annotations

import logging
import sys

import numpy as np

from .occlusion import KINDS
from .protocol import score, split

KS = (1, 5, 10, 20)


def _log(text):
    host = sys.modules.get("utils")  # bound by the host, never imported from here
    if hasattr(host, "get_msg_mgr"):
        host.get_msg_mgr().log_info(text)
    else:
        logging.getLogger("opengait_mimic").info(text)


def evaluate_walkers(data, dataset, metric="euc"):
    """Rank-1, 5, 10 and 20 on walkers: gallery nm-01, every other type a probe, all views against all views.

    Args:
        data: ``embeddings`` and the lists ``labels``, ``types``, ``views``.
        dataset: name of the test set; must be ``walkers``.
        metric: ``euc`` or ``cos``.

    Shape:
        data["embeddings"] [N, c, p]

    Returns:
        ``scalar/test_accuracy/Rank-k`` in percent for the four k's.

    Raises:
        ValueError: another data set, or sequences that do not fit the protocol.
    """
    if dataset != "walkers":
        raise ValueError(
            f"evaluate_walkers got data set {dataset!r}; it evaluates 'walkers' only. Set data_cfg.test_dataset_name: "
            "walkers (OpenGait's default is CASIA-B), or choose the data set's own evaluator_cfg.eval_func"
        )
    labels, views = data["labels"], data["views"]
    parts = split(dataset, labels, data["types"], views)
    result = score(parts, data["embeddings"], data["embeddings"], labels, views, KS, metric)
    gallery = int(parts.subsets["all"][1].sum())
    text = f"walkers, {metric}, {result['probes']} probes against {gallery} gallery sequences, all views\n"
    text += "   ".join(f"Rank-{k} {result[f'rank{k}']:.2f} %" for k in KS)
    if result["probes_without_mate"]:
        text += f"\n{result['probes_without_mate']} probes have no mate in the gallery and count as failures"
    _log(text)
    return {f"scalar/test_accuracy/Rank-{k}": result[f"rank{k}"] for k in KS}


def evaluate_visibility(data, dataset):
    """Confusion table and amount error of a visibility network on held-out subjects, class none included.

    A VEN without a classifier has no ``votes``; one without an amount head has no ``hidden_pred`` or only NaN in it.

    Args:
        data: ``kind`` (true class of each clip, an index of ``KINDS``), ``hidden`` (true hidden fraction, 0..1),
            ``votes`` (number of frames per predicted class) and ``hidden_pred`` (mean prediction over the frames).
        dataset: name of the test set, for the heading.

    Shape:
        data["kind"], data["hidden"], data["hidden_pred"] [N]; data["votes"] [N, K]

    Returns:
        ``scalar/test_accuracy/...``: ``frame`` and ``clip`` (the class with most frames; the lower index of equals) in
        percent, ``balanced`` (mean over the true classes of their frame accuracy) in percent, and ``hidden_mae``,
        ``hidden_mse``, ``hidden_bias`` as fractions; only those the network has a head for.

    Raises:
        ValueError: a class or amount out of range, clips without frames, or predictions that are not finite.
    """
    kind = np.asarray(data["kind"]).reshape(-1)
    if not np.isin(kind, range(len(KINDS))).all():
        raise ValueError(f"kind holds {np.unique(kind).tolist()}; expected class indices 0..{len(KINDS) - 1} of {KINDS}")
    kind = kind.astype(int)
    lines, scalars = [f"visibility on {dataset}, {len(kind)} clips"], {}

    votes = data.get("votes")
    if votes is None:
        lines.append("no classifier: no confusion table")
    else:
        _confusion(np.asarray(votes), kind, lines, scalars)

    predicted = data.get("hidden_pred")
    if predicted is None or np.isnan(predicted).all():
        lines.append("no amount head: no amount error")
    else:
        _amount(np.asarray(predicted, dtype=float), np.asarray(data["hidden"], dtype=float), kind, lines, scalars)
    _log("\n".join(lines))
    return {f"scalar/test_accuracy/{key}": float(value) for key, value in scalars.items()}


def _confusion(votes, kind, lines, scalars):
    if votes.ndim != 2 or len(votes) != len(kind) or not 1 <= votes.shape[1] <= len(KINDS):
        raise ValueError(f"votes is {list(votes.shape)}; expected [{len(kind)}, K] with K <= {len(KINDS)} classes")
    frames = votes.sum(1)
    if not np.isfinite(votes).all() or (votes < 0).any() or (frames == 0).any():
        raise ValueError(f"votes: {int((~(frames > 0)).sum())} of {len(votes)} clips have no frames, or counts below 0")
    known = votes.shape[1]
    table = np.zeros((len(KINDS), known))  # rows true, columns predicted
    np.add.at(table, kind, votes)
    present = np.unique(kind)
    right = np.array([table[k, k] if k < known else 0 for k in present])
    scalars["frame"] = 100 * right.sum() / table.sum()
    scalars["clip"] = 100 * np.mean(votes.argmax(1) == kind)
    scalars["balanced"] = 100 * np.mean(right / table[present].sum(1))

    wide = max(10, *(len(name) for name in KINDS)) + 6
    lines.append("frames by class (row: true, column: predicted; count and share of the row)")
    lines.append(f"{'':10}" + "".join(f"{name:>{wide}}" for name in KINDS[:known]) + f"{'clips':>8}")
    for k in present:
        share = 100 * table[k] / table[k].sum()
        cells = "".join(f"{f'{count:.0f} {part:5.1f} %':>{wide}}" for count, part in zip(table[k], share))
        lines.append(f"{KINDS[k]:10}{cells}{np.sum(kind == k):>8}")
    lines.append(
        f"accuracy: frames {scalars['frame']:.2f} %, clips {scalars['clip']:.2f} %, balanced over classes {scalars['balanced']:.2f} %"
    )
    absent = [KINDS[k] for k in range(known) if k not in present]
    if absent:
        lines.append(f"no test clip is of class {', '.join(absent)}")


def _amount(predicted, hidden, kind, lines, scalars):
    predicted, hidden = predicted.reshape(-1), hidden.reshape(-1)
    if not len(predicted) == len(hidden) == len(kind):
        raise ValueError(f"{len(kind)} kinds, {len(hidden)} hidden and {len(predicted)} hidden_pred; expected one of each")
    if not ((hidden >= 0) & (hidden <= 1)).all():
        raise ValueError(f"hidden spans {hidden.min():g}..{hidden.max():g}; expected fractions 0..1")
    if not np.isfinite(predicted).all():
        raise ValueError(f"hidden_pred: {int((~np.isfinite(predicted)).sum())} of {len(predicted)} values are not finite")
    error = predicted - hidden
    lines.append("hidden fraction (error = predicted - true)")
    lines.append(f"{'':10}{'clips':>8}{'true':>9}{'MAE':>9}{'MSE':>9}{'bias':>9}")
    for name, rows in [(KINDS[k], kind == k) for k in np.unique(kind)] + [("all", np.full(len(kind), True))]:
        e = error[rows]
        mae, mse, bias = np.abs(e).mean(), np.square(e).mean(), e.mean()
        lines.append(f"{name:10}{len(e):>8}{hidden[rows].mean():>9.3f}{mae:>9.4f}{mse:>9.4f}{bias:>+9.4f}")
    scalars.update(hidden_mae=mae, hidden_mse=mse, hidden_bias=bias)  # of the last row, all
