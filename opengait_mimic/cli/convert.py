"""Rewrite an old checkpoint so that it can be read without running code.

Without --trust it only lists what reading the file would run.
"""

EXAMPLE = "opengait-mimic convert old.pt --out new.pt --trust"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("old", metavar="OLD", help="the old checkpoint")
    parser.add_argument("--out", required=True, metavar="FILE", help="the checkpoint to write; must not exist")
    parser.add_argument("--trust", action="store_true", help="read the file and run what it names: only if you trust its origin")


def run(args) -> int:
    """Run it."""
    from ..base.checkpoint_convert import convert

    lines, is_done = convert(args.old, args.out, args.trust)
    print("\n".join(lines))
    return 0 if is_done else 1
