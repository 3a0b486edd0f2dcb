"""``opengait-mimic preview``: a picture and a table of what a configuration hides of your data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import torch

from ..base.errors import ConfigError, HostError
from ..evaluation.evaluation_setup import DEFAULT
from ..host import is_ours
from ..models.prepare import model_class, prepare
from ..occlusion import KINDS, MOVING, Occlusion, apply, binarise, draw
from ..occlusion.apply import boxes
from ..occlusion.clips import clip_of_frame
from ..training import batches
from ..training.launch import start_log
from .contact_sheet import contact_sheet, outline
from .training_view import describe, view_rows

FRAMES = 10


def preview(path: str | os.PathLike, out: str | os.PathLike) -> str:
    """Draw one test clip under every kind that a configuration hides, then the first training batch, as in figure 1 of the paper.

    The test clip goes through the test's transforms; ten of its frames are shown in order. The batch is that of the first training step,
    hidden as that step hides it; a host's own model trains on whole bodies, so it has none. Nothing needs to be trained.

    Args:
        path: the YAML of any silhouette model.
        out: the PNG to write.

    Returns:
        A table of what the batch and the test hide.

    Raises:
        HostError, ConfigError: as in training, or the picture cannot be written.
    """
    from utils import init_seeds

    from ..models.batch_viewer import Viewer

    if Path(out).suffix.lower() != ".png":
        raise ConfigError(f"--out {out}: the picture is a PNG; give a name ending in .png")
    cfgs = prepare(path, "train")
    ours = is_ours(model_class(cfgs))
    cfgs["data_cfg"]["num_workers"] = 0
    cfgs["evaluator_cfg"]["occlusion"] = {**DEFAULT, **(cfgs["evaluator_cfg"].get("occlusion") or {})}
    start_log(cfgs, training=False, log_to_file=False, quiet=True)
    viewer = Viewer(cfgs, ours)
    init_seeds(cfgs["trainer_cfg"].get("seed", 0))
    tested, trained = viewer.condition.occlusion, viewer.drawn if ours else None
    rows = [("ONE TEST CLIP UNDER EVERY KIND OF THIS CONFIGURATION", None), *_kind_rows(viewer, trained or tested, tested)]
    lines = [f"{Path(path).name}: test hides {_describe_occlusion(tested)}"]
    if ours:
        batches.number(viewer, cfgs, 0)
        batch = viewer.train().occluded_batch(next(iter(viewer.train_loader)))
        rows += [("A TRAINING BATCH: WHOLE AND AS IT IS HIDDEN", None), *view_rows(batch, clips=len(trained.possible))]
        lines += [f"training hides {_describe_occlusion(trained)}; in this batch:", *_table(trained, batch)]
    else:
        lines.append("training sees whole bodies, since this is the host's own model; Baseline2 trains it on occluded ones")
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(rows, out, title=f"WHAT {re.sub('[^A-Z0-9]', '-', Path(path).stem.upper())} HIDES")
    except (OSError, RuntimeError) as error:
        raise HostError(f"cannot write {out}: {error}") from error
    return "\n".join([*lines, f"written: {out}"])


def _kind_rows(viewer, trained: Occlusion, tested: Occlusion) -> list[tuple[str, np.ndarray]]:
    """Rows of one test clip: whole, and under each kind that training or the test draws."""
    batch = viewer.eval().occluded_batch(next(iter(viewer.test_loader)))
    whole, length = batch.whole.reshape(1, -1, *batch.whole.shape[-2:])[:, : batch.lengths[0]], batch.lengths[0]
    at = torch.linspace(0, length - 1, min(FRAMES, length)).long()
    shown = {kind: source for source in (tested, trained) for kind in source.possible if kind != "none"}
    rows = [("WHOLE", whole[0, at].cpu().clamp(0, 1).numpy())]
    for kind in sorted(shown, key=KINDS.index):
        d = draw(shown[kind]._replace(kinds={kind: 1.0}), ("preview", kind))
        occluded = binarise(apply(whole, [d]), viewer.binarise)[0, at].cpu().clamp(0, 1)
        black = boxes([d], [length], *whole.shape[-2:])[:, at]
        rows.append((describe(d), outline(occluded.numpy(), black.numpy())))
    return rows


def _describe_occlusion(occlusion: Occlusion) -> str:
    low, high = occlusion.hidden
    moving = f", moving {occlusion.speed[0]:g}-{occlusion.speed[1]:g} pixels a frame" if set(occlusion.possible) & set(MOVING) else ""
    return ", ".join(f"{kind} {occlusion.kinds[kind]:.2f}" for kind in occlusion.possible) + f"; {low:g}-{high:g} hidden{moving}"


def _table(occlusion: Occlusion, batch) -> list[str]:
    """Per kind: probability, clips, frames, occluded frames, and the hidden fraction of an occluded frame's area."""
    owner, hidden = clip_of_frame(batch.lengths), batch.hidden.cpu()
    lines = [f"  {'kind':8}{'drawn':>8}{'clips':>8}{'frames':>8}{'touched':>10}{'of a frame':>12}"]
    for kind in occlusion.possible:
        clips = [i for i, d in enumerate(batch.draws) if d.kind == kind]
        share = hidden[torch.isin(owner, torch.tensor(clips, dtype=torch.long))]
        touched = share[share > 0]
        part = f"{100 * float(touched.mean()):.1f} %" if len(touched) else "-"
        lines.append(f"  {kind:8}{occlusion.kinds[kind]:>8.2f}{len(clips):>8}{len(share):>8}{len(touched):>10}{part:>12}")
    return lines
