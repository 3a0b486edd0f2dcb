"""Blocks against plain loops, and the model's weights against the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

RECORD = json.loads((Path(__file__).parents[2] / "data" / "gaitbase_state.json").read_text())


def bare(Model, model_cfg):
    """A model without loaders."""
    model = Model.__new__(Model)
    torch.nn.Module.__init__(model)
    model.build_network(model_cfg)
    model.init_parameters()
    return model


def test_pack_sequence_wrapper_equals_a_loop(host):
    from modeling.modules import PackSequenceWrapper

    x, lens = torch.randn(1, 3, 10, 4, 2), [5, 1, 4]
    seqL = torch.tensor([lens]).int()
    values, indices = PackSequenceWrapper(torch.max)(x, seqL, options={"dim": 2})
    mean = PackSequenceWrapper(torch.mean)(x, seqL, options={"dim": 2})
    for i, (start, stop) in enumerate(((0, 5), (5, 6), (6, 10))):
        clip = x[0, :, start:stop]  # [c, s, h, w]
        for c in range(3):
            assert torch.equal(values[i, c], torch.stack(list(clip[c])).amax(0))
            assert torch.allclose(mean[i, c], sum(clip[c]) / (stop - start))
        assert torch.equal(clip.gather(1, indices[i][:, None])[:, 0], values[i])
    assert torch.equal(PackSequenceWrapper(torch.max)(x, None, options={"dim": 2})[0], x.amax(2))


def test_pack_sequence_wrapper_leaves_frames_after_the_last_clip_out(host):
    from modeling.modules import PackSequenceWrapper

    x = torch.randn(1, 2, 6, 1, 1)
    out = PackSequenceWrapper(torch.max)(x, torch.tensor([[2, 2]]), options={"dim": 2})[0]
    assert torch.equal(out, torch.cat([x[:, :, :2].amax(2), x[:, :, 2:4].amax(2)]))


@pytest.mark.parametrize("bins", [[16], [4, 2, 1], None])
def test_horizontal_pooling_equals_a_loop(host, bins):
    from modeling.modules import HorizontalPoolingPyramid

    x = torch.randn(2, 3, 16, 11)
    out = HorizontalPoolingPyramid(bins)(x)
    expected = []
    for b in bins or [16, 8, 4, 2, 1]:
        for strip in x.chunk(b, 2):
            expected.append(strip.mean((2, 3)) + strip.amax((2, 3)))
    assert torch.allclose(out, torch.stack(expected, -1), atol=1e-6)


def test_horizontal_pooling_names_the_strips_that_do_not_fit(embedded):
    from modeling.modules import HorizontalPoolingPyramid

    with pytest.raises(ValueError, match=r"15x11 cannot be cut into \[16\]"):
        HorizontalPoolingPyramid([1, 16])(torch.zeros(1, 1, 15, 11))


@pytest.mark.parametrize("norm", [False, True])
def test_separate_fcs_is_one_linear_map_per_part(host, norm):
    from modeling.modules import SeparateFCs

    fcs, x = SeparateFCs(parts_num=3, in_channels=5, out_channels=4, norm=norm), torch.randn(2, 5, 3)
    out = fcs(x)
    for p in range(3):
        weight = fcs.fc_bin[p] / (fcs.fc_bin[p].norm(dim=0) if norm else 1)
        assert torch.allclose(out[:, :, p], x[:, :, p] @ weight, atol=1e-6)


@pytest.mark.parametrize("parallel", [True, False])
def test_bnnecks_are_cosines_after_batch_norm(host, parallel):
    from modeling.modules import SeparateBNNecks

    necks = SeparateBNNecks(parts_num=3, in_channels=5, class_num=7, parallel_BN1d=parallel).train()
    x = torch.randn(6, 5, 3)
    feat, logits = necks(x)
    assert logits.shape == (6, 7, 3)
    for p in range(3):
        part = x[:, :, p]
        part = (part - part.mean(0)) / (part.var(0, unbiased=False) + 1e-5).sqrt()
        assert torch.allclose(feat[:, :, p], F.normalize(part, dim=1), atol=1e-5)
        cosine = F.cosine_similarity(part[:, :, None], necks.fc_bin[p][None], dim=1)
        assert torch.allclose(logits[:, :, p], cosine, atol=1e-5)


def test_set_block_wrapper_runs_frame_by_frame(host):
    from modeling.modules import BasicConv2d, SetBlockWrapper

    block = BasicConv2d(2, 3, 3, 2, 1)
    x = torch.randn(2, 2, 4, 8, 6)
    out = SetBlockWrapper(block)(x)
    assert out.shape == (2, 3, 4, 4, 3)
    for s in range(4):
        assert torch.allclose(out[:, :, s], block(x[:, :, s]), atol=1e-6)


def test_gaitbase_weights_are_named_shaped_and_ordered_as_recorded(host):
    """An optimiser's state is by position, so the order is part of the checkpoint."""
    from modeling import models

    state = bare(models.Baseline, RECORD["model_cfg"]).state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == RECORD["state"]
    assert list(state) == list(RECORD["state"])


def test_packed_and_fixed_clips_get_the_same_embedding(host, model_cfg):
    from modeling import models

    model = bare(models.Baseline, model_cfg).eval()
    sils, labs = torch.rand(3, 4, 64, 44), torch.arange(3)
    fixed = model(([sils], labs, None, None, None))["inference_feat"]["embeddings"]
    packed = model(([sils.reshape(1, 12, 64, 44)], labs, None, None, torch.tensor([[4, 4, 4]])))
    assert fixed.shape == (3, 8, 16)
    assert torch.allclose(packed["inference_feat"]["embeddings"], fixed, atol=1e-5)
    assert packed["visual_summary"]["image/sils"].shape == (12, 1, 64, 44)


def test_init_parameters_walks_all_submodules(host, model_cfg):
    from modeling import models

    model = bare(models.Baseline, model_cfg)
    conv = model.Backbone.forward_block.layer1[0].conv1.weight
    assert conv.abs().max() <= (6 / (4 * 9 + 4 * 9)) ** 0.5 + 1e-6  # Xavier's bound
    norm = model.BNNecks.bn1d
    assert 0.01 < norm.weight.std() < 0.03 and not norm.bias.any()


def test_unknown_backbone_and_block_are_named(embedded, model_cfg):
    from modeling import models

    cfg = {**model_cfg, "backbone_cfg": {"type": "ResNet99"}}
    with pytest.raises(AttributeError, match="ResNet99.*ResNet9"):
        bare(models.Baseline, cfg)
    cfg = {**model_cfg, "backbone_cfg": {"type": "ResNet9", "block": "Bottleneck"}}
    with pytest.raises(ValueError, match="Bottleneck.*BasicBlock"):
        bare(models.Baseline, cfg)
