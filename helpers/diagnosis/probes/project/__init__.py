"""Looks at a project's folder. It only reads, and of a connection string nothing but its kind leaves it."""

from __future__ import annotations

from helpers.diagnosis.probes.project.folder import probe_project

__all__ = ["probe_project"]
