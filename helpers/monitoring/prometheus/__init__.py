"""What Prometheus and Alertmanager are configured with, made of the objectives."""

from __future__ import annotations

from helpers.monitoring.prometheus.configuration import alertmanager_configuration, prometheus_configuration
from helpers.monitoring.prometheus.rules import rules

__all__ = ["alertmanager_configuration", "prometheus_configuration", "rules"]
