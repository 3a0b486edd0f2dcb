"""Weights go where they should: wrapped names, partial and empty restores, from a teacher's file to a test's. Runs on either host."""

from __future__ import annotations

import pytest
import torch

from opengait_mimic.base.checkpoint_file import read_weights
from opengait_mimic.evaluation.evaluate import evaluate
from tests.models.test_starts_elsewhere import built, refused, weights_at
from tests.variants import variant

TEACHER, MIMIC, VEN = "GaitBase (teacher)", "MimicGait", "VEN"
LENIENT = {"trainer_cfg__restore_ckpt_strict": False, "evaluator_cfg__restore_ckpt_strict": False}
RESET = {"trainer_cfg__optimizer_reset": True, "trainer_cfg__scheduler_reset": True}


@pytest.fixture
def said(host, monkeypatch):
    """The host's log lines: (level, text)."""
    from utils import get_msg_mgr

    lines = []
    for level in ("log_warning", "log_info"):
        monkeypatch.setattr(get_msg_mgr(), level, lambda text, level=level: lines.append((level, str(text))), raising=False)
    return lines


def counted(said):
    """The one line about a partial restore."""
    (line,) = [line for line in said if "restore_ckpt_strict: false" in line[1]]
    return line


def altered(trained, stage, file, change):
    """A checkpoint whose weights went through ``change``; the file."""
    found = torch.load(weights_at(trained.files[stage]), weights_only=True)
    torch.save({**found, "model": change(found["model"])}, file)
    return str(file)


def wrapped(prefix):
    return lambda state: {prefix + name: value for name, value in state.items()}


def equal(one, two):
    tensors = [name for name in one if isinstance(one[name], torch.Tensor)]
    return tensors and all(torch.equal(one[name].cpu(), two[name].cpu()) for name in tensors)


@pytest.mark.parametrize("prefix", ["module.", "module.module.", "_orig_mod.", "module._orig_mod."])
def test_a_teacher_and_a_ven_that_were_wrapped_are_the_same_networks(trained, tmp_path, prefix, caplog):
    files = {
        part: altered(trained, stage, tmp_path / f"{part}.pt", wrapped(prefix)) for part, stage in (("teacher", TEACHER), ("ven", VEN))
    }
    changes = {f"model_cfg__{part}__checkpoint": file for part, file in files.items()}
    model = built(variant(trained.files[MIMIC], tmp_path, **changes))
    plain = read_weights(weights_at(trained.files[TEACHER]), "test")
    kept = {name: value for name, value in model.teacher.net.state_dict().items() if name not in model.teacher.embedding.unreached}
    assert equal(kept, plain) and model.teacher.weights == trained.models[MIMIC].teacher.weights
    assert equal({f"VEN.{name}": value for name, value in model.VEN.state_dict().items()}, trained.states[VEN])


@pytest.mark.parametrize("stage", [TEACHER, MIMIC])
@pytest.mark.parametrize("strict", [True, False])
def test_wrapped_weights_are_restored_by_a_training_and_by_a_test(trained, tmp_path, stage, strict):
    file = altered(trained, stage, tmp_path / "ddp.pt", wrapped("module."))
    lenient = {} if strict else LENIENT
    changes = {"trainer_cfg__restore_hint": file, "evaluator_cfg__restore_hint": file, **lenient, **RESET}
    given = variant(trained.files[stage], tmp_path, **changes)
    saved = read_weights(weights_at(trained.files[stage]), "test")
    for phase in ("train", "test"):
        assert equal(saved, built(given, phase).state_dict())


def test_an_evaluation_of_wrapped_weights_scores_as_that_of_the_file(trained, tmp_path):
    file = altered(trained, TEACHER, tmp_path / "ddp.pt", wrapped("module."))
    rows = [
        evaluate(given, quiet=True)
        for given in (trained.files[TEACHER], variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=file))
    ]
    first, second = [[(row["occluded_side"], row["rank1"], row["mAP"]) for row in each] for each in rows]
    assert first == second and len(first) > 1


@pytest.mark.parametrize("phase", ["train", "test"])
@pytest.mark.parametrize(
    ("stage", "change"), [(TEACHER, wrapped("encoder.")), (MIMIC, lambda state: {"_extra_state": state["_extra_state"]})]
)
def test_a_lenient_restore_of_nothing_stops(trained, tmp_path, phase, stage, change):
    file = altered(trained, stage, tmp_path / "other.pt", change)
    engine = "trainer_cfg" if phase == "train" else "evaluator_cfg"
    given = variant(trained.files[stage], tmp_path, **{f"{engine}__restore_hint": file}, **LENIENT)
    with refused(
        rf"{engine}\.restore_hint = .*other\.pt: restore_ckpt_strict: false, and 0 of the \d+ tensors of this .* would be restored"
    ):
        built(given, phase)


