"""The report of results: one self-contained page, and CSV, JSON and LaTeX. Reads files alone; no host, no network."""

from .write_report import report

__all__ = ["report"]
