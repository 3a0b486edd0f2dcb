"""Gathered BatchNorm on two processes of unequal batches against torch's plain one on the whole batch."""

from __future__ import annotations

import copy
import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.networks.batchnorm import GATHERED, gather_batchnorm

WORLD, CHANNELS = 2, 3
PLAIN = {
    "1d": (nn.BatchNorm1d, {}, ()),
    "1d sequence": (nn.BatchNorm1d, {"momentum": None}, (4,)),
    "2d": (nn.BatchNorm2d, {"momentum": 0.3, "eps": 1e-3}, (4, 5)),
    "2d channels last": (nn.BatchNorm2d, {}, (4, 5)),
    "2d no affine": (nn.BatchNorm2d, {"affine": False}, (4, 5)),
    "2d no statistics": (nn.BatchNorm2d, {"track_running_stats": False}, (4, 5)),
    "3d": (nn.BatchNorm3d, {}, (2, 4, 5)),
    "far from zero": (nn.BatchNorm2d, {}, (4, 5)),
}
COUNTS = ([5, 2], [1, 4])  # clips of each process in the first and the second step


def layer(case):
    kind, arguments, _ = PLAIN[case]
    made = kind(CHANNELS, **arguments)
    if made.affine:
        with torch.no_grad():
            made.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
            made.bias.copy_(torch.tensor([1.0, 0.0, -3.0]))
    return made


def batches(case, step):
    """The global batch and the weights of a loss that tells all outputs apart."""
    generator = torch.Generator().manual_seed(step)
    shape = (sum(COUNTS[step]), CHANNELS, *PLAIN[case][2])
    x, weights = torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
    x = x * 3 + torch.tensor([0.0, 5.0, -2.0]).view(1, -1, *[1] * (x.dim() - 2)) * (1000 if case == "far from zero" else 1)
    x[0] += 4  # the processes' own means differ
    return x, weights


def run(net, case, rank=None):
    """Two training steps and one in eval mode; everything torch or we compute. With a rank, of its part alone."""
    seen = []
    for step, counts in enumerate(COUNTS):
        x, weights = batches(case, step)
        if rank is not None:
            x, weights = (value.split(counts)[rank] for value in (x, weights))
        if "last" in case:
            x = x.contiguous(memory_format=torch.channels_last)
        leaf = x.clone().requires_grad_()
        net.zero_grad()
        out = net(leaf * 1)
        out.square_() if "no affine" in case else None  # what follows may write over the output, as ReLU(inplace) does
        (out * weights).sum().backward()
        seen.append({"out": out.detach(), "dx": leaf.grad, "dw": [p.grad.clone() for p in net.parameters()]})
    net.eval()
    return {"steps": seen, "state": copy.deepcopy(net.state_dict()), "eval": net(batches(case, 0)[0]).detach()}


def worker(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=WORLD)
    seen = {case: run(gather_batchnorm(layer(case)), case, rank) for case in PLAIN}
    with pytest.raises(ValueError, match="expected 4D input"):
        gather_batchnorm(nn.BatchNorm2d(3))(torch.rand(2, 3))
    half = gather_batchnorm(layer("2d"))(batches("2d", 0)[0].split(COUNTS[0])[rank].bfloat16())
    seen["half"] = half.detach()
    mixed = nn.Sequential(gather_batchnorm(nn.BatchNorm1d(2)), nn.BatchNorm1d(2))
    seen["before"] = [net(torch.full((2, 2), float(rank))).detach() for net in mixed]
    torch.save(seen, f"{folder}/rank{rank}.pt")
    dist.barrier()
    os._exit(0)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("gloo"))
    mp.spawn(worker, (folder,), WORLD)
    return [torch.load(f"{folder}/rank{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("case", PLAIN)
def test_two_processes_normalise_as_one(ranks, case):
    """Outputs, input gradients through the statistics, and the sum of the parameters' gradients."""
    alone = run(layer(case), case)
    tolerance = {"atol": 2e-3, "rtol": 1e-5} if case == "far from zero" else {"atol": 2e-6, "rtol": 2e-6}
    for step, one in enumerate(alone["steps"]):
        parts = [seen[case]["steps"][step] for seen in ranks]
        assert [len(part["out"]) for part in parts] == COUNTS[step]
        for key in ("out", "dx"):
            torch.testing.assert_close(torch.cat([part[key] for part in parts]), one[key], **tolerance)
        for theirs, own in zip(one["dw"], zip(*(part["dw"] for part in parts))):
            torch.testing.assert_close(sum(own), theirs, atol=1e-2 if case == "far from zero" else 1e-4, rtol=1e-5)


@pytest.mark.parametrize("case", PLAIN)
def test_state_and_eval_mode_are_the_plain_ones(ranks, case):
    alone = run(layer(case), case)
    for seen in ranks:
        state = seen[case]["state"]
        assert {k: (v.shape, v.dtype) for k, v in state.items()} == {k: (v.shape, v.dtype) for k, v in alone["state"].items()}
        for key, value in alone["state"].items():
            torch.testing.assert_close(state[key], value, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(seen[case]["eval"], alone["eval"], atol=1e-5, rtol=1e-5)
    assert all(torch.equal(ranks[0][case]["state"][key], ranks[1][case]["state"][key]) for key in alone["state"])


def test_half_precision_keeps_its_type_and_float_statistics(ranks):
    x = batches("2d", 0)[0].bfloat16()
    expected = layer("2d")(x.float())
    got = torch.cat([seen["half"] for seen in ranks])
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, atol=1e-2, rtol=1e-2)


def test_it_makes_the_difference(ranks):
    """Constant within each process: plain BatchNorm sees nothing, the gathered one the difference of the two."""
    for sign, seen in zip((-1.0, 1.0), ranks):
        gathered, plain = seen["before"]
        torch.testing.assert_close(gathered, torch.full((2, 2), sign), atol=1e-4, rtol=0)
        assert not plain.any()


def test_alone_it_is_the_plain_one():
    x = torch.randn(4, 3, 2, 2)
    for case in ("2d", "2d no affine", "2d no statistics"):
        one, other = layer(case), gather_batchnorm(layer(case))
        assert torch.equal(one(x), other(x))
        assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())


def test_the_whole_model_is_converted_in_place():
    """The optimiser's parameters, hooks, modes and names stay; isinstance still holds, and the host's fix_BN finds the class."""
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm1d(2).eval(), nn.BatchNorm3d(4)))
    before, names = dict(net.named_parameters()), list(net.state_dict())
    assert gather_batchnorm(net) is net
    assert all(value is before[name] for name, value in net.named_parameters()) and list(net.state_dict()) == names
    kinds = [type(module) for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert kinds == [GATHERED[nn.BatchNorm2d], GATHERED[nn.BatchNorm1d], GATHERED[nn.BatchNorm3d]]
    assert all("BatchNorm" in kind.__name__ for kind in kinds) and isinstance(net[1], nn.BatchNorm2d)
    assert net[1].training and not net[2][0].training
    gather_batchnorm(net)  # twice is harmless


def test_another_batchnorm_is_refused_by_name():
    with pytest.raises(ConfigError, match="1 is a LazyBatchNorm2d, .* set false"):
        gather_batchnorm(nn.Sequential(nn.Identity(), nn.LazyBatchNorm2d()))
