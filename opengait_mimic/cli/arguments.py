"""Options that several commands share. Importing this does not import torch."""

from __future__ import annotations

import argparse
import os

from ..base.resume_words import OPTIONS


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


def drop_local_rank(words: list[str]) -> list[str]:
    """The command line without ``--local-rank N``, which ``python -m torch.distributed.launch`` adds wherever it likes."""
    kept, words = [], iter(words)
    for word in words:
        name, sign, number = word.partition("=")
        if name not in ("--local-rank", "--local_rank"):
            kept.append(word)
        elif (number := number if sign else next(words, "")).isdigit():
            os.environ.setdefault("LOCAL_RANK", number)
    return kept


def add_iter_argument(parser, how: str, use: str) -> None:
    """``--iter``; ``how`` answers any other value, ``use`` is its help."""

    def read_iteration(text: str) -> int:
        if not text.isdigit():
            raise argparse.ArgumentTypeError(f"{text!r} is no iteration: give its number K, without a name or a path. {how}")
        return int(text)

    parser.add_argument("--iter", type=read_iteration, default=0, metavar="K", help=use)


class _OtherWords(argparse.Action):
    """An option of another program; ``const`` says how it is done here."""

    def __call__(self, parser, namespace, values, option=None):  # noqa: D102
        parser.error(f"{option}: there is no such option here. {self.const}")


def answer_other_words(parser, how: str, *more: str) -> None:
    """Answer the options by which other programs name a checkpoint, and ``more``, with how it is done here."""
    parser.add_argument(*OPTIONS, *more, nargs="?", action=_OtherWords, const=how, help=argparse.SUPPRESS)


class RenamedOption(argparse.Action):
    """An option of an older version; ``const`` is the new name, which the error states."""

    def __call__(self, parser, namespace, values, option=None):  # noqa: D102
        parser.error(f"{option} was renamed; use {self.const}")
