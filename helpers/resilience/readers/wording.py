"""Has a database tell values in the same words, whatever the session, the role or the database is set to.

Times are told in UTC, bytes in hexadecimal, doubles with the digits that tell them from their like: as the trigger of
a change log and Realtime tell them.
"""

from __future__ import annotations

__all__ = ["PLAINLY"]

#: Goes before a `select` that takes from `plain` first of all: its one row is there when the settings are made, which
#: hold for this transaction. A `set` would be lost on a pooler, or meet the next one who gets the connection.
PLAINLY = (
    "with plain as materialized (select set_config('timezone', 'UTC', true), "
    "set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true)) "
)
