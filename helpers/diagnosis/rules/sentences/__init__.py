"""Every sentence that a client can get from Realtime (`user_socket.ex`, `realtime_channel.ex`), as tables."""

from __future__ import annotations

from helpers.diagnosis.rules.sentences import changes, joins, limits, project, tokens
from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS", "Answer"]

#: In the order of the way: who may come in, whether the project is there, its limits, the channel, its changes.
ANSWERS: tuple[Answer, ...] = (
    *tokens.ANSWERS,
    *project.ANSWERS,
    *limits.ANSWERS,
    *joins.ANSWERS,
    *changes.ANSWERS,
)
