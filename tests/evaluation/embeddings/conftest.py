"""Configurations ready to be tested, and what the host warns of."""

from __future__ import annotations

import shutil

import pytest

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import start_log
from tests.evaluation.embeddings.scene import MIMIC, folder


@pytest.fixture(scope="module")
def prepared(trained):
    """A stage's configuration, ready to be tested."""

    def make(stage):
        cfgs = prepare(trained.files[stage], "embed")
        start_log(cfgs, False, False, quiet=True)
        return cfgs

    return make


@pytest.fixture
def fresh(prepared):
    """A stage's configuration whose folder holds no pass."""

    def make(stage=MIMIC):
        cfgs = prepared(stage)
        shutil.rmtree(folder(cfgs), ignore_errors=True)
        return cfgs

    return make


@pytest.fixture
def warned(monkeypatch):
    """The warnings of the host's log."""
    from utils import get_msg_mgr

    warnings = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", warnings.append)
    return warnings
