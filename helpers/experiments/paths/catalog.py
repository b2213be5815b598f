"""The paths by which one and the same row can reach an application, as data, with what each promises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from helpers.experiments.size import Size
from helpers.profiling.workloads import Route

__all__ = ["BY_NAME", "Kind", "Path", "paths_of", "stepped_paths_of"]


class Kind(StrEnum):
    """How the application hears of the row."""

    CHANGES = "changes"  # a WebSocket, told by Realtime that reads the log
    BROADCAST = "broadcast"  # a WebSocket, told by whoever sent a broadcast
    REST = "rest"  # it asks PostgREST again and again
    SQL = "sql"  # it asks the database again and again
    NOTIFY = "notify"  # a connection to the database that listens


@dataclass(frozen=True, slots=True)
class Path:
    """One path.

    Attributes:
        name: as arms call it. kind: see `Kind`.
        route: how the message is written; by SQL it is a row.
        interval_s: of polling. trigger: what the table does with a new row, as PL/pgSQL with the place ``{name}`` for
            the topic or channel. private: whether the topic is.
        order, loss, rights, limit: what is promised, by those who make it (sources in the docstring of the module
            `helpers.experiments.paths`).
    """

    name: str
    kind: Kind
    route: Route = Route.SQL
    interval_s: float | None = None
    trigger: str = ""
    private: bool = False
    order: str = ""
    loss: str = ""
    rights: str = ""
    limit: str = ""

    @property
    def stores_row(self) -> bool:
        """Whether the message is a row in the database as well."""
        return self.route is Route.SQL

    @property
    def wait_s(self) -> float:
        """The longest that a row may wait for somebody to look."""
        return 0.5 if self.kind is Kind.CHANGES else self.interval_s or 0.0


_CHANGES = Path(
    "postgres_changes",
    Kind.CHANGES,
    order="of commit",
    loss="what is committed while the socket is away, and everything above the quota, silently",
    rights="the table's policies, for each subscriber and each row",
    limit="1 MB a row; above it only small columns",
)
_BROADCAST_LOSS = "what is sent while the socket is away; private channels can ask for up to 25 of the last 3 days"
_TRIGGER = Path(
    "broadcast_changes",
    Kind.BROADCAST,
    trigger="perform realtime.broadcast_changes({name}, 'workbook', tg_op, tg_table_name, tg_table_schema, new, old);",
    private=True,
    order="of commit",
    loss=_BROADCAST_LOSS,
    rights="a policy on realtime.messages, once when the channel is joined",
    limit="256 KB (Free) or 3 MB a message",
)
_SEND = Path(
    "realtime.send",
    Kind.BROADCAST,
    trigger=("perform realtime.send(jsonb_build_object('seq', new.seq, 'body', new.body), 'workbook', {name}, false);"),
    order="of commit",
    loss="what is sent while the socket is away",
    rights="none: a public channel is open to everybody who has the key",
    limit="256 KB (Free) or 3 MB a message",
)
_SOCKET = Path(
    "client broadcast",
    Kind.BROADCAST,
    Route.BROADCAST,
    order="of each sender",
    loss="what is sent while the socket is away; above the quota the channel is closed",
    rights="none: a public channel is open to everybody who has the key",
    limit="256 KB (Free) or 3 MB a message",
)
_HTTP = Path(
    "HTTP broadcast",
    Kind.BROADCAST,
    Route.HTTP,
    order="none: requests overtake each other",
    loss="what is sent while the socket is away; above the quota the sender gets HTTP 429",
    rights="none: a public channel is open to everybody who has the key",
    limit="256 KB (Free) or 3 MB a message",
)
_NOTIFY = Path(
    "LISTEN/NOTIFY",
    Kind.NOTIFY,
    trigger="perform pg_notify({name}, row_to_json(new)::text);",
    order="of commit",
    loss="what is committed while the connection is away",
    rights="none: every role that may connect may listen",
    limit="below 8,000 bytes; a larger row makes the INSERT itself fail",
)


def _poll(kind: Kind, interval_s: float) -> Path:
    return Path(
        f"{kind.upper()} poll {1e3 * interval_s:g} ms",
        kind,
        interval_s=interval_s,
        order="as asked for",
        loss="nothing, if the cursor cannot pass rows that are committed late",
        rights="the table's policies" if kind is Kind.REST else "the grants of the role that connects",
        limit="1,000 rows a request (max_rows)" if kind is Kind.REST else "none",
    )


_PUSHED = (_CHANGES, _TRIGGER, _SEND, _SOCKET, _HTTP, _NOTIFY)
_SMALL = (*_PUSHED, _poll(Kind.REST, 0.25), _poll(Kind.SQL, 0.025))
_FULL = (
    *_PUSHED,
    *(_poll(Kind.REST, interval_s) for interval_s in (1.0, 0.25, 0.05)),
    *(_poll(Kind.SQL, interval_s) for interval_s in (1.0, 0.25, 0.025)),
)

BY_NAME = {path.name: path for path in (*_SMALL, *_FULL)}


#: In the small size, steps leave out what is much like another: `realtime.send` is what `broadcast_changes` calls, and
#: HTTP brings what the client's broadcast brings.
_STEPPED_SMALL = tuple(path for path in _SMALL if path not in (_SEND, _HTTP))


def stepped_paths_of(size: Size) -> tuple[Path, ...]:
    """Those that are taken up to their limits."""
    return _FULL if size is Size.FULL else _STEPPED_SMALL


def paths_of(size: Size) -> tuple[Path, ...]:
    """All that are compared, `postgres_changes` first."""
    return _FULL if size is Size.FULL else _SMALL
