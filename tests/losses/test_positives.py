"""MiCKD with some of its positives: against the loop of the definition, and pytorch-metric-learning on given triplets."""

from __future__ import annotations

import itertools

import pytest
import torch
from pytorch_metric_learning.losses import TripletMarginLoss

from opengait_mimic import MiCKDLoss, mickd_triplets
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.losses import PAIRS
from tests.losses.test_mickd import UNEVEN, batch, run, slow_loss, slow_triplets

SUBSETS = [chosen for size in (1, 2, 3) for chosen in itertools.combinations(PAIRS, size)]


@pytest.mark.parametrize(("distance", "margin", "teacher_anchors"), [("parts", 2.0, False), ("parts", 2.0, True), ("l2", 0.9, False)])
@pytest.mark.parametrize("chosen", SUBSETS, ids="+".join)
def test_loss_and_gradient_against_a_loop(chosen, distance, margin, teacher_anchors):
    mimic, teacher = batch()
    loss, info, grad = run(
        mimic, teacher, margin=margin, distance=distance, switches={"teacher_anchors": teacher_anchors}, positives=list(chosen)
    )
    slow = mimic.double().requires_grad_()
    found = slow_triplets(slow, teacher, UNEVEN, margin, distance, teacher_anchors)
    kept = {anchor: {name: pairs[name] for name in chosen} for anchor, pairs in found.items()}
    expected = slow_loss(kept, 3 if distance == "parts" else 1)
    expected.backward()
    torch.testing.assert_close(loss.double(), expected.detach(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(grad.double(), slow.grad, atol=1e-5, rtol=1e-4)
    shares = {name: float(info[name]) for name in PAIRS}
    assert sum(shares.values()) == pytest.approx(1) and all(shares[name] > 0 for name in chosen)
    assert all(shares[name] == 0 for name in PAIRS if name not in chosen)


@pytest.mark.parametrize("seed", range(3))
def test_the_own_teacher_alone_is_pytorch_metric_learning_on_those_triplets(seed):
    (mimic, teacher), n = batch(seed=seed), len(UNEVEN)
    loss, _, grad = run(mimic, teacher, margin=0.9, distance="l2", positives=["own_teacher"])
    leaf = mimic.clone().requires_grad_()
    triplets = [(i, n + i, j) for i in range(n) for j in range(2 * n) if UNEVEN[i] != UNEVEN[j % n]]
    indices = tuple(torch.tensor(column) for column in zip(*triplets))
    expected = TripletMarginLoss(margin=0.9)(torch.cat([leaf.flatten(1), teacher.flatten(1)]), UNEVEN.repeat(2), indices)
    expected.backward()
    assert loss > 0
    torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(grad, leaf.grad, atol=1e-6, rtol=0)


def test_all_of_them_is_the_default():
    mimic, teacher = batch()
    assert run(mimic, teacher)[0] == run(mimic, teacher, positives=list(reversed(PAIRS)))[0]
    assert MiCKDLoss().positives == PAIRS


def test_exactly_zero_without_such_a_positive():
    labels = torch.arange(8)
    mimic, teacher = batch(labels)
    loss, info, grad = run(mimic, teacher, labels, margin=5.0, positives=["other_clip_mimic"])
    assert loss == 0 and (grad == 0).all() and info["active"] == 0
    assert not mickd_triplets(mimic, teacher, labels, positives=("other_clip_mimic",)).valid.any()


@pytest.mark.parametrize(
    ("positives", "message"),
    [
        ([], r"^MiCKDLoss\.positives = \[\]; expected a list of at least one of 'own_teacher', 'other_clip_teacher'"),
        ("own_teacher", r"^MiCKDLoss\.positives = 'own_teacher'; expected a list"),
        (["own_teachr"], r"^MiCKDLoss\.positives\[0\] = 'own_teachr' \(did you mean 'own_teacher'\?\); allowed"),
        (["own_teacher", "own_teacher"], r"^MiCKDLoss\.positives = .*; every entry may stand there once"),
    ],
)
def test_wrong_positives(positives, message):
    with pytest.raises(ConfigError, match=message):
        MiCKDLoss(positives=positives)


def test_the_pure_function_refuses_other_positives():
    with pytest.raises(ValueError, match="positives are some of own_teacher, .*; got \\('own',\\)"):
        mickd_triplets(*batch(), UNEVEN, positives=("own",))
