"""What a training says of itself: values by hand, in the event files, in the record; nothing of it changes a weight. Either host."""

from __future__ import annotations

import math
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic.models.logged_scalars import is_logged, mean_of_all, with_teacher
from opengait_mimic.models.prepare import prepare
from opengait_mimic.occlusion import KINDS
from opengait_mimic.training.launch import launch
from tests.variants import variant

SAID = {
    "VEN": {"hidden_share", "skipped_steps", "ven_accuracy", "amount_error"},
    "Baseline-2": {"hidden_share", "skipped_steps"},
    "MimicGait": {"hidden_share", "skipped_steps", "ven_accuracy", "teacher_cosine", "own_pair"},
}
OF_THE_LOSS = {"mickd/active", "mickd/teacher_meets_margin"}


def events(folder):
    """TensorBoard's scalars of a run: name -> [(step, value)]."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "summary")).Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def folder_of(file):
    from opengait_mimic.host.run_paths import save_folder

    return save_folder(prepare(file, "train"))


@pytest.fixture(scope="module")
def watched(trained, tmp_path_factory):
    """Every method trained anew and logged at every step: stage -> what was seen at each step, YAML, model."""
    found = {}
    for stage in SAID:
        names = {f"{engine}_cfg__save_name": "watched" for engine in ("trainer", "evaluator")}
        file = variant(trained.files[stage], tmp_path_factory.mktemp("watched"), **names, trainer_cfg__log_iter=1)
        found[stage] = SimpleNamespace(file=file, seen=[])

        def before(model, seen=found[stage].seen):
            take = model.occluded_batch

            def occluded_batch(inputs):
                seen.append(take(inputs))
                return seen[-1]

            object.__setattr__(model, "occluded_batch", occluded_batch)

        found[stage].model = launch(file, "train", quiet=True, before=before)
        found[stage].left = deepcopy(found[stage].model.state_dict())
        found[stage].events = events(folder_of(file))
    return found


# ---------------------------------------------------------------- the values


def test_own_pair_and_cosine_by_hand():
    torch.manual_seed(0)
    teacher = torch.randn(7, 5, 3)
    mimic = teacher + 2.5 * torch.randn(7, 5, 3)
    right, cosines = 0, []
    for i in range(7):
        distances = [sum(math.dist(mimic[i, :, p].tolist(), teacher[j, :, p].tolist()) for p in range(3)) for j in range(7)]
        right += distances.index(min(distances)) == i
        a, b = mimic[i].flatten().tolist(), teacher[i].flatten().tolist()
        cosines.append(sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b)))
    found = with_teacher(mimic, teacher)
    assert 0 < right < 7 and float(found["own_pair"]) == pytest.approx(right / 7)
    assert float(found["teacher_cosine"]) == pytest.approx(sum(cosines) / 7, abs=1e-6)
    assert float(with_teacher(teacher, teacher)["own_pair"]) == 1
    assert float(with_teacher(teacher.roll(1, 0), teacher)["own_pair"]) == 0


def test_means_of_one_process():
    assert float(mean_of_all(torch.tensor([[True, False], [True, True]]))) == 0.75
    assert [step for step in range(7) if is_logged(step, 3)] == [2, 5]


@pytest.mark.parametrize("stage", SAID)
def test_event_files_hold_every_name_at_every_logged_step(watched, stage):
    found = watched[stage].events
    assert {name[6:] for name in found if name.startswith("watch/")} == SAID[stage]
    assert OF_THE_LOSS <= set(found) or stage != "MimicGait"
    for name in found:
        if name.startswith("watch/") or name in OF_THE_LOSS:
            assert [step for step, _ in found[name]] == [1, 2, 3], name
            assert all(-1 <= value <= 1 for _, value in found[name]), name
    assert [value for _, value in found["watch/skipped_steps"]] == [0, 0, 0]


@pytest.mark.parametrize("stage", SAID)
def test_hidden_share_is_that_of_the_clips_of_the_step(watched, stage):
    """What `targets` says of each frame; by hand: the drawn share of each clip, for top and bottom hide every frame alike."""
    by_hand = []
    for batch in watched[stage].seen:
        frames = [(draw.hidden, length) for draw, length in zip(batch.draws, batch.lengths)]
        by_hand.append(sum(hidden * length for hidden, length in frames) / sum(length for _, length in frames))
    said = [value for _, value in watched[stage].events["watch/hidden_share"]]
    assert said == pytest.approx(by_hand, abs=1e-5) and max(said) > 0.1


def test_the_frozen_vens_accuracy_is_counted_by_kind(watched):
    run = watched["MimicGait"]
    for batch, (_, said) in zip(run.seen, run.events["watch/ven_accuracy"]):
        with torch.no_grad():
            logits = run.model.VEN.heads(run.model.VEN(batch.occluded.flatten(0, 1)))[0]
        named = [run.model.ven_kinds[i] for i in logits.argmax(1).tolist()]
        right = [name == KINDS[kind] for name, kind in zip(named, batch.kind.tolist())]
        assert said == pytest.approx(sum(right) / len(right), abs=1e-6)


def test_a_kind_that_the_ven_does_not_know_is_never_right(watched):
    model = watched["MimicGait"].model.train()
    batch = watched["MimicGait"].seen[0]
    middle = batch._replace(kind=torch.full_like(batch.kind, KINDS.index("middle")))
    embeddings = torch.randn(len(batch.lengths), 4, 2)
    assert float(model.watched(middle, embeddings, embeddings)["ven_accuracy"]) == 0


def test_a_ven_without_a_trained_class_head_has_no_accuracy(watched):
    model, batch = watched["MimicGait"].model.train(), watched["MimicGait"].seen[0]
    kept = model.VEN.kind_head.weight.clone()
    model.VEN.kind_head.weight.zero_()  # as `import --without-heads` leaves it
    try:
        embeddings = torch.randn(len(batch.lengths), 4, 2)
        assert set(model.watched(batch, embeddings, embeddings)) == SAID["MimicGait"] - {"ven_accuracy"}
    finally:
        model.VEN.kind_head.weight.copy_(kept)


def test_a_training_vens_accuracy_is_its_losses_own(watched):
    """The host's cross-entropy reports the same share under its own name."""
    found = watched["VEN"].events
    losses = next(name for name in found if name.startswith("kind/") and name.endswith("accuracy"))
    assert found["watch/ven_accuracy"] == [(step, pytest.approx(value, abs=1e-6)) for step, value in found[losses]]
    assert found["watch/amount_error"] == [(step, pytest.approx(value, abs=1e-6)) for step, value in found["hidden/mae"]]


