"""Code for an application, with the names of this project's tables, that the rules of a watch print as fixes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from helpers.diagnosis.evidence import TableName

__all__ = ["apply_by_key", "fetch_after_return", "keep_newest", "refresh_token", "schema_and_table", "wait_until_ready"]

_FETCH = """\
// {table}: fetch when changes begin to be delivered, the first time and after each return
supabase
  .channel({topic})
  .on('postgres_changes', {{ event: '*', {names} }}, apply)
  .on('system', {{}}, async (message) => {{
    if (message.extension !== 'postgres_changes' || message.status !== 'ok') return
    const {{ data }} = await supabase.schema({schema}).from({name}).select()
    if (data) replaceAll(data) // what was missed is in it
  }})
  .subscribe()"""
_READY = """\
// {table}: write only after this
channel.on('system', {{}}, (message) => {{
  if (message.extension === 'postgres_changes' && message.status === 'ok') ready()
}})
// or, with supabase-js 2.119.1 or later, let SUBSCRIBED mean it:
supabase.channel({topic}, {{ config: {{ postgres_changes_options: {{ wait: true, timeout: 15000 }} }} }})"""
_BY_KEY = """\
// {table}: the same change twice must do the same as once
const rows = new Map()
const key = (row) => JSON.stringify([{columns}])
const apply = ({{ eventType, new: row, old }}) =>
  eventType === 'DELETE' ? rows.delete(key(old)) : rows.set(key(row), row)"""
_NEWEST = """\
// {table}: a change that is older than what is shown is passed over
const shown = new Map()
const key = (row) => JSON.stringify([{columns}])
const apply = (change) => {{
  const id = key(change.eventType === 'DELETE' ? change.old : change.new)
  if (change.commit_timestamp < (shown.get(id) ?? '')) return
  shown.set(id, change.commit_timestamp)
  show(change)
}}"""
_TOKEN = """\
// give Realtime each new token as soon as there is one …
supabase.auth.onAuthStateChange((_event, session) => {
  if (session) supabase.realtime.setAuth(session.access_token)
})
// … and with tokens of another provider, let it ask for one itself:
createClient(url, key, { accessToken: () => provider.getToken() })"""


def schema_and_table(table: TableName) -> str:
    """As the options of a subscription have it."""
    return f"schema: {json.dumps(table.schema)}, table: {json.dumps(table.table)}"


def fetch_after_return(tables: Iterable[TableName]) -> str:
    return "\n".join(
        _FETCH.format(
            table=table,
            topic=json.dumps(table.table),
            names=schema_and_table(table),
            schema=json.dumps(table.schema),
            name=json.dumps(table.table),
        )
        for table in tables
    )


def wait_until_ready(tables: Iterable[TableName]) -> str:
    return "\n".join(_READY.format(table=table, topic=json.dumps(table.table)) for table in tables)


def apply_by_key(table: TableName, key: Sequence[str]) -> str:
    return _BY_KEY.format(table=table, columns=_columns(key))


def keep_newest(table: TableName, key: Sequence[str]) -> str:
    return _NEWEST.format(table=table, columns=_columns(key))


def refresh_token() -> str:
    return _TOKEN


def _columns(key: Sequence[str]) -> str:
    return ", ".join(f"row[{json.dumps(column)}]" for column in key or ("id",))
