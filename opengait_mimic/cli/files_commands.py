"""Commands on files of others, and what there is: ``import``, ``convert``, ``list``."""

from __future__ import annotations

from .console import add_host_argument


def convert(commands) -> None:
    """Add ``convert``."""
    p = commands.add_parser("convert", help="an old checkpoint that holds objects, as one of tensors and plain values")
    p.add_argument("old", metavar="OLD", help="the file; without --trust it is only said what reading it would run")
    p.add_argument("--out", required=True, metavar="FILE", help="the checkpoint to write")
    p.add_argument("--trust", action="store_true", help="read it, and run what it names: only where you trust its origin")
    p.set_defaults(run=_run_convert)


def _run_convert(given) -> int:
    from ..base.checkpoint_convert import convert

    lines, done = convert(given.old, given.out, given.trust)
    print("\n".join(lines))
    return 0 if done else 1


def list_(commands) -> None:
    """Add ``list``."""
    p = commands.add_parser("list", help="models, losses, transforms, evaluators and configurations, a line each")
    add_host_argument(p)
    p.set_defaults(run=_run_list)


def _run_list(given) -> int:
    from .listing import listing

    print("\n".join(listing(given.host)))
    return 0
