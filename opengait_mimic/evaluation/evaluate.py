"""Occluded evaluation of any model: one pass on whole bodies, one for each condition and seed, and every cell from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, NamedTuple

from .. import __version__
from .. import host as hosts
from ..base import checkpoint_file, files
from ..base.config import read
from ..base.errors import HostError
from ..base.files import sha256
from ..base.plain_values import as_json
from ..base.processes import on_rank_0, rank_and_world
from ..base.progress import rank_bar
from ..base.seeds import read_seeds
from ..host import load_cfgs, resolve
from ..metrics import Trials, transductive_mark
from ..metrics.protocols import pairs_hash, protocol_hash
from ..occlusion.manifest import write as write_manifest
from ..training.record import readable
from ..training.trained_on import trained_kinds
from .cells import TEACHER
from .console_table import format_rows
from .embedding_plan import EmbeddingPlan
from .embeddings import fingerprint
from .provenance import provenance
from .reference_result import Reference, read_reference
from .result_clips import drawn
from .result_folder import Result, try_places, write_result
from .rows import drop_curves
from .rp_reference import checkpoint_of, hp_weights, refuse_other, teachers_weights
from .score import Scorer
from .test_setup import Subject, architecture, cells_of, read_subject

Progress = Callable[[int, int], None]


class Wanted(NamedTuple):
    """What to measure; the defaults are the cells of the YAML's own condition, without curves.

    ``cells``: a name of `evaluation.cells.PRESETS`, or a YAML of own cells (`read_cells`). ``seeds``: of the draws; None = the
    YAML's. ``split``: a JSON of probe and gallery (`read_protocol`); ``pairs``: one of pairs for verification (`read_pairs`).
    ``manifest``: a JSON of draws in the place of drawing; ``save_manifest``: where to write those that were scored. ``batch``,
    ``cache``: see `evaluation.embeddings.embed`. ``post``: of `opengait_mimic.metrics.POST`. ``full``: also CMC, views, kinds and
    verification. ``pictures``: also the clips of a report.
    """

    cells: str | None = None
    seeds: list[int] | None = None
    split: str | None = None
    pairs: str | None = None
    manifest: str | None = None
    save_manifest: str | None = None
    batch: int | None = None
    cache: bool = True
    post: str = "none"
    full: bool = False
    pictures: bool = False


def evaluate(
    path: str | os.PathLike | dict,
    iteration: int = 0,
    reference: str | os.PathLike | None = None,
    quiet: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[dict]:
    """Score one configuration in the cells of its own condition; arguments and errors as `measure`.

    Cells: ``holistic``, ``probe`` and ``both`` with the method's own gallery; for a model that a teacher trained also ``probe`` with
    the whole gallery embedded by that.

    Returns:
        Rows of `opengait_mimic.evaluation.rows.make_row`, without curves; on ranks above 0 none.
    """
    found = measure(path, iteration, reference, quiet, progress)
    return [] if found is None else [drop_curves(each) for each in found.rows]


def measure(
    path: str | os.PathLike | dict,
    iteration: int = 0,
    reference: str | os.PathLike | None = None,
    quiet: bool = False,
    progress: Progress = lambda done, total: None,
    wanted: Wanted | None = None,
    as_teacher: bool = False,
) -> Result | None:
    """Score one configuration in every cell that is wanted.

    The test set is embedded once on whole bodies and once for each condition and seed; by the backbone's teacher once on whole bodies
    (and under a condition only where it embeds a hidden gallery). Every cell is scored from these
    passes. Where only another teacher's weights are there than those that trained a mimic, its cells and RP are left out, with a
    warning.

    Args:
        path: the YAML of any silhouette model, ours or the host's own (= Baseline-1); or its complete configuration.
        iteration: the checkpoint; 0 = the YAML's ``restore_hint``.
        reference: a result that holds the backbone's whole-body row, in place of running its teacher for RP.
        quiet: only warnings on the console.
        progress: called with the number of sequences embedded and of all.
        wanted: see `Wanted`; None = its defaults.
        as_teacher: it is a teacher's configuration, of `teacher_cfgs`.

    Returns:
        The result; None on ranks above 0. HP is the whole-body score of the backbone's teacher (Baseline-1), the same for every method
        of a backbone; where it is unknown RP is None, with ``rp_reason``. ``reference_compat`` names the switches that were on, where any
        was: those of the training and of its VEN's (``ven.``...) as the checkpoint says, whatever the YAML does, and the YAML's for the
        test (``rank``, ``evaluator_cfg.occlusion``). The checkpoints of Baseline-1, of Baseline-2 and of files older than that say
        nothing: there only the YAML is known.

    Raises:
        HostError, ConfigError, CheckpointError: see `prepare`, `read_cells`, `read_reference` and the models; before anything is embedded.
    """
    wanted = wanted or Wanted()
    subject = read_subject(path, iteration, quiet, wanted.split, wanted.pairs, as_teacher)
    cells, left_out = cells_of(subject, wanted.cells)
    seeds = wanted.seeds or [subject.base["seed"]]
    facts = on_rank_0(lambda: _facts(subject, wanted, seeds))
    earlier = None if reference is None else read_reference(resolve(str(reference), "--reference"), facts)
    if earlier is not None:
        on_rank_0(lambda: refuse_other(subject, earlier, f"--reference {reference}"))
    by_teacher = any(cell.gallery_embedder == TEACHER for cell in cells)
    teacher = subject.teacher if by_teacher or earlier is None else None
    jobs = EmbeddingPlan(subject, cells, seeds, teacher, wanted.manifest, wanted.batch, wanted.cache, progress)
    scorer = Scorer(cells, seeds, jobs.of_teacher(), facts["metric"], wanted.post, wanted.full, hosts.device())
    for job, done in jobs.of_method():
        scorer.take(job, done, subject.split)
    if rank_and_world()[0] > 0:
        return None
    saved = wanted.save_manifest and _save_manifest(wanted.save_manifest, jobs.drawn(scorer.passes))
    rows, summary, trials = scorer.rows(facts, *_hp(subject, scorer, earlier), jobs.hidden_by)
    more = {"preset": wanted.cells and Path(wanted.cells).name, "left_out": left_out}
    more.update(manifest=jobs.manifest_hash, saved_manifest=saved)
    blocks = {job[0].name: jobs.block(job) for job in reversed(jobs.own) if job}  # those of the first seed stay
    source = _provenance(subject, earlier, None if isinstance(path, dict) else path, {**facts, "occlusion": blocks, **more})
    pictures = drawn(scorer.pictures(jobs.block), jobs.frames) if wanted.pictures else {}
    return Result(rows, summary, source, trials, scorer.names, scorer.hidden, pictures, subject.cfgs)


def _hp(subject: Subject, scorer: Scorer, earlier: Reference | None) -> tuple[dict | None, Trials | None, str]:
    """What RP divides by: the numbers of Baseline-1 on whole bodies, their trials, and why there are none."""
    if earlier is not None:
        return earlier.row, earlier.trials(scorer.names), ""
    found = scorer.whole if subject.method == "Baseline-1" else scorer.hp
    return (None, None, subject.reason) if found is None else (found.numbers, found.trials, "")


def _save_manifest(file: str, manifest) -> str:
    """Returns the SHA-256 of what was written."""
    try:
        write_manifest(file, manifest)
        return sha256(file)
    except OSError as error:
        raise HostError(f"--save-manifest: cannot write {file}: {error}") from error


def _facts(subject: Subject, wanted: Wanted, seeds: list[int]) -> dict:
    """What every row says; see `opengait_mimic.evaluation.rows.make_row`."""
    return {
        "method": subject.method,
        "backbone": subject.backbone,
        "dataset": subject.dataset,
        "backbone_cfg": architecture(subject.cfgs),
        "protocol_name": subject.protocol.name,
        "protocol_hash": protocol_hash(subject.protocol),
        "pairs": pairs_hash(getattr(subject.pairs or subject.protocol, "pairs", ())),
        "metric": subject.cfgs["evaluator_cfg"].get("metric", "euc"),
        "data": fingerprint(subject.cfgs),
        "seeds": seeds,
        "post": wanted.post,
        "transductive": transductive_mark(wanted.post),
        "trained_kinds": trained_kinds(subject.cfgs, checkpoint_of(subject.cfgs)),
        "mates_only": getattr(subject.protocol, "mates_only", False),
    }


def _provenance(subject: Subject, earlier: Reference | None, file, measured: dict) -> dict:
    host, cfgs = hosts.current(), subject.cfgs
    weights = {"checkpoint": sha256(checkpoint_of(cfgs)), "hp": hp_weights(subject, earlier), "weights": teachers_weights(subject)}
    if subject.taught and subject.teacher is not None:  # that trained it, or is not known to be another
        weights["teacher"] = sha256(subject.teacher["evaluator_cfg"]["restore_hint"])
    weights["ven"], measured["ven_kinds"] = _ven(cfgs)
    measured.update(training=readable(checkpoint_file.entry(checkpoint_of(cfgs))) or None, evaluator_cfg=as_json(cfgs["evaluator_cfg"]))
    machine = {"host": host.name, "commit": host.commit, "version": __version__, "device": str(hosts.device())}
    measured = {key: value for key, value in measured.items() if key not in ("post", "transductive", "mates_only")}
    return provenance(cfgs, file, weights, measured, {**machine, "processes": rank_and_world()[1]})


def _ven(cfgs: dict) -> tuple[str | None, list[str] | None]:
    """The SHA-256 of a model's VEN, and the kinds that it was taught; None where there is none."""
    from ..models.upstream_weights import checkpoint_file as file_of
    from ..models.ven import VEN_FIELDS

    if not (block := cfgs["model_cfg"].get("ven")):
        return None, None
    named = load_cfgs(block["cfgs"], "model_cfg.ven.cfgs")
    file = file_of(block.get("checkpoint", "auto"), named, "model_cfg.ven.checkpoint", must_exist=False)
    return sha256(file) if file.is_file() else None, read(named["model_cfg"], "model_cfg", VEN_FIELDS).kinds


def write_json(file: str | os.PathLike, rows: list[dict], **more) -> None:
    """Write rows and whatever belongs with them, through a temporary name.

    Raises:
        HostError: the place cannot be written.
    """
    files.write_json(Path(file), {"rows": rows, **more})


def run(given) -> int:
    """``opengait-mimic evaluate`` of a parsed command line."""
    seeds = None if given.seeds is None else read_seeds(given.seeds)
    hosts.bind(given.host, given.device, given.output)
    wanted = Wanted(
        given.preset or given.cells, seeds, given.split, given.pairs, given.manifest, given.save_manifest,
        given.batch, not given.no_cache, full=bool(given.out or given.json), pictures=bool(given.out),
    )  # fmt: skip
    try_places(out=given.out, json=given.json, save_manifest=given.save_manifest)
    with rank_bar("evaluate") as bar:
        found = measure(given.cfgs, given.iter, given.reference, progress=bar, wanted=wanted)
    if found is None:  # a rank above 0
        return 0
    print(format_rows(found.rows, found.summary))
    if given.json:
        files.write_json(Path(given.json), found.content())
        print(f"written: {given.json}")
    if given.out:
        write_result(Path(given.out), found)
        print(f"written: {given.out}")
    return 0
