"""MiCKD against a loop written from its definition, pytorch-metric-learning, and invariants."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import TripletMarginLoss
from torch.utils._python_dispatch import TorchDispatchMode

from opengait_mimic import HiddenFractionLoss, MiCKDLoss, mickd_triplets, pair_distances
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.losses import DISTANCES, PAIRS, health
from opengait_mimic.published.losses import PublishedMiCKDLoss

UNEVEN = torch.tensor([4, 4, 9, 4, 9, 2, 9, 9])  # 3, 4 and 1 clips, not in order
SHAPE = (len(UNEVEN), 6, 3)  # n, c, p


def batch(labels=UNEVEN, c=6, p=3, seed=0, spread=1.2):
    """Embeddings that fall into subjects, the mimic's a noisy copy: some triplets meet the margin, some do not."""
    generator = torch.Generator().manual_seed(seed)
    subjects = torch.randn(int(labels.max()) + 1, c, p, generator=generator)
    teacher = subjects[labels] + spread * torch.randn(len(labels), c, p, generator=generator)
    return teacher + spread * torch.randn(len(labels), c, p, generator=generator), teacher


def margin_of(distance):
    """One at which about half of the triplets are above zero."""
    return 0.2 if distance in ("l2", "centred") else 1.0


def slow_distance(x, y, part, distance, centre):
    """Distance of two clips' embeddings ``[c, p]``, float64."""
    if distance == "parts":
        return (x[:, part] - y[:, part]).pow(2).sum().sqrt()
    if distance == "centred":
        x, y = x - centre, y - centre
    if distance in ("l2", "centred"):
        x, y = x / x.pow(2).sum().sqrt(), y / y.pow(2).sum().sqrt()
    return (x - y).pow(2).sum().sqrt()


def slow_triplets(mimic, teacher, labels, margin, distance, teacher_anchors=False):
    """(part, anchor) -> pair name -> list of hinge values; from the definition, one triplet at a time."""
    mimic, teacher = mimic.double(), teacher.double()
    clips = {("mimic", i): mimic[i] for i in range(len(labels))}
    clips.update({("teacher", i): teacher[i] for i in range(len(labels))})
    centre, found = teacher.mean(0), {}
    for part in range(mimic.shape[2] if distance == "parts" else 1):
        d = {(a, b): slow_distance(clips[a], clips[b], part, distance, centre) for a, b in itertools.permutations(clips, 2)}
        for anchor in clips:
            if anchor[0] == "teacher" and not teacher_anchors:
                continue
            pairs = found[part, anchor] = {name: [] for name in PAIRS}
            for positive, negative in itertools.permutations(clips, 2):
                if positive == anchor or labels[positive[1]] != labels[anchor[1]] or labels[negative[1]] == labels[anchor[1]]:
                    continue
                if positive[1] == anchor[1]:
                    name = "own_teacher"
                elif "teacher" in (positive[0], anchor[0]):
                    name = "other_clip_teacher"
                else:
                    name = "other_clip_mimic"
                pairs[name].append((d[anchor, positive] - d[anchor, negative] + margin).clamp(min=0))
    return found


def slow_loss(found, parts):
    """Mean over the values above zero of each part, then over parts."""
    means = []
    for part in range(parts):
        above = [v for (q, _), pairs in found.items() if q == part for values in pairs.values() for v in values if v > 0]
        means.append(torch.stack(above).mean() if above else torch.zeros((), dtype=torch.float64))
    return torch.stack(means).mean()


# ---------------------------------------------------------------- distances


@pytest.mark.parametrize("distance", DISTANCES)
def test_pair_distances_against_a_loop(distance):
    x, y = batch()[0], batch(seed=1)[1][:5]
    centre = y.mean(0)
    found = pair_distances(x, y, distance, centre)
    expected = torch.tensor(
        [
            [[slow_distance(a, b, part, distance, centre.double()) for b in y.double()] for a in x.double()]
            for part in range(3 if distance == "parts" else 1)
        ]
    )
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected.float(), atol=2e-6, rtol=1e-5)