@pytest.mark.parametrize("phase", ["train", "test"])
def test_a_mimics_checkpoint_is_not_the_hosts_models_even_if_its_head_fits(trained, tmp_path, phase):
    head = {name: value for name, value in trained.states[TEACHER].items() if name.startswith("BNNecks")}
    file = altered(trained, MIMIC, tmp_path / "mimic.pt", lambda state: {**state, **head})
    hint = "trainer_cfg__restore_hint" if phase == "train" else "evaluator_cfg__restore_hint"
    with refused(r"mimic\.pt: it holds a MimicGait, not a plain Baseline"):
        built(variant(trained.files[TEACHER], tmp_path, **{hint: file}, **LENIENT), phase)


def test_a_head_of_other_classes_starts_random_and_is_counted(trained, tmp_path, said):
    """Fine-tuning on other subjects."""
    count = len(trained.states[TEACHER])
    file = altered(
        trained,
        TEACHER,
        tmp_path / "more.pt",
        lambda state: {**state, "BNNecks.fc_bin": state["BNNecks.fc_bin"].repeat(1, 1, 2), "Old.a": torch.zeros(1)},
    )
    given = variant(trained.files[TEACHER], tmp_path, trainer_cfg__restore_hint=file, **LENIENT, **RESET)
    model = built(given)
    level, line = counted(said)
    assert level == "log_warning" and line == (
        f"restore_ckpt_strict: false: {count - 1} of {count} tensors restored; 1 left random: BNNecks (1); 1 of another shape in the file:"
        " BNNecks (1); 1 of the file not of this model: Old (1)"
    )
    now = {name: value for name, value in model.state_dict().items() if name != "BNNecks.fc_bin"}
    assert equal(now, trained.states[TEACHER])
    assert not any("Backbone.forward_block" in text for _, text in said), "not a list of all names"


def test_a_complete_lenient_restore_is_counted_without_a_warning(trained, tmp_path, said):
    built(variant(trained.files[TEACHER], tmp_path, **LENIENT), "test")
    count = len(trained.states[TEACHER])
    assert counted(said) == ("log_info", f"restore_ckpt_strict: false: {count} of {count} tensors restored")


@pytest.mark.parametrize("lost", ["BNNecks.fc_bin", "FCs.fc_bin"])
def test_a_test_stops_where_the_embedding_passes_through_random_tensors(trained, tmp_path, said, lost):
    file = altered(trained, TEACHER, tmp_path / "part.pt", lambda state: {name: value for name, value in state.items() if name != lost})
    given = variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=file, **LENIENT)
    if lost == "FCs.fc_bin":
        with refused(r"1 left random: FCs \(1\)\. The embedding passes through them"):
            built(given, "test")
    else:
        model = built(given, "test")
        assert counted(said)[0] == "log_warning" and "1 left random: BNNecks (1)" in counted(said)[1]
        assert all(bool(value.isfinite().all()) for value in model.state_dict().values())


def test_a_vens_file_that_lacks_a_tensor_is_named_by_its_key(trained, tmp_path):
    file = altered(
        trained, VEN, tmp_path / "part.pt", lambda state: {name: value for name, value in state.items() if "kind_head.weight" not in name}
    )
    with refused(r"model_cfg\.ven\.checkpoint: .*part\.pt does not fit: kind_head\.weight is missing"):
        built(variant(trained.files[MIMIC], tmp_path, model_cfg__ven__checkpoint=file))


def test_auto_takes_the_newest_checkpoint_where_a_yaml_says_restore_hint_0(trained, tmp_path):
    """Of the teacher and of the VEN."""
    (tmp_path / "yamls").mkdir()
    found = {stage: variant(trained.files[stage], tmp_path / "yamls", evaluator_cfg__restore_hint=0) for stage in (TEACHER, VEN)}
    changes = {"model_cfg__teacher__cfgs": str(found[TEACHER]), "model_cfg__ven__cfgs": str(found[VEN])}
    model = built(variant(trained.files[MIMIC], tmp_path, **changes))
    there = weights_at(trained.files[TEACHER]).parent.glob("*.pt")  # other tests may have trained on
    assert model.teacher.file == max(there, key=lambda file: file.name)
