"""Baseline-2: the backbone itself, with hidden input."""

from pathlib import Path

import pytest
import torch

from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.host import lookup
from tests.host_runs import good, two_processes
from tests.models.served import SERVED
from tests.models.test_mimicgait import built
from tests.variants import variant

STAGE = "Baseline-2"


def test_checkpoint_is_a_plain_opengait_one(trained):
    """Keys and shapes equal the teacher's, and the host's own class restores it strictly."""
    from opengait_mimic.base.checkpoint_file import read_weights

    model, teacher = trained.models[STAGE], trained.models["GaitBase (teacher)"]
    state = read_weights(f"{model.save_path}/checkpoints/{model.engine_cfg['save_name']}-00003.pt", "test")
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in teacher.state_dict().items()}
    teacher_copy = built(trained.files["GaitBase (teacher)"], training=False)
    teacher_copy.load_state_dict(state, strict=True)


def test_forward_is_the_backbones_own_on_occluded_input(trained):
    model = trained.models[STAGE]
    backbone = lookup("modeling.models", "Baseline", "test")
    assert isinstance(model, backbone)
    model.train()
    ipts = model.inputs_pretreament(next(iter(model.train_loader)))
    assert len(ipts) == 5 and set(ipts[0][0].unique().tolist()) <= {0.0, 1.0}
    own, found = backbone.forward(model, ipts), model(ipts)
    assert set(found["training_feat"]) == {"triplet", "softmax"}
    assert torch.equal(found["inference_feat"]["embeddings"], own["inference_feat"]["embeddings"])


def test_same_draws_as_mimicgait(trained):
    """Both methods meet the same occlusions at the same step."""
    mimic, base = trained.models["MimicGait"].train(), trained.models[STAGE].train()
    raw = next(iter(mimic.train_loader))
    assert mimic.iteration == base.iteration
    a, b = mimic.occluded_batch(raw), base.occluded_batch(raw)
    assert torch.equal(a.kind, b.kind) and torch.equal(a.hidden, b.hidden)


def test_refusals(trained, tmp_path):
    with pytest.raises(ConfigError, match="model_cfg.backbone = None; expected"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__backbone=None))
    with pytest.raises(HostError, match=r"'Basline' is not in modeling\.models \(did you mean 'Baseline'\?\)"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__backbone={"model": "Basline"}))


@pytest.mark.slow
def test_in_two_processes_what_gets_no_gradient_is_named_before_the_first_step(files, few, host_spec, tmp_path):
    """torch's DDP would stop at the second step; with the key it trains."""
    made, backbone = [], {**SERVED["Baseline"].model_cfg, "model": "Sleeper"}
    for find in (False, True):
        folder = tmp_path / str(find)
        folder.mkdir()
        changes = {"trainer_cfg__find_unused_parameters": find, "trainer_cfg__sampler__batch_size": [4, 2], **few}
        made.append(variant(files[STAGE], folder, model_cfg__backbone=backbone, **changes))
    said = good(*two_processes(), Path(__file__).with_name("silent_worker.py"), host_spec, tmp_path / "out", *made, cwd=tmp_path)
    refusal = "trainer_cfg.find_unused_parameters: set it to true. model_cfg.backbone (Sleeper) gives no gradient to Backbone."
    for rank in range(2):
        assert f"process {rank} refused: {made[0]}: {refusal}" in said and f"process {rank} trained 3 steps" in said, said
