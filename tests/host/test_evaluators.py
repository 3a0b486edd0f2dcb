"""evaluators: numbers against scikit-learn, the call as the host makes it, and the text."""

from __future__ import annotations

import logging
import sys
import types

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, mean_absolute_error, mean_squared_error

from opengait_mimic.host.evaluators import evaluate_visibility, evaluate_walkers
from opengait_mimic.occlusion import KINDS

PREFIX = "scalar/test_accuracy/"


@pytest.fixture
def messages(monkeypatch):
    """What the functions log through a host's message manager."""
    said = []
    manager = types.SimpleNamespace(log_info=said.append)
    monkeypatch.setitem(sys.modules, "utils", types.SimpleNamespace(get_msg_mgr=lambda: manager))
    return said


def walkers(subjects=6, noise=0.5):
    rng = np.random.default_rng(0)
    keys = [(f"{s:03d}", t, v) for s in range(subjects) for t in ("nm-01", "nm-02", "bg-01") for v in ("000", "090")]
    labels, kinds, views = (list(column) for column in zip(*keys))
    x = np.eye(subjects)[[int(label) for label in labels]] + noise * rng.normal(size=(len(keys), subjects))
    return {"embeddings": x[..., None].astype(np.float32), "labels": labels, "types": kinds, "views": views}


def visibility(clips=60, seed=0):
    """A network that is mostly right, and amounts that are 0.03 too high; and the frames behind the sums.

    The clips of a moving kind are untouched in some frames, which are then of class none.
    """
    rng = np.random.default_rng(seed)
    frames = []  # clip, true class, predicted class, true share, predicted share
    for clip in range(clips):
        kind = rng.integers(0, len(KINDS))
        for _ in range(rng.integers(3, 9)):
            k = 0 if kind >= 4 and rng.random() < 0.4 else kind
            said = k if rng.random() < 0.8 else rng.integers(0, len(KINDS))
            share = 0.0 if k == 0 else rng.uniform(0.2, 0.6)
            frames.append((clip, k, said, share, share + rng.normal(0.03, 0.05)))
    frames = np.array(frames)
    confusion, amount = np.zeros((clips, len(KINDS), len(KINDS))), np.zeros((clips, len(KINDS), 5))
    for clip, k, said, share, predicted in frames:
        confusion[int(clip), int(k), int(said)] += 1
        e = predicted - share
        amount[int(clip), int(k)] += [1, share, abs(e), e * e, e]
    data = {"embeddings": np.zeros((clips, 64, 1)), "confusion": confusion.astype(np.float32), "amount": amount.astype(np.float32)}
    return data, frames


@pytest.mark.parametrize("metric", ["euc", "cos"])
def test_walkers_equals_the_nearest_neighbour(messages, metric):
    data = walkers()
    scalars = evaluate_walkers(data, "walkers", metric=metric)
    x, labels = data["embeddings"][:, :, 0].astype(float), np.array(data["labels"])
    if metric == "cos":
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    gallery = np.array(data["types"]) == "nm-01"
    hits = [labels[gallery][np.argmin(np.linalg.norm(x[gallery] - x[i], axis=1))] == labels[i] for i in np.flatnonzero(~gallery)]
    assert scalars[PREFIX + "Rank-1"] == pytest.approx(100 * np.mean(hits))
    assert 0 < np.mean(hits) < 1
    assert list(scalars) == [PREFIX + f"Rank-{k}" for k in (1, 5, 10, 20)]
    assert scalars[PREFIX + "Rank-20"] == 100  # the gallery has 12
    assert len(messages) == 1 and "24 probes against 12 gallery" in messages[0]
    assert f"Rank-1 {scalars[PREFIX + 'Rank-1']:.2f} %" in messages[0]


