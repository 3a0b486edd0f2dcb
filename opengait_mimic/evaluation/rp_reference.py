"""Whose weights the whole-body score is of that RP divides by, and whether they are the teacher's that trained a mimic."""

from __future__ import annotations

from ..base.errors import ConfigError
from ..base.files import sha256
from .reference_result import Reference
from .test_setup import Subject


def hp_weights(subject: Subject, earlier: Reference | None) -> str | None:
    """SHA-256 of the checkpoint that HP was measured with, as far as it is known.

    Args:
        subject: what is tested.
        earlier: the result that HP is taken from; None = its teacher's own pass, or of Baseline-1 its own.
    """
    if earlier is not None:
        return earlier.provenance.get("checkpoint")
    if subject.method == "Baseline-1":
        return sha256(checkpoint_of(subject.cfgs))
    return None if subject.teacher is None else sha256(subject.teacher["evaluator_cfg"]["restore_hint"])


def teachers_weights(subject: Subject) -> str | None:
    """The hash by which the mimics of a Baseline-1 know it (`weights_of_teacher`); None for other methods."""
    from ..models.teacher import weights_of_teacher

    return weights_of_teacher(checkpoint_of(subject.cfgs)) if subject.method == "Baseline-1" else None


def refuse_other(subject: Subject, earlier: Reference, where: str = "--reference") -> None:
    """A mimic is not divided by a teacher that did not train it, where both files tell.

    Raises:
        ConfigError: the mimic's checkpoint and the reference's provenance (``weights``) name different teachers.
    """
    known, theirs = taught_by(subject.cfgs) if subject.taught else None, earlier.provenance.get("weights")
    if None not in (known, theirs) and known != theirs:
        raise ConfigError(
            f"{where}: its Baseline-1 has other weights ({theirs[:12]}) than the teacher that trained this {subject.method} ({known[:12]}),"
            " so RP would not be this mimic's. Give the result of that teacher, or train the mimic anew"
        )


def taught_by(cfgs: dict) -> str | None:
    """The hash of the teacher's weights that a mimic's checkpoint keeps; None where it does not say."""
    from ..models.teacher import KEPT
    from ..models.upstream_weights import read_weights

    state = read_weights(checkpoint_of(cfgs), "evaluator_cfg.restore_hint").get("_extra_state")
    return state.get(KEPT) if isinstance(state, dict) else None


def checkpoint_of(cfgs: dict):
    """The file that a test restores."""
    from ..models.upstream_weights import checkpoint_file

    return checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint")
