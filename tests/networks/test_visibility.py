"""The visibility network against functional torch, and its two batch forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from opengait_mimic import VisibilityNetwork


@pytest.fixture
def network():
    torch.manual_seed(0)
    return VisibilityNetwork()


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("kinds", "amount", "heads"), [(3, True, 195 + 65), (3, False, 195), (None, True, 65), (2, False, 130)])
def test_parameters(kinds, amount, heads):
    assert count(VisibilityNetwork(kinds, amount)) == 100_928 + heads


def test_the_third_pool_gives_9x9_for_64x64(network):
    seen = []
    pools = [module for module in network.modules() if isinstance(module, torch.nn.MaxPool2d)]
    for pool in pools:
        pool.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape)))
    network(torch.rand(2, 64, 64))
    assert seen == [(2, 32, 32, 32), (2, 64, 16, 16), (2, 128, 9, 9)]


def test_values_against_functional_torch(network):
    frames = torch.rand(5, 64, 44)
    convs = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    x = frames.unsqueeze(1)
    for conv, pad in zip(convs, (0, 0, 1)):
        x = F.max_pool2d(F.relu(F.conv2d(x, conv.weight, conv.bias, padding=1)), 2, padding=pad)
    expected = F.relu(x.mean((2, 3)) @ network.fc.weight.T + network.fc.bias)
    feature = network(frames)
    torch.testing.assert_close(feature, expected)
    logits, hidden = network.heads(feature)
    torch.testing.assert_close(logits, feature @ network.kind_head.weight.T + network.kind_head.bias)
    amount = feature @ network.amount_head.weight.T + network.amount_head.bias
    torch.testing.assert_close(hidden, 1 / (1 + torch.exp(-amount[:, 0])))


@pytest.mark.parametrize(("h", "w"), [(64, 64), (64, 44), (32, 22), (8, 8)])
def test_shapes(network, h, w):
    feature = network(torch.rand(6, h, w))
    assert feature.shape == (6, 64) and feature.min() >= 0
    logits, hidden = network.heads(feature)
    assert logits.shape == (6, 3) and hidden.shape == (6,)
    assert 0 < hidden.min() and hidden.max() < 1


def test_one_frame_keeps_its_axis(network):
    logits, hidden = network.heads(network(torch.rand(1, 64, 44)))
    assert logits.shape == (1, 3) and hidden.shape == (1,)


def test_logits_are_not_probabilities(network):
    logits, _ = network.heads(network(torch.rand(4, 64, 44)) * 50)
    assert (logits.sum(1) - 1).abs().min() > 1e-3
    assert logits.min() < 0 or logits.max() > 1


def test_heads_that_are_left_out():
    feature = torch.rand(3, 64)
    assert VisibilityNetwork(None, True).heads(feature)[0] is None
    assert VisibilityNetwork(2, False).heads(feature)[1] is None
    with pytest.raises(ValueError, match="needs at least one head: kinds, amount, or both"):
        VisibilityNetwork(None, False)


def test_frames_do_not_see_each_other(network):
    frames = torch.rand(6, 64, 44)
    alone = torch.cat([network(frame[None]) for frame in frames])
    torch.testing.assert_close(network(frames), alone, atol=1e-5, rtol=1e-4)


def test_the_gradient_reaches_every_parameter(network):
    logits, hidden = network.heads(network(torch.rand(8, 64, 44)))
    (logits.square().sum() + hidden.sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_nothing_depends_on_the_training_flag(network):
    frames = torch.rand(3, 64, 44)
    assert torch.equal(network.train()(frames), network.eval()(frames))
    assert not list(network.buffers())


def test_it_learns_which_half_is_lit():
    torch.manual_seed(0)
    network, frames = VisibilityNetwork(2, True), torch.zeros(16, 32, 22)
    frames[:8, :16], frames[8:, 16:] = 1, 1
    frames = frames * torch.rand(16, 32, 22).add(0.5)
    kind, amount = torch.arange(16) // 8, (torch.arange(16) // 8) * 0.6 + 0.2
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(60):
        logits, hidden = network.heads(network(frames))
        loss = F.cross_entropy(logits, kind) + 10 * F.mse_loss(hidden, amount)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (logits.argmax(1) == kind).all() and (hidden - amount).abs().max() < 0.2
