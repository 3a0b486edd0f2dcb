"""A teacher that nobody trained is found, and one that was is not taken for it."""

from __future__ import annotations

import json
import statistics

import pytest
import torch

from opengait_mimic.preflight.batch import pairs
from opengait_mimic.preflight.same import same
from tests.preflight.test_checks import MIMIC, failure


@pytest.fixture
def fresh(host, trained):
    """Networks as the tests' teacher before its first step."""
    from opengait_mimic.host import load_cfgs
    from opengait_mimic.preflight.untrained import twins

    model = trained.models[MIMIC]
    return lambda: twins(model.teacher.net, load_cfgs(str(trained.files["GaitBase (teacher)"])))


def rank1_of(model, cfgs):
    """The check alone."""
    from opengait_mimic.preflight import weights
    from opengait_mimic.preflight.trial import Trial

    return weights.rank1(Trial(model, cfgs, False))


def test_an_initialised_teacher_fails_and_one_of_a_step_does_not(built, tried, fresh, tmp_path):
    net = fresh()[0]
    for name, change in (("as it began", 0), ("one step of a tiny rate", 1e-9), ("one step", 1e-4)):
        state = net.state_dict()
        state.update({key: p + change for key, p in net.named_parameters()})
        file = tmp_path / f"{name}.pt"
        torch.save({"model": state, "iteration": 3}, file)
        model, cfgs = built(MIMIC, model_cfg__teacher__checkpoint=str(file))
        if change < 1e-6:
            said = failure(tried, model, cfgs, "teacher")
            assert f"model_cfg.teacher.checkpoint: {file} was never trained" in said and "name a checkpoint of one that was" in said
        else:
            assert tried(model, cfgs)["teacher"].startswith("ok") and tried.failed is None


def test_a_checkpoint_of_the_first_steps_is_a_warning(built, tried, output, tmp_path):
    saved = torch.load(output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt", weights_only=True)
    for iteration, word in ((1, "WARNING"), (2, "ok")):
        file = tmp_path / f"early-{iteration}.pt"
        torch.save({**saved, "iteration": iteration}, file)
        model, cfgs = built(MIMIC, model_cfg__teacher__checkpoint=str(file))
        said = tried(model, cfgs)["teacher"]
        assert said.startswith(word) and tried.failed is None
        assert (f"{file} is of iteration {iteration}, and its YAML trains 3" in said) == (word == "WARNING")


def test_an_initialised_teacher_is_far_above_chance_and_a_warning_all_the_same(built, fresh, tree, tmp_path, monkeypatch):
    partition = json.loads(tree.partition.read_text())
    (tmp_path / "parts.json").write_text(json.dumps({**partition, "TEST_SET": [*partition["TRAIN_SET"], *partition["TEST_SET"]]}))
    model, cfgs = built(MIMIC, data_cfg__dataset_partition=str(tmp_path / "parts.json"))
    with monkeypatch.context() as patch:
        torch.manual_seed(5)
        patch.setattr(torch, "manual_seed", lambda _: None)  # other weights than the twins'
        model.teacher.net = fresh()[0]
    found = rank1_of(model, cfgs)
    assert found.warning and "of 12 subjects of TEST_SET (untrained " in found.text and "chance 8.3 %)" in found.text
    assert "not clearly better than its like without any training" in found.text
    sees = lambda self, inputs: torch.nn.functional.one_hot(inputs[1], 12)[:, :, None].float()  # noqa: E731  # the label itself
    monkeypatch.setattr(type(model.teacher), "__call__", sees)
    found = rank1_of(model, cfgs)
    assert found.text.startswith("100.0 %") and found.text.endswith("chance 8.3 %)") and not found.warning


def test_twins_differ_are_the_same_again_and_leave_the_generators(fresh):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = fresh()
    assert torch.equal(before, torch.get_rng_state())
    assert not same(one.state_dict(), two.state_dict()) and same(one.state_dict(), fresh()[0].state_dict())
    assert not any(module.training for module in one.modules()) and not any(p.requires_grad for p in one.parameters())


def test_margins_by_hand_and_the_test_of_a_gain():
    from opengait_mimic.preflight.untrained import clearly_above, margins

    table = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))
    for i, found in enumerate(margins(table).tolist()):
        others = [float(table[i, j]) for j in range(6) if j != i]
        assert found == pytest.approx((statistics.mean(others) - float(table[i, i])) / statistics.stdev(others), rel=1e-4)
    zero = torch.zeros(9)
    spread = torch.tensor([1.0, -1, 1, -1, 1, -1, 1, -1, 0])  # standard deviation 1: its mean's is 1/3
    assert clearly_above(spread + 1.01, zero) and not clearly_above(spread + 0.99, zero) and not clearly_above(zero, zero)


def test_two_sequences_of_a_subject_from_two_views_in_one_condition(built):
    from opengait_mimic.preflight.trial import Trial

    model, cfgs = built(MIMIC)
    Trial(model, cfgs, False).tested_half()
    dataset = model.test_loader.dataset
    found = pairs(dataset)
    assert len(found) == len(dataset.label_set)
    for i, j in found:
        assert dataset.label_list[i] == dataset.label_list[j] and dataset.views_list[i] != dataset.views_list[j]
        one, two = dataset.types_list[i], dataset.types_list[j]
        assert one != two and one.partition("-")[0] == two.partition("-")[0]
