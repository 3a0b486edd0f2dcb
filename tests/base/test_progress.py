"""Progress: a bar on a terminal, plain and rare lines in a log file, nothing on other ranks."""

from __future__ import annotations

import io
import sys

import pytest

from opengait_mimic.base import progress
from opengait_mimic.base.progress import Bar, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


def printed(monkeypatch, stream, seconds_a_step, total, start=0, **named):
    """What a job of equal steps prints to the standard error stream, under a clock that only the job moves."""
    now = [100.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Bar("  job", start, **named) as bar:
        for done in range(start + 1, total + 1):
            now[0] += seconds_a_step
            bar(done, total)
    return stream.getvalue()


def test_a_log_file_gets_a_line_now_and_then(monkeypatch):
    lines = printed(monkeypatch, io.StringIO(), 1, 600).splitlines()
    assert [line.split(" ")[1] for line in lines] == [f"{done}/600" for done in range(120, 601, 120)]
    assert lines[0] == "job: 120/600 (20 %), 8 min left" and lines[-1] == "job: 600/600 (100 %), 0 s left"


def test_a_short_job_prints_nothing_in_a_log_file(monkeypatch):
    assert printed(monkeypatch, io.StringIO(), 0.1, 200) == ""


def test_steps_done_before_do_not_shorten_the_time_left(monkeypatch):
    """90 of 100 done before, 120 seconds a step: 9 steps are left after the first."""
    assert printed(monkeypatch, io.StringIO(), 120, 100, start=90).startswith("job: 91/100 (91 %), 18 min left")


def test_a_terminal_gets_a_bar_that_is_removed(monkeypatch):
    text = printed(monkeypatch, Terminal(), 1, 10)
    assert "job" in text and "\r" in text and text.rpartition("\r")[2].strip() == ""


def test_other_ranks_print_nothing(monkeypatch):
    assert printed(monkeypatch, io.StringIO(), 600, 10, shown=False) == printed(monkeypatch, Terminal(), 600, 10, shown=False) == ""


def test_an_empty_job(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Bar("x") as bar:
        bar(0, 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (120, "2 min"), (5399, "1 h 30 min"), (5340, "89 min"), (19200, "5 h 20 min"), (200000, "2 d 8 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
