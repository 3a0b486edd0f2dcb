"""Options that several commands share. Importing this does not import torch."""

from __future__ import annotations

import argparse


def add_host_argument(parser) -> None:
    """``--host``."""
    parser.add_argument(
        "--host",
        metavar="DIR",
        help="an OpenGait checkout, or `embedded` (default: $OPENGAIT_ROOT, else a parent folder, else embedded)",
    )


def add_device_argument(parser) -> None:
    """``--device``."""
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: auto, a GPU if there is one")


def add_host_arguments(parser) -> None:
    """``--host``, ``--device`` and ``--output``."""
    add_host_argument(parser)
    add_device_argument(parser)
    parser.add_argument("--output", metavar="DIR", help="folder of trainings and results (default: ./output)")


def add_preflight_argument(parser) -> None:
    """``--no-preflight``."""
    parser.add_argument("--no-preflight", action="store_true", help="start to train without the checks before the first step")


class RenamedOption(argparse.Action):
    """An option of an older version; ``const`` is the new name, which the error states."""

    def __call__(self, parser, namespace, values, option=None):  # noqa: D102
        parser.error(f"{option} was renamed; use {self.const}")
