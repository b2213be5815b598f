"""The statements that give a table what Realtime needs of it."""

from __future__ import annotations

from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.evidence.project import ModelTable

__all__ = ["grant_select", "make_policies", "publish", "publish_once", "set_identity", "set_up_again"]


def set_up_again(table: ModelTable) -> str:
    """All that the table has now, as statements."""
    parts = [publish(table.name)]
    parts += [set_identity(table)] if table.replica_identity == "full" else []
    parts += [grant_select(table)] if table.select_roles else []
    parts += [make_policies(table)] if table.policies else []
    return "\n".join(parts)


def publish(name: TableName) -> str:
    return f"alter publication supabase_realtime add table {name.quoted};"


def publish_once(name: TableName) -> str:
    """For a migration: it also runs where the table is published already, and in a shadow database without Realtime."""
    return (
        "do $$ begin\n"
        "  if exists (select from pg_publication where pubname = 'supabase_realtime') and not exists (\n"
        "    select from pg_publication_tables where pubname = 'supabase_realtime'\n"
        f"      and schemaname = {_text(name.schema)} and tablename = {_text(name.table)}\n"
        "  ) then\n"
        f"    {publish(name)}\n"
        "  end if;\n"
        "end $$;"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def set_identity(table: ModelTable) -> str:
    return f"alter table {table.name.quoted} replica identity full;"


def grant_select(table: ModelTable) -> str:
    return f"grant select on table {table.name.quoted} to {', '.join(table.select_roles)};"


def make_policies(table: ModelTable) -> str:
    lines = [f"alter table {table.name.quoted} enable row level security;"] if table.rls else []
    for policy in table.policies:
        name = '"' + policy.name.replace('"', '""') + '"'
        using = f"\n  using ({policy.using})" if policy.using else ""
        check = f"\n  with check ({policy.check})" if policy.check else ""
        to = ", ".join(policy.roles)
        lines.append(f"drop policy if exists {name} on {table.name.quoted};")
        lines.append(f"create policy {name} on {table.name.quoted} for {policy.command.lower()} to {to}{using}{check};")
    return "\n".join(lines)
