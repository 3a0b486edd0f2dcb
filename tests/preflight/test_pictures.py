"""What preflight says of pictures that are read without an error and show nobody, or somebody in a way that no transform expects."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.preflight.test_checks import HOSTS, MIMIC, failure


def remade(built, stage, tree, root, change):
    """A stage for training on the walkers with every pickle's frames ``[s, 64, 64]`` changed."""
    shutil.copytree(tree.root, root)
    for file in root.rglob("*.pkl"):
        file.write_bytes(change(np.load(file, allow_pickle=True)).dumps())
    return built(stage, data_cfg__dataset_root=str(root), data_cfg__cache=False)


@pytest.mark.parametrize("stage", [HOSTS, "VEN", MIMIC])
def test_zeros_and_ones_in_the_pickles(built, tried, tree, tmp_path, stage):
    """The transforms make 1/255 of them: no two of their pictures differ to the network, and the losses are finite all the same."""
    root = tmp_path / "root"
    model, cfgs = remade(built, stage, tree, root, lambda frames: (frames > 127).astype(np.uint8))
    said = failure(tried, model, cfgs, "geometry")
    assert "reach only 0.00392157 after trainer_cfg.transform" in said and "0/1 in the pickles" in said
    assert f"Look at them with `opengait-mimic check data --root {root} --partition {tree.partition}`" in said


@pytest.mark.parametrize("value", [255, 200])
def test_one_value_throughout(built, tried, tree, tmp_path, value):
    model, cfgs = remade(built, HOSTS, tree, tmp_path / "root", lambda frames: np.full_like(frames, value))
    said = failure(tried, model, cfgs, "geometry")
    assert (
        f"the whole batch is {value / 255:g} after trainer_cfg.transform, one value throughout" in said and "write 255 for the body" in said
    )


@pytest.mark.parametrize("stage", [HOSTS, "VEN", MIMIC])
def test_a_white_background_is_a_warning(built, tried, tree, tmp_path, stage):
    model, cfgs = remade(built, stage, tree, tmp_path / "root", lambda frames: 255 - frames)
    said = tried(model, cfgs)["geometry"]
    assert said.startswith("WARNING") and "; background white: inverted? " in said and "Write 255 - array where the body is 0 (`" in said
    assert tried.failed is None


def test_bright_by_its_pixels_or_by_its_edges(host):
    """A full frame's border alone, and a body that leaves the border free."""
    import torch

    from opengait_mimic.preflight.seeing import _bright

    frame = torch.zeros(1, 1, 64, 44)
    frame[..., 1:-1, 1:-1] = 1
    assert "92% of the pixels and 0% of" in _bright(frame)
    assert "8% of the pixels and 100% of" in _bright(1 - frame)
    frame[..., :-20, :] = 0
    assert _bright(frame) == ""


@pytest.mark.parametrize("stage", [HOSTS, "VEN", MIMIC])
@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda frames: np.repeat(frames[..., None], 3, -1), ["64, 64, 3], and trainer_cfg.transform takes silhouettes", "colour"]),
        (
            lambda frames: frames[0],
            [", 64], and trainer_cfg.transform takes silhouettes", "single pictures, pickled without an axis for the frames?"],
        ),
    ],
    ids=["colour", "single pictures"],
)
def test_other_axes_are_told_before_a_network_runs(built, tried, tree, tmp_path, monkeypatch, stage, change, parts):
    model, cfgs = remade(built, stage, tree, tmp_path / "root", change)
    monkeypatch.setattr(type(model), "forward", None)
    said = failure(tried, model, cfgs, "geometry")
    for part in ["data: a clip of the batch has the axes [", *parts, "data_cfg.data_in_use", "`opengait-mimic check data --root "]:
        assert part in said, said


def test_an_error_that_nobody_foresaw_has_a_way_out(built, capsys, monkeypatch):
    """In what reads data the data are to be looked at; elsewhere there is nothing that the user could mend."""
    from opengait_mimic.preflight.run import PreflightFailed, run_preflight
    from opengait_mimic.preflight.trial import Trial

    model, cfgs = built(HOSTS)
    ways = {"take": ("data", "Look at the data with `opengait-mimic check data --cfgs 'my file.yaml'`; if nothing is found, please report"),
            "step": ("loss", "Please report this line with my file.yaml: a training would end in the same way")}  # fmt: skip
    for method, (check, way) in ways.items():

        def breaks(self):
            raise KeyError("strange")

        with monkeypatch.context() as patch:
            patch.setattr(Trial, method, breaks)
            with pytest.raises(PreflightFailed, match=f"failed at {check}: KeyError in test_pictures.py, line ") as failed:
                run_preflight(model, cfgs, yaml="my file.yaml")
        assert f"'strange'. {way}" in str(failed.value)
    capsys.readouterr()
