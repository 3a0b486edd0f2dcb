"""Progress: a bar on a terminal, rare states in a log file, nothing on other ranks."""

from __future__ import annotations

import io
import sys

import pytest
import tqdm

from opengait_mimic.base.progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run_job(monkeypatch, stream, seconds_a_step, **named):
    """What a job of 600 equal steps prints to standard error, under a clock that only the job moves."""
    now = [1000.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(tqdm.std, "time", lambda: now[0])
    with Bar("job", **named) as bar:
        for done in range(1, 601):
            now[0] += seconds_a_step
            bar(done, 600)
    return stream.getvalue()


def test_a_log_file_gets_a_state_every_two_minutes(monkeypatch):
    text = run_job(monkeypatch, io.StringIO(), 1)
    assert 3 <= text.count("/600") <= 6 and "job" in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_short_job_and_other_ranks_print_nothing(monkeypatch, stream):
    assert run_job(monkeypatch, stream(), 60, shown=False) == ""
    assert run_job(monkeypatch, io.StringIO(), 0.1) == ""


def test_a_terminal_gets_a_bar_that_is_removed(monkeypatch):
    text = run_job(monkeypatch, Terminal(), 1)
    assert "job" in text and text.count("/600") > 100 and text.rpartition("\r")[2].strip() == ""
