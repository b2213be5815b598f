"""The poll ladder made visible: how long a change waits until the server looks, and what is processing.

`settings` and `results` are data; `looks` sees the server's looks in the database; a `stand` is one lab that is
watched; `compare` watches three of them side by side, `answer` says what they showed.
"""

from __future__ import annotations

from helpers.experiments.ladder.compare import compare_ladder
from helpers.experiments.ladder.results import Ladder, Point, Watched

__all__ = ["Ladder", "Point", "Watched", "compare_ladder"]
