"""Watching Realtime for long: the canary's metrics, the indicators and budgets made of them, alerts and dashboard.

`metrics` declares what is exported, `indicators` turns objectives into shares that can be bad; `prometheus` and
`grafana` write what those programs read.
"""
