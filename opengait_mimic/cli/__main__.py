"""``python -m opengait_mimic.cli``: the command ``opengait-mimic``."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
