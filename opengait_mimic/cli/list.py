"""Models, losses, transforms, evaluators and shipped configurations, one line each."""

from .arguments import add_host_argument

EXAMPLE = "opengait-mimic list --host /path/to/OpenGait"


def add_arguments(parser) -> None:
    """Add the options."""
    add_host_argument(parser)


def run(args) -> int:
    """Run it."""
    from .list_names import listing

    print("\n".join(listing(args.host)))
    return 0
