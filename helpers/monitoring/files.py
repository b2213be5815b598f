"""The files of a monitoring set-up, written into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from helpers.errors import InputError
from helpers.monitoring.grafana import dashboard_json
from helpers.monitoring.prometheus import alertmanager_configuration, prometheus_configuration, rules
from helpers.objectives import Objectives
from helpers.results import write_atomically

__all__ = ["files", "write_files"]

#: Where the canary listens unless told otherwise; free in Prometheus' list of default ports of exporters is 9991.
CANARY_PORT = 9991


def files(objectives: Objectives, port: int = CANARY_PORT) -> Mapping[str, str]:
    """Content by name: rules, an example of each configuration, and the dashboard.

    Args:
        port: on which the canary will listen.
    """
    made = {
        "realtime.rules.yml": rules(objectives),
        "prometheus.yml": prometheus_configuration(f"127.0.0.1:{port}", alertmanagers=["127.0.0.1:9093"]),
        "alertmanager.yml": alertmanager_configuration(),
    }
    return {**{name: _yaml(content) for name, content in made.items()}, "dashboard.json": dashboard_json(objectives)}


def write_files(folder: Path, objectives: Objectives, *, port: int = CANARY_PORT, force: bool = False) -> list[Path]:
    """Write them; what stands there already and is another is kept, unless `force` says otherwise.

    Raises:
        InputError: a file was changed.
        RunError: the folder cannot be written.
    """
    made = {folder / name: content.encode() for name, content in files(objectives, port).items()}
    changed = [path.name for path, content in made.items() if path.is_file() and path.read_bytes() != content]
    if changed and not force:
        tried = f"writing the monitoring set-up into {folder}"
        raise InputError(tried, f"{', '.join(changed)} would be changed", "Take another folder, or add --force")
    for path, content in made.items():
        write_atomically(path, content)
    return list(made)


def _yaml(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
    return text
