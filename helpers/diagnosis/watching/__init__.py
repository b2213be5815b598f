"""Watching a target for some time, in memory that does not grow.

From the ground: `plan` says what is watched and how patiently; `memory` keeps the latest of something; `tables`,
`topics` and `journal` count what happens, without I/O; `attendance` connects, joins and comes back; `committed` asks
the database before and after. `helpers.diagnosis.probes.watch` puts them together.
"""
