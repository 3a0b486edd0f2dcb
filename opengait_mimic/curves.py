"""``opengait-mimic curves RUN``: what a training said of itself, by step (see `opengait_mimic.watch`)."""

from __future__ import annotations

from pathlib import Path

from .config import ConfigError
from .records import NAME, read_record

ROWS = 12
SHORT = {
    "loss": "loss", "active": "active triplets", "teacher_meets_margin": "teacher triplets met", "teacher_cosine": "teacher cosine",
    "own_pair": "own pair", "ven_accuracy": "VEN accuracy", "amount_error": "amount error", "hidden_share": "hidden share",
    "skipped_steps": "skipped steps",
}  # fmt: skip


def curves_of(run: str | Path) -> list:
    """The ``curves`` of a record, ``[step, {name: value}]`` by step.

    Args:
        run: a training's folder, or the ``training.json`` in it.

    Raises:
        ConfigError: no record there, or one without curves (of an older version). HostError: it is not JSON.
    """
    folder = Path(run).expanduser()
    record = read_record(folder.parent if folder.name == NAME else folder)
    if record is None or not record.get("curves"):
        why = "there is no record of a training" if record is None else "the record holds no curves"
        raise ConfigError(f"{run}: {why}; give the folder of a run, <output>/<dataset>/<model>/<save_name>, trained by this version")
    return record["curves"]


def table(curves: list) -> str:
    """The columns of `SHORT` that the curves hold, of at most `ROWS` steps spread evenly, the last one among them."""
    columns = [name for short in SHORT for name in curves[-1][1] if name.rpartition("/")[2] == short]
    shown = min(ROWS, len(curves))
    rows = [curves[round(i * (len(curves) - 1) / max(shown - 1, 1))] for i in range(shown)]
    lines = [["step", *(_title(name) for name in columns)]]
    lines += [[str(step), *(_number(name, values.get(name)) for name in columns)] for step, values in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(f"{text:>{width}}" for text, width in zip(line, widths)) for line in lines)


def _title(name: str) -> str:
    group, _, short = name.rpartition("/")
    return f"{group} loss" if short == "loss" else SHORT[short]


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if name.endswith("skipped_steps") else f"{value:.3f}"
