"""Measurements that do not wait as long for what will never come."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing counts as lost sooner; enough for the lab, which looks twice a second."""
    module = importlib.import_module("helpers.profiling.workloads.measuring")
    monkeypatch.setattr(module, "QUIET_S", 2.0)
    monkeypatch.setattr(module, "BROADCAST_QUIET_S", 0.7)
