"""Evaluation functions the host calls by name: ``evaluate_walkers`` and ``evaluate_visibility``.

The host calls ``(data, dataset, **the keys of evaluator_cfg that the function names)`` on rank 0. ``data`` holds the
arrays of ``inference_feat`` over all N test sequences and the lists ``labels``, ``types`` and ``views``. The returned
``scalar/...`` values go to TensorBoard.
"""

from __future__ import annotations

import logging
import sys

import numpy as np

from ..metrics.protocols import score, split
from ..metrics.protocols.mateless_probes import describe_mateless
from ..occlusion import KINDS

KS = (1, 5, 10, 20)


def _log(text):
    host = sys.modules.get("utils")  # the host's, if one is bound
    if hasattr(host, "get_msg_mgr"):
        host.get_msg_mgr().log_info(text)
    else:
        logging.getLogger("opengait_mimic").info(text)


def evaluate_walkers(data, dataset, metric="euc"):
    """Rank-1, 5, 10 and 20 on walkers: gallery nm-01, every other type a probe, all views together.

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
    text = "\n".join([text, *describe_mateless(result)])
    _log(text)
    return {f"scalar/test_accuracy/Rank-{k}": result[f"rank{k}"] for k in KS}


def evaluate_visibility(data, dataset):
    """Confusion table and amount error of a visibility network, frame by frame, on held-out subjects.

    A frame that a moving occluder does not touch is of class none.

    Args:
        data: ``confusion``: frames of each clip by true and predicted class (indices of ``KINDS``); absent without a class head.
            ``amount``: five sums over the frames of each clip and true class: 1, true hidden fraction (0..1), and for the error e =
            predicted - true the sums of abs(e), e * e and e; absent without an amount head.
        dataset: name of the test set, for the heading.

    Shape:
        data["confusion"] [N, K, K]; data["amount"] [N, K, 5]; K = number of ``KINDS``

    Returns:
        ``scalar/test_accuracy/...``, for the heads that the network has. In percent: ``frame``, ``clip`` (a clip's class is that of most
        of its frames; of equals the lower index) and ``balanced`` (mean of the frame accuracies per true class). As fractions, means
        over frames: ``hidden_mae``, ``hidden_mse``, ``hidden_bias``.
    """
    lines, scalars = [f"visibility on {dataset}, {len(data['embeddings'])} clips"], {}
    if data.get("confusion") is None:
        lines.append("no classifier: no confusion table")
    else:
        _confusion(np.asarray(data["confusion"], dtype=float), lines, scalars)
    if data.get("amount") is None:
        lines.append("no amount head: no amount error")
    else:
        _amount(np.asarray(data["amount"], dtype=float), lines, scalars)
    _log("\n".join(lines))
    return {f"scalar/test_accuracy/{key}": float(value) for key, value in scalars.items()}


def _confusion(votes, lines, scalars):
    table = votes.sum(0)  # rows true, columns predicted
    truth, guess = votes.sum(2).argmax(1), votes.sum(1).argmax(1)  # the class of most frames
    present = np.flatnonzero(table.sum(1))
    right = table.diagonal()[present]
    scalars["frame"] = 100 * right.sum() / table.sum()
    scalars["clip"] = 100 * np.mean(truth == guess)
    scalars["balanced"] = 100 * np.mean(right / table[present].sum(1))

    shown = np.flatnonzero(table.sum(1) + table.sum(0))
    wide = 17
    lines.append("frames by class (row: true, column: predicted; count and share of the row)")
    lines.append(f"{'':10}" + "".join(f"{KINDS[k]:>{wide}}" for k in shown) + f"{'clips':>8}")
    for k in present:
        share = 100 * table[k] / table[k].sum()
        cells = "".join(f"{f'{table[k, j]:.0f} {share[j]:5.1f} %':>{wide}}" for j in shown)
        lines.append(f"{KINDS[k]:10}{cells}{np.sum(truth == k):>8}")
    lines.append(
        f"accuracy: frames {scalars['frame']:.2f} %, clips {scalars['clip']:.2f} %, balanced over classes {scalars['balanced']:.2f} %"
    )


def _amount(sums, lines, scalars):
    by_class = sums.sum(0)  # [K, 5]
    lines.append("hidden fraction of a frame (error = predicted - true)")
    lines.append(f"{'':10}{'frames':>8}{'true':>9}{'MAE':>9}{'MSE':>9}{'bias':>9}")
    for name, row in [(KINDS[k], by_class[k]) for k in np.flatnonzero(by_class[:, 0])] + [("all", by_class.sum(0))]:
        true, mae, mse, bias = row[1:] / row[0]
        lines.append(f"{name:10}{row[0]:>8.0f}{true:>9.3f}{mae:>9.4f}{mse:>9.4f}{bias:>+9.4f}")
    scalars.update(hidden_mae=mae, hidden_mse=mse, hidden_bias=bias)  # of the last row, all
