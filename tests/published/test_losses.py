"""MiCKD as the public code computes it, against pytorch-metric-learning, in one process and in two."""

from __future__ import annotations

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from pytorch_metric_learning.losses import TripletMarginLoss

from opengait_mimic import MiCKDLoss
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.losses import L2DistillationLoss
from opengait_mimic.published.losses import PublishedMiCKDLoss, position_labels, replace_losses
from tests.losses.test_mickd import UNEVEN, batch, run

WORLD = 2
ALL = {"teacher_anchors": True, "l2_normalised": True}
INTRA = {**ALL, "relabel_by_position": True}
OWN = ["own_teacher"]


def public(stacked, classes, margin=0.9):
    """The public code's own words: its library's triplet loss over flattened embeddings."""
    return TripletMarginLoss(margin=margin)(stacked.flatten(1), classes)


@pytest.mark.parametrize("distance", ["parts", "l2"])
def test_l2_normalised_is_the_distance_l2(distance):
    mimic, teacher = batch()
    expected = run(mimic, teacher, margin=0.9, distance="l2")
    found = run(mimic, teacher, margin=0.9, distance=distance, switches={"l2_normalised": True})
    assert found[0] == expected[0] and torch.equal(found[2], expected[2]) and found[0] != run(mimic, teacher, margin=0.9)[0]


def test_all_is_the_public_loss():
    mimic, teacher = batch()
    loss, _, grad = run(mimic, teacher, margin=0.9, switches=ALL)
    leaf = mimic.clone().requires_grad_()
    expected = public(torch.cat([leaf, teacher]), UNEVEN.repeat(2))
    expected.backward()
    assert loss > 0
    torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(grad, leaf.grad, atol=1e-6, rtol=0)


def test_without_switches_it_is_our_loss():
    mimic, teacher = batch()
    plain, found = (run(mimic, teacher, switches=switches) for switches in (None, {}))
    assert found[0] == plain[0] and torch.equal(found[2], plain[2])


def test_only_a_switched_mickd_is_replaced():
    losses = {"mickd": MiCKDLoss(0.3, positives=OWN, loss_term_weight=2.0), "l2": L2DistillationLoss()}
    kept = dict(losses)
    replace_losses(losses, teacher_anchors=False, l2_normalised=False)
    assert losses == kept
    replace_losses(losses, teacher_anchors=True, l2_normalised=True)
    new = losses["mickd"]
    assert losses["l2"] is kept["l2"] and (new.margin, new.positives, new.loss_term_weight, new.distance) == (0.3, (*OWN,), 2.0, "l2")


@pytest.mark.parametrize(
    ("arguments", "switches", "message"),
    [
        ({"distance": "centred"}, ALL, r"reference_compat\.l2_normalised is the distance 'l2', but MiCKDLoss\.distance = 'centred'"),
        ({"distance": "euclidean"}, ALL, r"MiCKDLoss\.distance = 'euclidean'; leave one out$"),
        ({}, INTRA, r"relabel_by_position is about .* set MiCKDLoss\.positives: \[own_teacher\]$"),
    ],
)
def test_contradictions_are_refused(arguments, switches, message):
    with pytest.raises(ConfigError, match=message):
        PublishedMiCKDLoss(MiCKDLoss(**arguments), **switches)


# ---------------------------------------------------------------- labels by position


def test_in_one_process_a_clip_and_its_teacher_are_a_class():
    mimic, teacher = batch()
    n = len(UNEVEN)
    assert position_labels(n, 1).tolist() == 2 * list(range(n))
    found, _, grad = run(mimic, teacher, margin=0.9, positives=OWN, switches=INTRA)
    right, _, theirs = run(mimic, teacher, torch.arange(n), margin=0.9, switches=ALL, positives=OWN)
    assert found == right > 0 and torch.equal(grad, theirs)
    torch.testing.assert_close(found, public(torch.cat([mimic, teacher]), torch.arange(n).repeat(2)), atol=1e-6, rtol=0)


def worker(rank: int, folder: str) -> None:
    """One of two processes, each with half of the clips."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=WORLD)
    mimic, teacher = (x[:8][rank::WORLD] for x in batch(torch.arange(8)))
    leaf = mimic.clone().requires_grad_()
    loss, _ = PublishedMiCKDLoss(MiCKDLoss(0.9, positives=OWN), **INTRA)(leaf, teacher, torch.arange(8)[rank::WORLD])
    loss.backward()
    torch.save({"loss": loss.detach() / WORLD, "grad": leaf.grad / WORLD}, f"{folder}/rank{rank}.pt")
    dist.barrier()
    os._exit(0)  # as `opengait_mimic.host.leave`: gloo's threads may abort an ordinary end


@pytest.mark.slow
def test_in_two_processes_the_classes_are_those_of_the_public_stack_and_wrong(tmp_path):
    mp.spawn(worker, (str(tmp_path),), WORLD)
    seen = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(WORLD)]
    mimic, teacher = (x[:8] for x in batch(torch.arange(8)))
    leaf = mimic.clone().requires_grad_()
    stack = torch.cat([part[rank::WORLD] for rank in range(WORLD) for part in (leaf, teacher)])  # mimic 0, teacher 0, mimic 1, teacher 1
    expected = public(stack, torch.arange(8).repeat(2))
    expected.backward()
    right = run(mimic, teacher, torch.arange(8), margin=0.9, positives=OWN, switches=INTRA)[0]
    assert abs(float(expected.detach()) - float(right)) > 1e-3
    for rank, found in enumerate(seen):
        torch.testing.assert_close(found["loss"], expected.detach(), atol=1e-6, rtol=0)
        torch.testing.assert_close(found["grad"], leaf.grad[rank::WORLD], atol=1e-6, rtol=0)
