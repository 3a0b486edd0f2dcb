"""``opengait-mimic compare A B``: in what two runs, results or recipes differ; what decides the weights comes first.

Comparing and showing two sheets is pure; `opengait_mimic.comparing.check_sides` finds and reads them.
"""

from .differences import Difference, compare
from .show import table

__all__ = ["Difference", "compare", "table"]
