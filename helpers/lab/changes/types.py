"""PostgreSQL types as far as a change's values need them: how a type's text becomes JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row

__all__ = ["PgType", "TypeCatalog"]


@dataclass(frozen=True, slots=True)
class PgType:
    """One type.

    Attributes:
        oid: of the type itself.
        name: as the payload's `columns` tell it, for example ``int8`` or ``_text``.
        sql_name: as SQL casts to it, schema-qualified where needed.
        base_name: the name below a domain, else `name`; built-in types only, others have an empty one.
        kind: `pg_type.typtype` below a domain: b(ase), e(num), c(omposite), r(ange), m(ultirange), p(seudo).
        element_oid: of an array's elements, else 0.
        has_json_cast: whether the database converts it to JSON by a cast of its own.
    """

    oid: int
    name: str
    sql_name: str
    base_name: str
    kind: str
    element_oid: int
    has_json_cast: bool


_TYPES = """
with recursive base(oid, root) as (
    select t.oid, t.oid from pg_type t where t.oid = any(%(oids)s)
    union all
    select b.oid, t.typbasetype from base b join pg_type t on t.oid = b.root where t.typtype = 'd'
)
select
    b.oid::bigint::int8 as oid,
    t.typname as name,
    format_type(t.oid, null) as sql_name,
    case when root.typnamespace = 'pg_catalog'::regnamespace then root.typname else '' end as base_name,
    root.typtype::text as kind,
    case when root.typcategory = 'A' and root.typlen = -1 and root.typdelim = ',' then root.typelem else 0 end::int8
        as element_oid,
    exists (
        select from pg_cast where castsource = root.oid and casttarget = 'json'::regtype and castmethod = 'f'
    ) as has_json_cast
from base b
join pg_type t on t.oid = b.oid
join pg_type root on root.oid = b.root
where root.typtype <> 'd'
"""


class TypeCatalog:
    """The types met so far. What it remembers of a type never changes while the type exists."""

    def __init__(self) -> None:
        self._known: dict[int, PgType] = {}

    async def describe(self, connection: AsyncConnection, oids: Iterable[int]) -> Mapping[int, PgType]:
        """At least these types, and the element types of arrays among them."""
        wanted = set(oids) - self._known.keys()
        while wanted:
            async with connection.cursor(row_factory=class_row(PgType)) as cursor:
                await cursor.execute(_TYPES, {"oids": sorted(wanted)})
                found = await cursor.fetchall()
            self._known |= {described.oid: described for described in found}
            wanted = {described.element_oid for described in found} - self._known.keys() - {0}
        return self._known
