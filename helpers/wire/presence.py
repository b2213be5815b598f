"""Who is present in a channel, kept in step with the server.

The server tells everything once (`presence_state`) and then what changes (`presence_diff`). A diff that arrives before
the state is about a later moment than the state, so it waits and is applied after it.
"""

from __future__ import annotations

from typing import Any

from helpers.wire.events import Metas, PresenceDiff, PresenceState

__all__ = ["PresenceMap"]


class PresenceMap:
    """Key to metas, one meta for each connection that tracks under the key.

    Attributes:
        state: who is there now; the metas hold what was tracked and the server's ``phx_ref``.
    """

    def __init__(self) -> None:
        self.state: Metas = {}
        self._waiting: list[PresenceDiff] | None = []

    def receive(self, event: PresenceState | PresenceDiff) -> None:
        """Take over what the server says."""
        if isinstance(event, PresenceState):
            self.state = {key: list(metas) for key, metas in event.state.items()}
            waiting, self._waiting = self._waiting or [], None
            for diff in waiting:
                self._apply(diff)
        elif self._waiting is None:
            self._apply(event)
        else:
            self._waiting.append(event)

    def reset(self) -> None:
        """Forget everything, as at each join: the server will send the state again."""
        self.state = {}
        self._waiting = []

    def _apply(self, diff: PresenceDiff) -> None:
        for key, joined in diff.joins.items():
            self.state[key] = _without(self.state.get(key, []), joined) + joined
        for key, left in diff.leaves.items():
            remaining = _without(self.state.get(key, []), left)
            if remaining:
                self.state[key] = remaining
            else:
                self.state.pop(key, None)


def _without(metas: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    refs = {meta.get("phx_ref") for meta in others}
    return [meta for meta in metas if meta.get("phx_ref") not in refs]
