"""What a query costs somebody: its plan, under role and claims as Realtime and the REST API set them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

__all__ = ["EXPLAIN", "Node", "Plan", "become"]

#: Asks for what `Plan.read` reads. Without the times of single nodes, which cost more than small nodes do.
EXPLAIN = "explain (analyze, verbose, timing off, format json)"


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a plan that was carried out.

    Attributes:
        kind: for example ``Seq Scan``. schema, table: what it looks at, empty if that is no table.
        index: that it uses, empty for none. filter: what each row was asked, empty for nothing.
        part: the name of the InitPlan or SubPlan that it is the top of, empty for other nodes.
        loops: how often it ran. rows: it gave, all loops together. thrown_away: rows that the filter refused.
    """

    kind: str
    schema: str
    table: str
    index: str
    filter: str
    part: str
    loops: int
    rows: int
    thrown_away: int

    @classmethod
    def read(cls, node: Mapping[str, Any]) -> Node:
        """From PostgreSQL's JSON, where counts are means over the loops."""
        loops = int(node.get("Actual Loops", 1))
        return cls(
            kind=node.get("Node Type", ""),
            schema=node.get("Schema", ""),
            table=node.get("Relation Name", ""),
            index=node.get("Index Name", ""),
            filter=node.get("Filter", ""),
            part=node.get("Subplan Name", ""),
            loops=loops,
            rows=round(node.get("Actual Rows", 0) * loops),
            thrown_away=round(node.get("Rows Removed by Filter", 0) * loops),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that was carried out, its nodes from the top down."""

    planning_ms: float
    execution_ms: float
    nodes: tuple[Node, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Plan:
        """The one element of what EXPLAIN gives as JSON."""
        nodes = tuple(map(Node.read, _walk(document.get("Plan", {}))))
        return cls(document.get("Planning Time", 0.0), document.get("Execution Time", 0.0), nodes)


async def become(connection: AsyncConnection[Any], role: str, claims: str, *, limit_ms: int) -> None:
    """Take a role and claims (JSON) until the transaction ends, as Realtime does before it asks a policy.

    Raises:
        psycopg.Error: the connection's own role may not become this one.
    """
    await connection.execute(
        "select set_config('search_path', 'public, extensions', true), set_config('role', %s, true),"
        " set_config('request.jwt.claims', %s, true), set_config('statement_timeout', %s, true)",
        [role, claims, str(limit_ms)],
    )


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if node:
        yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)