def test_the_default_distance_is_parts():
    x, y = batch()
    assert torch.equal(pair_distances(x, y), pair_distances(x, y, "parts"))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_distances_are_float32(distance, dtype):
    x, y = (value.to(dtype) for value in batch())
    found = pair_distances(x, y, distance, y.mean(0))
    assert found.dtype == torch.float32
    assert torch.equal(found, pair_distances(x.float(), y.float(), distance, y.mean(0).float()))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_equal_rows_are_at_exactly_zero(distance, scale):
    x = torch.randn(30, 256, 4, generator=torch.Generator().manual_seed(0)) * scale  # 30 rows: where torch would expand squares
    d = pair_distances(x, x.clone(), distance, x.mean(0))
    assert d.shape == (4 if distance == "parts" else 1, 30, 30)
    assert (d.diagonal(dim1=1, dim2=2) == 0).all() and (d + torch.eye(30) > 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_gradient_of_distances_against_finite_differences(distance):
    x, y = batch(c=3, p=2)
    weight = torch.randn(pair_distances(x, y, distance, y.mean(0)).shape, generator=torch.Generator().manual_seed(2))
    x.requires_grad_()
    (pair_distances(x, y, distance, y.mean(0)) * weight).sum().backward()
    numeric, step = torch.zeros_like(x), 1e-2
    for index in itertools.product(*map(range, x.shape)):
        ends = []
        for sign in (1, -1):
            moved = x.detach().clone()
            moved[index] += sign * step
            ends.append((pair_distances(moved, y, distance, y.mean(0)) * weight).double().sum())
        numeric[index] = (ends[0] - ends[1]) / (2 * step)
    torch.testing.assert_close(x.grad, numeric, atol=2e-2, rtol=2e-2)


# ---------------------------------------------------------------- triplets


@pytest.mark.parametrize("teacher_anchors", [False, True])
@pytest.mark.parametrize("distance", DISTANCES)
def test_triplets_against_a_loop(distance, teacher_anchors):
    (mimic, teacher), margin = batch(), margin_of(distance)
    found = make_loss({"teacher_anchors": True} if teacher_anchors else None, margin=margin, distance=distance).triplets(
        mimic, teacher, UNEVEN
    )
    expected = slow_triplets(mimic, teacher, UNEVEN, margin, distance, teacher_anchors)
    n, parts = len(UNEVEN), 3 if distance == "parts" else 1
    assert found.values.shape == (parts, *found.valid.shape) and found.pair.shape == found.valid.shape[:2]
    assert found.valid.shape[0] == (2 * n if teacher_anchors else n) and len(expected) == parts * found.valid.shape[0]
    assert (found.values[:, ~found.valid] == 0).all()
    for (part, (role, clip)), pairs in expected.items():
        a = clip + n * (role == "teacher")
        for code, name in enumerate(PAIRS):
            here = found.values[part, a][found.valid[a] & (found.pair[a] == code)[:, None]]
            loop = torch.tensor(sorted(pairs[name]), dtype=torch.float32)
            torch.testing.assert_close(here.sort().values, loop, atol=5e-6, rtol=1e-5)


def test_the_number_of_triplets():
    found = mickd_triplets(*batch(), UNEVEN)
    sizes = [int((UNEVEN == label).sum()) for label in UNEVEN]
    assert found.valid.sum((1, 2)).tolist() == [(2 * size - 1) * 2 * (len(UNEVEN) - size) for size in sizes]


def test_labels_need_not_be_small_or_sorted():
    mimic, teacher = batch()
    renamed = torch.tensor([{4: -5, 9: 10**12, 2: 0}[int(label)] for label in UNEVEN])
    one, two = (mickd_triplets(mimic, teacher, labels, 1.0) for labels in (UNEVEN, renamed))
    assert torch.equal(one.values, two.values) and torch.equal(one.valid, two.valid) and torch.equal(one.pair, two.pair)


# ---------------------------------------------------------------- the loss


def make_loss(switches=None, **arguments):
    """A MiCKDLoss, or with switches the public code's in its place."""
    loss = MiCKDLoss(**arguments)
    return loss if switches is None else PublishedMiCKDLoss(loss, **switches)


def run(mimic, teacher, labels=UNEVEN, **arguments):
    """Loss, info and the gradient on the mimic; arguments as `make_loss`."""
    mimic = mimic.detach().clone().requires_grad_()
    loss, info = make_loss(**arguments)(mimic, teacher, labels)
    loss.backward()
    return loss.detach(), info, mimic.grad


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("teacher_anchors", [False, True])
def test_loss_and_gradient_against_a_loop(distance, teacher_anchors):
    (mimic, teacher), margin = batch(), margin_of(distance)
    switches = {"teacher_anchors": teacher_anchors}
    loss, info, grad = run(mimic, teacher, margin=margin, distance=distance, switches=switches)
    slow = mimic.double().requires_grad_()
    expected = slow_loss(slow_triplets(slow, teacher, UNEVEN, margin, distance, teacher_anchors), 3 if distance == "parts" else 1)
    expected.backward()
    assert 0.05 < info["active"] < 0.95  # neither all nor none of the triplets
    torch.testing.assert_close(loss.double(), expected.detach(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(grad.double(), slow.grad, atol=1e-5, rtol=1e-4)


def test_parts_are_averaged_after_the_triplets():
    mimic, teacher = batch()
    teacher = teacher * torch.tensor([1.0, 1.0, 20.0])  # the third part has far fewer triplets above zero
    mimic = mimic * torch.tensor([1.0, 1.0, 20.0])
    loss, info, _ = run(mimic, teacher, margin=1.0)
    alone = [run(mimic[:, :, [i]], teacher[:, :, [i]], margin=1.0)[0] for i in range(3)]
    torch.testing.assert_close(loss, torch.stack(alone).mean())
    values = mickd_triplets(mimic, teacher, UNEVEN, 1.0).values
    assert abs(loss - values[values > 0].mean()) > 1e-2  # one mean over everything would be another number


def test_a_part_without_a_triplet_above_zero_counts_as_zero():
    mimic, teacher = batch(spread=0.0)
    mimic[:, :, 1] += 3 * torch.randn(*SHAPE[:2], generator=torch.Generator().manual_seed(3))
    loss, _, _ = run(mimic, teacher)
    alone = [run(mimic[:, :, [i]], teacher[:, :, [i]])[0].item() for i in range(3)]
    assert alone[0] == 0 == alone[2] and alone[1] > 0
    assert loss.item() == pytest.approx(alone[1] / 3, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("margin", [0.05, 0.2, 0.7])
def test_compat_is_pytorch_metric_learning_on_the_stack(seed, margin):
    mimic, teacher = batch(seed=seed)
    loss, _, grad = run(mimic, teacher, margin=margin, distance="l2", switches={"teacher_anchors": True})
    leaf = mimic.clone().requires_grad_()
    stack = torch.cat([leaf.flatten(1), teacher.flatten(1)])
    expected = TripletMarginLoss(margin=margin)(stack, torch.cat([UNEVEN, UNEVEN]))
    expected.backward()
    assert loss > 0
    torch.testing.assert_close(loss, expected.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(grad, leaf.grad, atol=1e-6, rtol=0)


def test_the_defaults():
    loss = MiCKDLoss()
    assert (loss.margin, loss.distance, loss.loss_term_weight) == (0.2, "parts", 1.0)
    assert not list(loss.parameters())
    mimic, teacher = batch()
    plain = run(mimic, teacher)[0]
    assert plain == run(mimic, teacher, margin=0.2, distance="parts")[0]
    assert plain == run(mimic, teacher, loss_term_weight=7.0)[0]  # the weight is the host's to apply


@pytest.mark.parametrize("switches", [None, {"teacher_anchors": True}])
def test_the_gradient_reaches_the_mimic_only(switches):
    mimic, teacher = batch()
    mimic.requires_grad_(), teacher.requires_grad_()
    for distance in DISTANCES:
        loss, info = make_loss(switches, margin=margin_of(distance), distance=distance)(mimic, teacher, UNEVEN)
        loss.backward()
        assert teacher.grad is None and mimic.grad.abs().sum() > 0
        assert not any(value.requires_grad for value in info.values())
        mimic.grad = None
    assert mickd_triplets(mimic, teacher, UNEVEN).values.sum().backward() is None and teacher.grad is None


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("switches", [None, {"teacher_anchors": True}])
@pytest.mark.parametrize("case", ["mimic is teacher", "duplicated clips", "all clips equal"])
def test_identical_pairs_have_a_finite_gradient(distance, switches, case):
    teacher = batch()[1]
    if case == "duplicated clips":
        teacher = teacher[[0, 0, 2, 0, 2, 5, 2, 2]]
    if case == "all clips equal":
        teacher = teacher[:1].expand(SHAPE).clone()
    loss, info, grad = run(teacher.clone(), teacher, margin=20.0, distance=distance, switches=switches)
    assert loss.isfinite() and loss > 0 and grad.isfinite().all()
    if case == "all clips equal":
        assert loss.item() == pytest.approx(20.0)  # the margin alone
        assert (grad == 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("labels", [[1] * 8, [5]], ids=["one subject", "one clip"])
def test_exactly_zero_without_a_valid_triplet(distance, labels):
    labels = torch.tensor(labels)
    mimic, teacher = (x[: len(labels)] for x in batch())
    loss, info, grad = run(mimic, teacher, labels, distance=distance)
    assert loss.item() == 0.0 and (grad == 0).all()
    assert info["active"] == 0 and all(info[name] == 0 for name in ("own_teacher", "other_clip_teacher", "other_clip_mimic"))
    assert not mickd_triplets(mimic, teacher, labels, distance=distance).valid.any()
    assert math.isnan(info["teacher_meets_margin"]) and math.isnan(info["teacher_other"])


@pytest.mark.parametrize("distance", DISTANCES)
def test_exactly_zero_when_every_triplet_is_satisfied(distance):
    _, teacher = batch(spread=0.0)
    loss, info, grad = run(teacher.clone(), teacher, distance=distance)
    assert loss.item() == 0.0 and (grad == 0).all() and grad.isfinite().all()
    assert info["active"] == 0 and info["teacher_meets_margin"] == 1


def test_one_clip_per_subject_has_its_own_teacher_as_the_only_positive():
    labels = torch.arange(8)
    mimic, teacher = batch(labels)
    found = mickd_triplets(mimic, teacher, labels)
    assert found.valid.shape == (8, 1, 14) and found.valid.all() and (found.pair == 0).all()
    assert run(mimic, teacher, labels, margin=1.0)[1]["own_teacher"] == 1


@pytest.mark.parametrize("distance", DISTANCES)
def test_float32_whatever_autocast_says(distance):
    mimic, teacher = batch()
    plain = run(mimic, teacher, distance=distance, margin=1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = run(mimic, teacher, distance=distance, margin=1.0)
    assert cast[0].dtype == torch.float32 and torch.equal(plain[0], cast[0]) and torch.equal(plain[2], cast[2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_computed_in_float32(dtype):
    mimic, teacher = (x.to(dtype) for x in batch())
    loss, info, grad = run(mimic, teacher, margin=1.0)
    expected = run(mimic.float(), teacher.float(), margin=1.0)
    assert loss.dtype == torch.float32 and torch.equal(loss, expected[0])
    assert grad.dtype == dtype and torch.equal(grad, expected[2].to(dtype))


# ---------------------------------------------------------------- invariants


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_order_of_clips_does_not_matter(distance):
    (mimic, teacher), order = batch(), torch.tensor([3, 0, 7, 5, 1, 6, 2, 4])
    loss, info, grad = run(mimic, teacher, margin=1.0, distance=distance)
    moved = run(mimic[order], teacher[order], UNEVEN[order], margin=1.0, distance=distance)
    torch.testing.assert_close(moved[0], loss, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(moved[2], grad[order], atol=1e-6, rtol=1e-4)
    for name, value in info.items():
        torch.testing.assert_close(moved[1][name], value, atol=1e-5, rtol=1e-4, equal_nan=True)


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_order_of_parts_does_not_matter(distance):
    (mimic, teacher), order = batch(), [2, 0, 1]
    loss, _, grad = run(mimic, teacher, margin=1.0, distance=distance)
    moved = run(mimic[:, :, order], teacher[:, :, order], margin=1.0, distance=distance)
    torch.testing.assert_close(moved[0], loss, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(moved[2], grad[:, :, order], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_translation_matters_to_l2_only(distance):
    mimic, teacher = batch()
    shift = 3 * torch.randn(SHAPE[1:], generator=torch.Generator().manual_seed(8))
    loss, moved = (run(mimic + s, teacher + s, margin=1.0, distance=distance)[0] for s in (0, shift))
    assert (abs(loss - moved) < 1e-4) == (distance != "l2")


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_scale_does_not_matter_to_l2(distance):
    mimic, teacher = batch()
    loss, moved = (run(mimic * s, teacher * t, margin=1.0, distance=distance)[0] for s, t in ((1, 1), (3.0, 0.5)))
    assert (abs(loss - moved) < 1e-5) == (distance == "l2")


def test_a_common_scale_does_not_matter_to_centred():
    mimic, teacher = batch()
    loss, moved = (run(mimic * s, teacher * s, margin=1.0, distance="centred")[0] for s in (1, 4.0))
    torch.testing.assert_close(loss, moved, atol=1e-5, rtol=0)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_step_down_the_gradient_lowers_the_loss(distance):
    mimic, teacher = batch()
    loss, _, grad = run(mimic, teacher, margin=1.0, distance=distance)
    lower = run(mimic - 1e-2 * grad / grad.norm(), teacher, margin=1.0, distance=distance)[0]
    assert lower < loss


# ---------------------------------------------------------------- what it tells


@pytest.mark.parametrize("distance", DISTANCES)
def test_info_against_a_loop(distance):
    (mimic, teacher), margin = batch(), margin_of(distance)
    loss, info, _ = run(mimic, teacher, margin=margin, distance=distance)
    found = slow_triplets(mimic, teacher, UNEVEN, margin, distance)
    above = {name: sum(float(v) > 1e-7 for pairs in found.values() for v in pairs[name]) for name in PAIRS}
    total = sum(len(values) for pairs in found.values() for values in pairs.values())
    assert float(info["active"]) == pytest.approx(sum(above.values()) / total, abs=1e-6)
    for name, key in zip(PAIRS, ("own_teacher", "other_clip_teacher", "other_clip_mimic")):
        assert float(info[key]) == pytest.approx(above[name] / sum(above.values()), abs=1e-6)
    a, b = mimic.flatten(1).numpy(), teacher.flatten(1).numpy()
    cosine = np.mean([x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b)])
    assert float(info["cosine"]) == pytest.approx(cosine, abs=1e-6)
    assert info["loss"] == loss and all(value.dim() == 0 for value in info.values())
    for name, value in health(mimic, teacher, UNEVEN, margin, distance).items():
        assert info[name] == value


@pytest.mark.parametrize("distance", DISTANCES)
def test_health_against_a_loop(distance):
    (mimic, teacher), margin, n = batch(), margin_of(distance), len(UNEVEN)
    found, parts = health(mimic, teacher, UNEVEN, margin, distance), 3 if distance == "parts" else 1
    centre = teacher.double().mean(0)
    for name, x in (("teacher", teacher.double()), ("mimic", mimic.double())):
        d = {
            (q, i, j): slow_distance(x[i], x[j], q, distance, centre).item()
            for q in range(parts)
            for i in range(n)
            for j in range(n)
            if i != j
        }
        same = [value for (_, i, j), value in d.items() if UNEVEN[i] == UNEVEN[j]]
        other = [value for (_, i, j), value in d.items() if UNEVEN[i] != UNEVEN[j]]
        assert float(found[f"{name}_same"]) == pytest.approx(np.mean(same), rel=1e-5)
        assert float(found[f"{name}_other"]) == pytest.approx(np.mean(other), rel=1e-5)
        if name == "teacher":
            meets = [
                d[q, a, k] - d[q, a, p] >= margin
                for q in range(parts)
                for a, p, k in itertools.permutations(range(n), 3)
                if UNEVEN[a] == UNEVEN[p] != UNEVEN[k]
            ]
            assert 0.05 < np.mean(meets) < 0.95
            assert float(found["teacher_meets_margin"]) == pytest.approx(np.mean(meets), abs=1e-6)
    assert set(found) == {"teacher_same", "teacher_other", "mimic_same", "mimic_other", "teacher_meets_margin"}


@pytest.mark.parametrize("distance", DISTANCES)
def test_health_takes_distances_that_are_known(distance):
    mimic, teacher = batch()
    known = pair_distances(mimic, mimic, distance, teacher.mean(0))
    found, expected = health(mimic, teacher, UNEVEN, 0.2, distance, 2 * known), health(mimic, teacher, UNEVEN, 0.2, distance)
    for name, value in expected.items():
        assert found[name] == value * (2 if name.startswith("mimic") else 1)


def test_the_loss_waits_for_the_device_twice_and_no_more():
    """On a GPU a value that Python must know, or a shape that depends on values, stops the queue of work."""
    waits = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            by_mask = func.overloadpacket is torch.ops.aten.index and any(i is not None and i.dtype == torch.bool for i in args[1])
            if by_mask or func.overloadpacket in (torch.ops.aten.nonzero, torch.ops.aten._local_scalar_dense, torch.ops.aten.masked_select):
                waits.append(func)
            return func(*args, **(kwargs or {}))

    mimic, teacher = batch()
    sizes = []
    with pytest.MonkeyPatch.context() as patch, Watch():
        patch.setattr(torch.Tensor, "tolist", lambda self, tolist=torch.Tensor.tolist: sizes.append(self.shape) or tolist(self))
        loss, info = MiCKDLoss()(mimic.requires_grad_(), teacher, UNEVEN)
        loss.backward()
    assert not waits and sizes == [(2,), (2,)]


def test_health_without_a_pair_is_nan():
    mimic, teacher = batch(torch.arange(4))
    found = health(mimic, teacher, torch.arange(4), 0.2, "parts")
    assert math.isnan(found["teacher_same"]) and math.isnan(found["teacher_meets_margin"]) and found["teacher_other"] > 0


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"distance": "euclidian"},
            r"^MiCKDLoss\.distance = 'euclidian' \(did you mean 'euclidean'\?\); allowed: 'parts', 'euclidean', 'centred', 'l2'$",
        ),
        ({"distance": None}, r"^MiCKDLoss\.distance = None; allowed"),
        ({"margin": -0.1}, r"^MiCKDLoss\.margin = -0\.1; expected a number from 0 to"),
        ({"margin": "0.2"}, r"^MiCKDLoss\.margin = '0\.2'; expected a number"),
        ({"loss_term_weight": float("nan")}, r"^MiCKDLoss\.loss_term_weight = nan; expected a number"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        MiCKDLoss(**arguments)


@pytest.mark.parametrize(
    ("mimic", "teacher", "labels"),
    [
        ((8, 6, 3), (8, 6, 4), 8),
        ((8, 6, 3), (7, 6, 3), 8),
        ((8, 6, 3), (8, 6, 3), 7),
        ((8, 18), (8, 18), 8),
        ((8, 6, 3, 1), (8, 6, 3, 1), 8),
    ],
)
def test_shapes_that_do_not_fit(mimic, teacher, labels):
    message = (
        r"MiCKD needs mimic and teacher of one shape \[n, c, p\] and labels \[n\]; got mimic "
        + str(mimic).replace("(", r"\(").replace(")", r"\)")
        + r", teacher \(.*\), labels \("
        + str(labels)
    )
    with pytest.raises(ValueError, match=message):
        MiCKDLoss()(torch.rand(mimic), torch.rand(teacher), torch.zeros(labels, dtype=torch.long))


# ---------------------------------------------------------------- the hidden fraction


def test_hidden_fraction_loss_is_the_mean_squared_error():
    prediction, target = torch.rand(50, requires_grad=True), torch.rand(50)
    loss, info = HiddenFractionLoss()(prediction, target)
    expected = F.mse_loss(prediction, target)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(value, prediction)[0] for value in (loss, expected)))
    torch.testing.assert_close(info["mae"], F.l1_loss(prediction.detach(), target))
    assert info["loss"] == loss and set(info) == {"loss", "mae"} and not info["loss"].requires_grad


def test_hidden_fraction_loss_is_float32():
    prediction, target = torch.rand(50).half(), torch.rand(50)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = HiddenFractionLoss()(prediction, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.mse_loss(prediction.float(), target))


def test_hidden_fraction_loss_arguments():
    assert HiddenFractionLoss().loss_term_weight == 10.0 and HiddenFractionLoss(2).loss_term_weight == 2.0
    with pytest.raises(ConfigError, match=r"^HiddenFractionLoss\.loss_term_weight = -1; expected a number from 0"):
        HiddenFractionLoss(-1)
