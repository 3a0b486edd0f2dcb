"""L2 distillation against torch's own mean squared error and a loop."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from opengait_mimic import L2DistillationLoss
from opengait_mimic.base.errors import ConfigError
from tests.losses.test_mickd import batch


def test_loss_and_gradient_against_torch():
    mimic, teacher = batch()
    mimic.requires_grad_(), teacher.requires_grad_()
    loss, info = L2DistillationLoss()(mimic, teacher)
    expected = F.mse_loss(mimic, teacher)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(value, mimic, retain_graph=True)[0] for value in (loss, expected)))
    loss.backward()
    assert teacher.grad is None
    assert info["loss"] == loss and not any(value.requires_grad for value in info.values())


def test_the_distance_it_tells_against_a_loop():
    mimic, teacher = batch()
    n, _, p = mimic.shape
    by_hand = sum(((mimic[i, :, q] - teacher[i, :, q]) ** 2).sum().sqrt() for i in range(n) for q in range(p)) / (n * p)
    torch.testing.assert_close(L2DistillationLoss()(mimic, teacher)[1]["distance"], by_hand)


def test_zero_with_a_finite_gradient_where_mimic_is_teacher():
    mimic = batch()[0].requires_grad_()
    loss, info = L2DistillationLoss()(mimic, mimic.detach().clone())
    loss.backward()
    assert loss == 0 and info["distance"] == 0 and (mimic.grad == 0).all()


@pytest.mark.parametrize("parts", [1, 7])
def test_one_weight_serves_any_number_of_parts(parts):
    mimic, teacher = (x[:, :, :1].expand(-1, -1, parts) for x in batch())
    torch.testing.assert_close(L2DistillationLoss()(mimic, teacher)[0], L2DistillationLoss()(mimic[:, :, :1], teacher[:, :, :1])[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_float32_whatever_autocast_says(dtype):
    mimic, teacher = (x.to(dtype) for x in batch())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = L2DistillationLoss()(mimic, teacher)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.mse_loss(mimic.float(), teacher.float()))


def test_wrong_arguments():
    with pytest.raises(ConfigError, match=r"^L2DistillationLoss\.loss_term_weight = -1; expected a number from 0"):
        L2DistillationLoss(-1)
    with pytest.raises(ValueError, match=r"one shape \[n, c, p\]; got \(8, 6, 3\) and \(8, 6, 2\)"):
        L2DistillationLoss()(torch.rand(8, 6, 3), torch.rand(8, 6, 2))
