"""evaluators: numbers against scikit-learn, the call as the host makes it, and the text."""

from __future__ import annotations

import inspect
import logging
import sys
import types

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, mean_absolute_error, mean_squared_error

from opengait_mimic.evaluators import evaluate_visibility, evaluate_walkers
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
    """Votes of a network that is mostly right, and amounts that are 0.03 too high on average."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(KINDS), size=clips)
    votes = rng.integers(0, 5, size=(clips, len(KINDS)))
    votes[np.arange(clips), kind] += 6
    hidden = np.where(kind == 0, 0.0, rng.uniform(0.4, 0.6, size=clips)).astype(np.float32)
    predicted = (hidden + rng.normal(0.03, 0.05, size=clips)).astype(np.float32)
    return {"kind": kind, "votes": votes, "hidden": hidden, "hidden_pred": predicted}


@pytest.mark.parametrize("function", [evaluate_walkers, evaluate_visibility])
def test_the_host_can_pass_arguments_by_name(function):
    assert inspect.isfunction(function)
    kinds = {p.kind for p in inspect.signature(function).parameters.values()}
    assert kinds == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert list(inspect.signature(function).parameters)[:2] == ["data", "dataset"]


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
    assert "12 probes have no mate" in messages[0]


def test_walkers_refuses_another_data_set():
    with pytest.raises(ValueError, match="'CASIA-B'.*test_dataset_name"):
        evaluate_walkers(walkers(), "CASIA-B")


def test_visibility_equals_scikit_learn(messages):
    data = visibility()
    scalars = evaluate_visibility(data, "walkers")
    classes = range(len(KINDS))
    true = np.repeat(data["kind"], data["votes"].sum(1))
    predicted = np.concatenate([np.repeat(classes, votes) for votes in data["votes"]])
    table = confusion_matrix(true, predicted, labels=classes)
    assert scalars[PREFIX + "frame"] == pytest.approx(100 * np.trace(table) / table.sum())
    assert scalars[PREFIX + "balanced"] == pytest.approx(100 * balanced_accuracy_score(true, predicted))
    assert scalars[PREFIX + "clip"] == pytest.approx(100 * np.mean(data["votes"].argmax(1) == data["kind"]))
    assert scalars[PREFIX + "frame"] < scalars[PREFIX + "clip"]
    for name, function in (("mae", mean_absolute_error), ("mse", mean_squared_error)):
        expected = function(data["hidden"], data["hidden_pred"])
        assert scalars[PREFIX + f"hidden_{name}"] == pytest.approx(expected, rel=1e-5)
    assert scalars[PREFIX + "hidden_bias"] == pytest.approx(np.mean(data["hidden_pred"] - data["hidden"]), rel=1e-4)
    assert all(type(value) is float for value in scalars.values())

    lines = messages[0].splitlines()
    for k, name in enumerate(KINDS):
        first, second = (line.split() for line in lines if line.split()[0] == name and line.split()[1].isdigit())
        assert [int(count) for count in first[1:-1:3]] == table[k].tolist()
        assert int(first[-1]) == int(second[1]) == np.sum(data["kind"] == k)
        error = (data["hidden_pred"] - data["hidden"])[data["kind"] == k]
        assert [float(v) for v in second[3:]] == pytest.approx([np.abs(error).mean(), np.square(error).mean(), error.mean()], abs=6e-5)
    assert max(map(len, lines)) <= 120


def test_classes_the_network_does_not_know_count_as_wrong(messages):
    # two classes known, a third one shown to it: 1 of 3 clips right
    data = {
        "kind": np.array([0, 1, 2]),
        "votes": np.array([[3, 1], [4, 0], [1, 1]]),
        "hidden": np.zeros(3),
        "hidden_pred": np.zeros(3),
    }
    scalars = evaluate_visibility(data, "walkers")
    assert scalars[PREFIX + "clip"] == pytest.approx(100 / 3)
    assert scalars[PREFIX + "frame"] == pytest.approx(30)
    assert scalars[PREFIX + "balanced"] == pytest.approx(25)


def test_a_class_without_clips_is_named(messages):
    data = visibility()
    keep = data["kind"] != 1
    evaluate_visibility({key: value[keep] for key, value in data.items()}, "walkers")
    assert f"no test clip is of class {KINDS[1]}" in messages[0]


@pytest.mark.parametrize("missing", [None, "nan"])
def test_classification_only(messages, missing):
    data = visibility()
    data["hidden_pred"] = None if missing is None else np.full(60, np.nan, dtype=np.float32)
    scalars = evaluate_visibility(data, "walkers")
    assert set(scalars) == {PREFIX + name for name in ("frame", "clip", "balanced")}
    assert "no amount head" in messages[0]


def test_regression_only(messages):
    data = visibility()
    del data["votes"]
    scalars = evaluate_visibility(data, "walkers")
    assert set(scalars) == {PREFIX + f"hidden_{name}" for name in ("mae", "mse", "bias")}
    assert "no classifier" in messages[0]


def change(key, value):
    data = visibility()
    data[key] = value
    return data


@pytest.mark.parametrize(
    "data, message",
    [
        (change("kind", np.full(60, 9)), "expected class indices 0.."),
        (change("votes", np.ones((59, 3))), r"votes is \[59, 3\]; expected \[60, K\]"),
        (change("votes", np.concatenate([np.ones((58, 3)), np.zeros((2, 3))])), "2 of 60 clips have no frames"),
        (change("hidden", np.full(60, 50.0)), "hidden spans 50..50; expected fractions"),
        (change("hidden_pred", np.r_[np.nan, np.zeros(59)]), "1 of 60 values are not finite"),
        (change("hidden_pred", np.zeros(30)), "60 kinds, 60 hidden and 30 hidden_pred"),
    ],
)
def test_visibility_refuses(data, message):
    with pytest.raises(ValueError, match=message):
        evaluate_visibility(data, "walkers")


def test_without_a_host_the_text_goes_to_logging(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "utils", raising=False)
    with caplog.at_level(logging.INFO, logger="opengait_mimic"):
        evaluate_walkers(walkers(), "walkers")
    assert "Rank-1" in caplog.text
    assert "utils" not in sys.modules
