"""The preview shows what training and test see."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.workflows.contact_sheet import RED
from opengait_mimic.workflows.preview_sheet import preview
from tests.variants import variant

SIX = {"kinds": {"none": 0.1, "top": 0.1, "bottom": 0.1, "middle": 0.2, "patch": 0.2, "pole": 0.3}, "hidden": [0.4, 0.6]}


def captions(path, monkeypatch, file):
    """What `contact_sheet` was given, and the text."""
    from opengait_mimic.workflows import preview_sheet as module

    given = {}
    draw = module.contact_sheet
    monkeypatch.setattr(module, "contact_sheet", lambda rows, out, title: given.update(rows=rows) or draw(rows, out, title=title))
    text = preview(file, path)
    return given["rows"], text


def test_the_same_command_draws_the_same_picture(files, tmp_path):
    for name in "ab":
        preview(files["MimicGait"], tmp_path / f"{name}.png")
        random.random(), np.random.random(), torch.rand(1)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("sampling", ["fixed_unordered", "fixed_ordered"])
def test_every_kind_of_the_configuration_is_shown(files, tmp_path, monkeypatch, sampling):
    changes = {"trainer_cfg__sampler__sample_type": sampling, "trainer_cfg__sampler__frames_skip_num": 2}
    file = variant(files["MimicGait"], tmp_path, trainer_cfg__occlusion=SIX, **changes)
    rows, text = captions(tmp_path / "sheet.png", monkeypatch, file)
    heads = [caption for caption, pictures in rows if pictures is None]
    assert len(heads) == 2 and "TEST CLIP" in heads[0] and "TRAINING BATCH" in heads[1]
    first = dict(rows[1 : [caption for caption, _ in rows].index(heads[1])])
    assert [caption.split()[0] for caption in first] == ["WHOLE", "BOTTOM", "TOP", "MIDDLE", "PATCH", "POLE"]
    whole = np.round(next(iter(first.values())) * 255)
    for pictures in list(first.values())[3:]:
        red = (pictures == np.array(RED)).all(-1)
        for before, after, edge in zip(whole, pictures, red):
            if not edge.any():
                continue
            top, left = (int(axis.min()) for axis in edge.nonzero())
            bottom, right = (int(axis.max()) + 1 for axis in edge.nonzero())
            assert (after[top + 1 : bottom - 1, left + 1 : right - 1] == 0).all(), "black inside the red edge"
            outside = np.ones(before.shape, dtype=bool)
            outside[top:bottom, left:right] = False
            assert ((after[..., 0] > 127) == (before > 127))[outside].all(), "the rest is the whole silhouette"
        assert red.any()
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert (picture == np.array(RED)).all(-1).any() and picture.shape[1] > 44 * 10
    assert "test hides bottom 0.50, top 0.50; 0.4-0.6 hidden" in text and "pole 0.30" in text and "written: " in text
    table = [line.split() for line in text.splitlines() if line.startswith("  ")][1:]
    assert [row[0] for row in table] == ["none", "bottom", "top", "middle", "patch", "pole"]
    assert sum(int(row[2]) for row in table) == 8 * 4 and all(int(row[4]) <= int(row[3]) for row in table)


def test_the_batch_is_that_of_the_first_step(trained, tmp_path, monkeypatch):
    from opengait_mimic.training.launch import launch
    from opengait_mimic.workflows import preview_sheet as module

    shown, seen = [], []
    rows_of = module.view_rows
    monkeypatch.setattr(module, "view_rows", lambda batch, clips: shown.append(batch) or rows_of(batch, clips=clips))
    file = variant(trained.files["MimicGait"], tmp_path, trainer_cfg__save_name="first-step", trainer_cfg__total_iter=1)
    preview(file, tmp_path / "sheet.png")
    launch(file, "train", quiet=True, before=lambda model: model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])))
    assert torch.equal(shown[0].occluded, seen[0].occluded) and torch.equal(shown[0].whole, seen[0].whole)
    assert shown[0].vies == seen[0].vies and shown[0].draws == seen[0].draws


def test_a_hosts_own_model_shows_its_test_alone(files, tmp_path, monkeypatch):
    rows, text = captions(tmp_path / "deep" / "sheet.png", monkeypatch, files["GaitBase (teacher)"])
    assert [caption.split()[0] for caption, _ in rows] == ["ONE", "WHOLE", "BOTTOM", "TOP"]
    assert "training sees whole bodies" in text and (tmp_path / "deep" / "sheet.png").is_file()


def test_another_file_type_is_refused(files, tmp_path):
    with pytest.raises(ConfigError, match=r"--out sheet\.jpg: the picture is a PNG"):
        preview(files["VEN"], "sheet.jpg")
