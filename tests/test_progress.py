"""The progress line: drawn on a terminal, plain and rare in a log file, nothing on other ranks."""

from __future__ import annotations

import io
import sys

import pytest

from opengait_mimic.base.progress import Bar, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, seconds_a_step, total, start=0, **named):
    """The lines of a job of equal steps under a clock that only the job moves."""
    now = [100.0]
    with Bar("  job", start, stream=stream, clock=lambda: now[0], **named) as bar:
        for done in range(start + 1, total + 1):
            now[0] += seconds_a_step
            bar(done, total)
    return stream.getvalue()


def test_a_log_file_gets_a_line_at_every_tenth_with_the_time_left():
    lines = shown(io.StringIO(), 1, 1000).splitlines()
    assert [line.split(" ")[1] for line in lines] == [f"{done}/1000" for done in range(100, 1001, 100)]
    assert lines[0] == "job: 100/1000 (10 %), 15 min left" and lines[-1] == "job: 1000/1000 (100 %), 0 s left"


def test_a_short_job_is_silent_in_a_log_file():
    assert shown(io.StringIO(), 0.1, 200) == ""


def test_a_long_job_speaks_every_ten_minutes():
    lines = shown(io.StringIO(), 200, 1000).splitlines()
    assert lines[:2] == ["job: 3/1000 (0 %), 2 d 7 h left", "job: 6/1000 (0 %), 2 d 7 h left"]
    assert "job: 100/1000 (10 %), 2 d 2 h left" in lines


def test_a_terminal_is_drawn_over_and_cleared():
    said = shown(Terminal(), 1, 10)
    assert said.count("\r") == 11 and "\n" not in said and said.endswith("\r\x1b[K")
    assert "[############............] 5/10  5 s left" in said


def test_what_was_done_before_does_not_enter_the_time_left():
    """90 of 100 done before, one second a step: nine seconds are left after the first."""
    assert "91/100  9 s left" in shown(Terminal(), 1, 100, start=90)


def test_a_terminal_is_drawn_at_most_ten_times_a_second():
    assert 9 <= shown(Terminal(), 0.01, 99).count("\r") <= 12


def test_nothing_to_do():
    stream = Terminal()
    with Bar("x", stream=stream) as bar:
        bar(0, 0)
    assert "0/1" in stream.getvalue() or "0/0" in stream.getvalue()


def test_no_stream_no_word():
    with Bar("job", stream=None) as bar:
        bar(1, 2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (120, "2 min"), (5399, "1 h 30 min"), (5340, "89 min"), (19200, "5 h 20 min"), (200000, "2 d 8 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_it_goes_where_errors_go_when_it_is_made(monkeypatch):
    """Not where they went when the module was read: a stream of then may be closed by now."""
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    assert Bar("walkers").stream is later
