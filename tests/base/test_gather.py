"""One process and two: the same loss, the same gradient."""

from __future__ import annotations

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

from opengait_mimic import L2DistillationLoss, MiCKDLoss
from opengait_mimic.base.processes import gather, rank_and_world
from opengait_mimic.losses import DISTANCES, PAIRS
from opengait_mimic.models.logged_scalars import mean_of_all, with_teacher
from opengait_mimic.published.losses import PublishedMiCKDLoss

WORLD = 2
CASES = [(distance, compat, PAIRS) for distance in DISTANCES for compat in (False, True)]
CASES += [("parts", compat, chosen) for compat in (False, True) for chosen in (PAIRS[:1], PAIRS[1:2], PAIRS[::2])]
LABELS = torch.tensor([3, 1, 3, 3, 1, 7, 3, 1])  # no subject sits on one rank alone, but for the single clip


FRAMES = torch.arange(12) % 5 == 0  # 5 of them on one rank, 7 on the other


def near(mimic, teacher):
    """Embeddings of which some are nearest to their own clip's, some to another's."""
    return teacher + 1.5 * mimic, teacher


def global_batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 5, 3, generator=generator), torch.randn(8, 5, 3, generator=generator)


def loss_of(case):
    distance, compat, positives = case
    loss = MiCKDLoss(1.0, distance, positives=positives)
    return PublishedMiCKDLoss(loss, teacher_anchors=True) if compat else loss


def network():
    torch.manual_seed(1)
    return torch.nn.Linear(5, 5)


def embed(net, x):
    return net(x.transpose(1, 2)).transpose(1, 2)  # [n, c, p], and not contiguous


def worker(rank: int, folder: str) -> None:
    """One of two ranks; saves what it saw. The host deals position i * world + rank."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=WORLD)
    mimic, teacher, labels = (x[rank::WORLD] for x in (*global_batch(), LABELS))
    seen = {"rank_and_world": rank_and_world(), "loss": [], "grad": [], "info": [], "ddp": []}
    for case in CASES:
        leaf = mimic.clone().requires_grad_()
        loss, info = loss_of(case)(leaf, teacher, labels)
        loss.backward()
        seen["loss"].append(loss.detach())
        seen["grad"].append(leaf.grad)
        seen["info"].append(info)
        net = DistributedDataParallel(network())
        loss_of(case)(embed(net, mimic), teacher, labels)[0].backward()
        seen["ddp"].append(net.module.weight.grad)
    net = DistributedDataParallel(network())
    loss, info = L2DistillationLoss()(embed(net, mimic), teacher)
    loss.backward()
    seen["l2"] = loss.detach(), info, net.module.weight.grad
    mine = torch.full((2, 3), float(rank), requires_grad=True)
    joined = gather(mine)
    (joined * torch.arange(12.0).reshape(4, 3)).sum().backward()
    seen["gather"] = joined.detach(), mine.grad, gather(torch.tensor([rank, 10 + rank]))
    seen["strided"] = gather(torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1) + 100 * rank)
    seen["watch"] = {**with_teacher(*near(mimic, teacher)), "mean": mean_of_all(FRAMES[:5] if rank else FRAMES[5:])}
    torch.save(seen, f"{folder}/rank{rank}.pt")
    dist.barrier()
    os._exit(0)  # as `opengait_mimic.host.leave`: gloo's threads may abort an ordinary end


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two gloo processes saw."""
    folder = str(tmp_path_factory.mktemp("gloo"))
    mp.spawn(worker, (folder,), WORLD)
    return [torch.load(f"{folder}/rank{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("group", [False, True])
def test_alone_nothing_happens(group, monkeypatch):
    """Without a process group, and in a group of one."""
    monkeypatch.setattr(dist, "is_initialized", lambda: group)
    monkeypatch.setattr(dist, "get_rank", lambda: 0)
    monkeypatch.setattr(dist, "get_world_size", lambda: 1)
    assert rank_and_world() == (0, 1)
    value = torch.rand(3)
    assert gather(value) is value


def test_gather_joins_rank_by_rank_and_passes_the_gradient_to_the_own_slice(ranks):
    weight = torch.arange(12.0).reshape(4, 3)
    strided = torch.cat([torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1) + 100 * rank for rank in range(WORLD)])
    for rank, seen in enumerate(ranks):
        joined, grad, whole_numbers = seen["gather"]
        assert seen["rank_and_world"] == (rank, 2)
        assert joined.tolist() == [[0.0] * 3] * 2 + [[1.0] * 3] * 2
        assert whole_numbers.tolist() == [0, 10, 1, 11] and whole_numbers.dtype == torch.long
        assert torch.equal(grad, weight[2 * rank : 2 * rank + 2])
        assert torch.equal(seen["strided"], strided)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_processes_have_the_loss_and_the_gradients_of_one(ranks, case):
    at = CASES.index(case)
    mimic, teacher = global_batch()
    mimic.requires_grad_()
    loss, info = loss_of(case)(mimic, teacher, LABELS)
    loss.backward()
    net = network()
    loss_of(case)(embed(net, mimic.detach()), teacher, LABELS)[0].backward()
    mean = torch.zeros(8, 5, 3)
    for rank, seen in enumerate(ranks):
        torch.testing.assert_close(seen["loss"][at], loss.detach() * WORLD, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(seen["info"][at], info, atol=1e-6, rtol=1e-5, equal_nan=True)
        torch.testing.assert_close(seen["ddp"][at], net.weight.grad, atol=1e-6, rtol=1e-5)
        mean[rank::WORLD] += seen["grad"][at] / WORLD
    assert mimic.grad.abs().max() > 1e-3
    torch.testing.assert_close(mean, mimic.grad, atol=1e-6, rtol=0)


def test_l2_distillation_is_averaged_over_processes(ranks):
    """No gathering: each process has its clips' mean, and DDP's mean of the gradients is that of the whole batch."""
    mimic, teacher = global_batch()
    net = network()
    loss, _ = L2DistillationLoss()(embed(net, mimic), teacher)
    loss.backward()
    parts, infos, grads = zip(*(seen["l2"] for seen in ranks))
    assert parts[0] != parts[1] and all(info["loss"] == part for info, part in zip(infos, parts))
    torch.testing.assert_close(sum(parts) / WORLD, loss.detach(), atol=1e-6, rtol=1e-6)
    for grad in grads:
        torch.testing.assert_close(grad, net.weight.grad, atol=1e-6, rtol=1e-5)


def test_what_is_watched_is_of_all_clips_and_frames(ranks):
    one = {**with_teacher(*near(*global_batch())), "mean": FRAMES.float().mean()}
    assert 0 < one["own_pair"] < 1 and one["mean"] == 0.25
    for seen in ranks:
        for name, value in one.items():
            torch.testing.assert_close(seen["watch"][name], value, atol=1e-6, rtol=1e-6, msg=name)
