"""``opengait-mimic compare A B``: in what two runs, results or recipes differ; what decides the weights comes first."""

from .differences import Difference, compare
from .show import table
from .sides import Side, read_side

__all__ = ["Difference", "Side", "compare", "read_side", "table"]
