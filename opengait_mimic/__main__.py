"""``python -m opengait_mimic``: the launcher."""

import sys

from .cli.launcher import main

if __name__ == "__main__":
    sys.exit(main())
