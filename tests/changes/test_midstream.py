"""Rights that change while somebody listens hold from the next change on, however the log is read."""

from __future__ import annotations

from collections.abc import Sequence

from tests.changes.conftest import ALICE, Listener, Stage

NOTE = "id int primary key, user_id uuid, body text"
UNAUTHORIZED = ["Error 401: Unauthorized"]


class Witness:
    """Inserts rows one by one, each only when the last one has been decided on: the service role is told of all."""

    def __init__(self, stage: Stage, listener: Listener, all_seeing: Listener) -> None:
        self._stage = stage
        self._listener = listener
        self._all_seeing = all_seeing
        self._rows = 0

    @classmethod
    async def of(cls, stage: Stage, *, role: str = "authenticated") -> Witness:
        """Of the table `notes`, to which Alice listens in that role."""
        listener = await stage.listen(stage.binding("notes"), role=role, sub=ALICE)
        return cls(stage, listener, await stage.listen(stage.binding("notes"), role="service_role"))

    async def told_after(self, *statements: str) -> Sequence[object]:
        """What the listener is told of a row of Alice's that comes after these: its record, or errors; or nothing."""
        for statement in statements:
            await self._stage.sql(statement)
        before = len(self._listener.deliveries)
        self._rows += 1
        await self._stage.sql("insert into notes values (%s, %s, 'x')", self._rows, ALICE)
        await self._all_seeing.received(self._rows)
        return [change["errors"] or change["record"] for change in self._listener.changes[before:]]

    def row(self, *columns: str) -> dict[str, object]:
        """The last row, or these columns of it."""
        row = {"id": self._rows, "user_id": ALICE, "body": "x"}
        return {name: row[name] for name in columns or row}


async def test_a_privilege_that_is_revoked_and_given_again(stage: Stage) -> None:
    """Whoever may not select any more is told that there was a change that they may not see; then the rows again."""
    await stage.table("notes", NOTE)
    witness = await Witness.of(stage, role="anon")
    assert await witness.told_after() == [witness.row()]
    assert await witness.told_after("revoke select on notes from anon") == [UNAUTHORIZED]
    assert await witness.told_after("grant select on notes to anon") == [witness.row()]


async def test_a_privilege_on_columns(stage: Stage) -> None:
    """Columns come and go with the privilege to select them."""
    await stage.table("notes", NOTE)
    witness = await Witness.of(stage, role="anon")
    only_keys = ("revoke select on notes from anon", "grant select (id) on notes to anon")
    assert await witness.told_after(*only_keys) == [witness.row("id")]
    assert await witness.told_after("grant select (body) on notes to anon") == [witness.row("id", "body")]
    assert await witness.told_after("revoke select (body) on notes from anon") == [witness.row("id")]


async def test_a_policy_that_is_changed(stage: Stage) -> None:
    """A policy hides rows from the moment it is altered, and shows them again."""
    await stage.table("notes", NOTE)
    await stage.sql("alter table notes enable row level security")
    await stage.sql("create policy own on notes for select to authenticated using (user_id = auth.uid())")
    witness = await Witness.of(stage)
    assert await witness.told_after() == [witness.row()]
    assert await witness.told_after("alter policy own on notes using (false)") == []
    assert await witness.told_after("alter policy own on notes using (user_id = auth.uid())") == [witness.row()]
    assert await witness.told_after("drop policy own on notes") == []
    assert await witness.told_after("create policy everything on notes using (true)") == [witness.row()]


async def test_row_level_security_that_is_switched(stage: Stage) -> None:
    """Without any policy nobody is told of rows while it is on."""
    await stage.table("notes", NOTE)
    witness = await Witness.of(stage)
    assert await witness.told_after() == [witness.row()]
    assert await witness.told_after("alter table notes enable row level security") == []
    assert await witness.told_after("alter table notes disable row level security") == [witness.row()]


async def test_what_a_policy_asks_is_changed(stage: Stage) -> None:
    """A policy that looks into another table sees what was committed there before the row."""
    await stage.table("notes", NOTE)
    await stage.table("members", "user_id uuid primary key", publish=False)
    await stage.sql("alter table notes enable row level security")
    member = f"exists (select from {stage.name}.members m where m.user_id = auth.uid())"
    await stage.sql(f"create policy members on notes for select to authenticated using ({member})")
    witness = await Witness.of(stage)
    assert await witness.told_after() == []
    assert await witness.told_after(f"insert into members values ('{ALICE}')") == [witness.row()]
    assert await witness.told_after("delete from members") == []