def test_walkers_reports_probes_without_mate(messages):
    data = walkers()
    data["labels"] = ["other" if t == "bg-01" else label for label, t in zip(data["labels"], data["types"])]
    assert evaluate_walkers(data, "walkers")[PREFIX + "Rank-20"] == 50
    assert "12 of 24 probes have no mate" in messages[0]


def test_walkers_refuses_another_data_set():
    with pytest.raises(ValueError, match="'CASIA-B'.*test_dataset_name"):
        evaluate_walkers(walkers(), "CASIA-B")


def test_visibility_equals_scikit_learn(messages):
    data, frames = visibility()
    scalars = evaluate_visibility(data, "walkers")
    classes = range(len(KINDS))
    clip, true, predicted = frames[:, :3].astype(int).T
    table = confusion_matrix(true, predicted, labels=classes)
    assert scalars[PREFIX + "frame"] == pytest.approx(100 * np.trace(table) / table.sum())
    assert scalars[PREFIX + "balanced"] == pytest.approx(100 * balanced_accuracy_score(true, predicted))
    most = [[np.bincount(column[clip == c], minlength=len(KINDS)).argmax() for c in range(60)] for column in (true, predicted)]
    assert scalars[PREFIX + "clip"] == pytest.approx(100 * np.mean(np.equal(*most)))
    assert scalars[PREFIX + "frame"] < scalars[PREFIX + "clip"] < 100
    for name, function in (("mae", mean_absolute_error), ("mse", mean_squared_error)):
        assert scalars[PREFIX + f"hidden_{name}"] == pytest.approx(function(frames[:, 3], frames[:, 4]), rel=1e-5)
    assert scalars[PREFIX + "hidden_bias"] == pytest.approx(np.mean(frames[:, 4] - frames[:, 3]), rel=1e-4)
    assert all(type(value) is float for value in scalars.values())

    lines = messages[0].splitlines()
    for k, name in enumerate(KINDS):
        first, second = (line.split() for line in lines if line.split()[0] == name and line.split()[1].isdigit())
        assert [int(count) for count in first[1:-1:3]] == table[k].tolist()
        assert int(first[-1]) == most[0].count(k) and int(second[1]) == np.sum(true == k)
        error = (frames[:, 4] - frames[:, 3])[true == k]
        assert [float(v) for v in second[3:]] == pytest.approx([np.abs(error).mean(), np.square(error).mean(), error.mean()], abs=6e-5)
    assert max(map(len, lines)) <= 130


def test_classes_the_network_does_not_know_count_as_wrong(messages):
    confusion = np.zeros((3, 6, 6))
    confusion[0, 0, :2], confusion[1, 1, 0], confusion[2, 2, :2] = (3, 1), 4, (1, 1)  # the third class is unknown to it
    scalars = evaluate_visibility({"embeddings": np.zeros((3, 64, 1)), "confusion": confusion}, "walkers")
    assert scalars[PREFIX + "clip"] == pytest.approx(100 / 3)
    assert scalars[PREFIX + "frame"] == pytest.approx(30)
    assert scalars[PREFIX + "balanced"] == pytest.approx(25)
    assert "middle" not in messages[0] and "pole" not in messages[0], "classes nobody named are not shown"


def test_either_head_alone(messages):
    data, _ = visibility()
    scalars = evaluate_visibility({key: data[key] for key in ("embeddings", "confusion")}, "walkers")
    assert set(scalars) == {PREFIX + name for name in ("frame", "clip", "balanced")} and "no amount head" in messages[0]
    scalars = evaluate_visibility({key: data[key] for key in ("embeddings", "amount")}, "walkers")
    assert set(scalars) == {PREFIX + f"hidden_{name}" for name in ("mae", "mse", "bias")} and "no classifier" in messages[1]


def test_without_a_host_the_text_goes_to_logging(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "utils", raising=False)
    with caplog.at_level(logging.INFO, logger="opengait_mimic"):
        evaluate_walkers(walkers(), "walkers")
    assert "Rank-1" in caplog.text
    assert "utils" not in sys.modules
