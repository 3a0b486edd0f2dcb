"""The rows of a page: every one of its suite that is finished, whichever run finished it."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..compat import in_configuration
from ..stages import Stage, finished, say
from .measured import Measured
from .nets import BACKBONES
from .plan import Plan


class Kept:
    """Finished rows, each once, by (seed, backbone as in file names, label)."""

    def __init__(self):
        """None so far."""
        self._rows: dict[tuple[int, str, str], dict] = {}

    def look(self, plan: Plan, asked: set[tuple[int, str, str]]) -> None:
        """Take the rows of a seed that are finished on disk; say which result there is another configuration's, and is not ``asked``
        for: such a row is done again in its turn.
        """
        for stage in plan.stages:
            if stage.name in plan.rows and stage.result.is_file():
                outcome = finished(stage)
                if outcome:
                    self.add(plan, stage, outcome)
                elif (plan.seed, *plan.rows[stage.name][:2]) not in asked:
                    say(f"  {stage.name}, seed {plan.seed}: {stage.result.name} is not of this configuration and code; not on the page")

    def add(self, plan: Plan, stage: Stage, outcome: dict) -> None:
        """A row is done, with what `opengait_mimic.stages.run` says of it."""
        backbone, label, network = plan.rows[stage.name]
        on = in_configuration(yaml.safe_load(stage.train.read_text()))
        cells = [{**cell, **({"reference_compat": on} if on else {})} for cell in outcome["rows"]]  # old results have none
        row = {"backbone": BACKBONES[backbone], "label": label, "network": network, "seed": plan.seed}
        row.update({key: outcome[key] for key in ("losses", "seconds")})
        self._rows[plan.seed, backbone, label] = {**row, "cells": cells}

    @property
    def keys(self) -> set[tuple[int, str, str]]:
        """Which they are."""
        return set(self._rows)

    def rows(self, order: list[tuple[int, str, str]]) -> list[dict]:
        """As plain values, in an order of keys."""
        return [self._rows[key] for key in order if key in self._rows]

    @property
    def measured(self) -> Measured:
        """Their cells."""
        found: Measured = {}
        for (seed, backbone, label), row in self._rows.items():
            found.setdefault((backbone, label), {})[seed] = row["cells"]
        return found


def seeds_on_disk(out: Path) -> list[int]:
    """The seeds of which any result is kept below a table's folder."""
    return sorted(int(folder.name[4:]) for folder in out.glob("seed*") if folder.name[4:].isdigit())
