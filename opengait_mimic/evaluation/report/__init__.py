"""The report of results: one self-contained page, and CSV, JSON and LaTeX. Reads files alone; no host, no network."""

from .report_files import write_report

__all__ = ["write_report"]
