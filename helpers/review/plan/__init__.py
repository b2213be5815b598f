"""From what a review found to a plan: changes as diffs and SQL, each with its gain as measured in a lab.

The floors, from the ground: `usage`, `shapes`, `subscriptions`, `script`, `values` are data and judgement without I/O;
`stage` makes tables, `clients` is a process that listens, `replay` compares two arrangements; `gains` says what a
comparison means.
"""

from __future__ import annotations