# ---------------------------------------------------------------- what it must not do


@pytest.mark.parametrize("stage", SAID)
def test_weights_are_the_same_bit_for_bit_however_often_it_is_logged(watched, trained, stage):
    """The shared training logs its third step alone."""
    a, b = watched[stage].left, trained.states[stage]
    assert {name for name in a if torch.is_tensor(a[name])}
    for name, value in a.items():
        assert not torch.is_tensor(value) or torch.equal(value, b[name]), name


@pytest.mark.slow
def test_nothing_is_computed_on_other_steps(trained, tmp_path, monkeypatch):
    from opengait_mimic.models import logged_scalars as scalars
    from opengait_mimic.models import mimicgait, ven_guided

    steps, model = [], None

    def note(*_):
        steps.append(model.iteration + 1)
        return torch.zeros(())

    def before(built):
        nonlocal model
        model = built

    for module, name in ((scalars, "mean_of_all"), (ven_guided, "mean_of_all"), (mimicgait, "with_teacher")):
        monkeypatch.setattr(module, name, note if name == "mean_of_all" else lambda *_: {"own_pair": note()})
    names = {f"{engine}_cfg__save_name": "every-second" for engine in ("trainer", "evaluator")}
    launch(variant(trained.files["MimicGait"], tmp_path, **names, trainer_cfg__log_iter=2), "train", quiet=True, before=before)
    assert steps == [2, 2, 2]


def test_a_test_is_not_watched(watched):
    model = watched["MimicGait"].model.eval()
    assert model.watch(watched["MimicGait"].seen[0]) == {}
    model.train()
