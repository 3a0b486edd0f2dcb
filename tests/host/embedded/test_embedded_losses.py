"""Losses against double loops, and how they are summed."""

from __future__ import annotations

import pytest
import torch


def loop_triplet(x, labels, margin):
    """Loss, hardest triplet and active triplets per part: every anchor, positive (itself too) and negative."""
    losses, hard, active = [], [], []
    for part in x.unbind(2):  # [n, c]
        values = []
        for a in range(len(x)):
            for b in range(len(x)):
                for c in range(len(x)):
                    if labels[a] == labels[b] and labels[a] != labels[c]:
                        gap = (part[a] - part[b]).norm() - (part[a] - part[c]).norm() + margin
                        values.append(max(float(gap), 0.0))
        nonzero = [v for v in values if v]
        losses.append(sum(nonzero) / max(len(nonzero), 1))
        hard.append(max(values))
        active.append(len(nonzero))
    return torch.tensor(losses), torch.tensor(hard), torch.tensor(active).float()


@pytest.mark.parametrize("margin", [0.2, 2.0])
def test_triplet_loss_equals_a_double_loop(embedded, margin):
    from modeling.losses import TripletLoss

    torch.manual_seed(1)
    x, labels = torch.randn(6, 4, 3), torch.tensor([4, 1, 4, 1, 0, 0])
    x[labels == 0] += 9  # so that some triplets are inactive
    loss, info = TripletLoss(margin)(embeddings=x, labels=labels)
    expected, hard, active = loop_triplet(x, labels, margin)
    assert torch.allclose(loss, expected, atol=1e-4)  # the diagonal's distance is only nearly 0
    assert torch.allclose(info["hard_loss"], hard, atol=1e-4)
    assert torch.allclose(info["loss_num"], active, atol=2)
    assert active.max() < 6 * 2 * 4
    pairs = torch.stack([torch.cdist(part, part).mean() for part in x.unbind(2)])
    assert torch.allclose(info["mean_dist"], pairs, atol=1e-3)


def test_triplet_loss_is_zero_and_differentiable_far_apart(embedded):
    from modeling.losses import TripletLoss

    labels = torch.arange(3).repeat_interleave(2)
    x = (labels[:, None, None] * 50.0).expand(6, 4, 2).clone().requires_grad_()
    loss, info = TripletLoss(0.2)(embeddings=x, labels=labels)
    loss.mean().backward()
    assert not loss.any() and not info["loss_num"].any() and not x.grad.any()


def test_triplet_loss_has_a_finite_gradient_on_equal_embeddings(embedded):
    from modeling.losses import TripletLoss

    x = torch.ones(4, 3, 2, requires_grad=True)
    loss, _ = TripletLoss(0.2)(embeddings=x, labels=torch.tensor([0, 0, 1, 1]))
    loss.mean().backward()
    assert torch.allclose(loss, torch.tensor(0.2)) and x.grad.isfinite().all()


@pytest.mark.parametrize("smooth", [False, True])
def test_cross_entropy_equals_a_loop(host, smooth):
    from modeling.losses import CrossEntropyLoss

    logits, labels = torch.rand(4, 5, 3), torch.tensor([0, 4, 2, 2])
    loss, info = CrossEntropyLoss(scale=8, label_smooth=smooth, eps=0.1, log_accuracy=True)(logits, labels)
    total, right = 0.0, 0
    for i in range(4):
        for p in range(3):
            log_prob = torch.log_softmax(8 * logits[i, :, p], 0)
            target = torch.full((5,), 0.1 / 5 if smooth else 0.0)
            target[labels[i]] += 0.9 if smooth else 1.0
            total -= (target * log_prob).sum()
            right += int(logits[i, :, p].argmax() == labels[i])
    assert torch.allclose(loss, total / 12, atol=1e-5)
    assert float(info["accuracy"]) == pytest.approx(right / 12)


def test_aggregator_weighs_and_names_the_losses(embedded):
    from modeling.loss_aggregator import LossAggregator

    blocks = [
        {"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.3, "loss_term_weight": 2.0},
        {"type": "CrossEntropyLoss", "log_prefix": "softmax", "scale": 4, "loss_term_weight": 0.5},
    ]
    aggregator = LossAggregator(blocks)
    labels = torch.tensor([0, 0, 1, 1])
    feats = {
        "triplet": {"embeddings": torch.randn(4, 3, 2), "labels": labels},
        "softmax": {"logits": torch.randn(4, 3, 2), "labels": labels},
        "extra": torch.tensor([1.0, 3.0]),
    }
    total, info = aggregator(feats)
    parts = 2 * info["scalar/triplet/loss"].mean() + 0.5 * info["scalar/softmax/loss"] + 2.0
    assert torch.allclose(total, parts)
    assert info["scalar/extra"] == 2.0 and info["scalar/triplet/loss"].shape == (2,)


def test_aggregator_names_what_is_wrong(embedded, messages):
    from modeling.loss_aggregator import LossAggregator

    block = {"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.3, "margni": 1}
    aggregator = LossAggregator(block)
    assert any(level == "warning" and "margni" in text for level, text in messages)
    with pytest.raises(ValueError, match="'softmax'.*triplet"):
        aggregator({"softmax": {"logits": torch.zeros(1)}})
    with pytest.raises(ValueError, match="may occur once"):
        LossAggregator([block, block])
    with pytest.raises(AttributeError, match="TripletLos'.*TripletLoss"):
        LossAggregator({"type": "TripletLos", "log_prefix": "triplet"})
