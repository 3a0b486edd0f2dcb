"""How a training goes on and what a test reads, for those who ask for it in other words."""

from __future__ import annotations

TRAINING = (
    "--resume auto trains on from the newest checkpoint of this training, --iter K from that of iteration K; trainer_cfg.restore_hint:"
    " FILE.pt in the YAML starts a new training from the weights of a file; 0 starts from random weights"
)
TEST = (
    "--iter K reads the checkpoint of iteration K; without it evaluator_cfg.restore_hint in the YAML says what is tested: K, FILE.pt, or 0"
    " for the newest checkpoint"
)
PIPELINE = (
    "a pipeline that was stopped goes on by itself: give the same command again. Weights of a file are named in the YAML:"
    " model_cfg.teacher.checkpoint: FILE.pt, model_cfg.ven.checkpoint: FILE.pt, or trainer_cfg.restore_hint for a start from other weights"
)
OPTIONS = (
    "--ckpt", "--checkpoint", "--ckpt_path", "--ckpt-path", "--load", "--load_from", "--load-from", "--resume_from", "--resume-from",
    "--auto_resume", "--auto-resume", "--restore", "--restore_hint", "--restore-hint", "--weights", "--pretrained", "--model_path",
)  # fmt: skip
"""Options of other programs."""
VALUES = ("last", "latest", "newest", "auto", "best", "final", "resume", "max", "end", "none", "true", "false")
"""What others write where a path or a number is asked for."""


def reads_as_word(value: str) -> bool:
    """Whether a text is no path but one of `VALUES`, or a number in quotes."""
    try:
        return float(value) is not None
    except ValueError:
        return value.lower() in VALUES
