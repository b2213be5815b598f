"""An inventory as rules ask about it: who listens to what, and what is known of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from helpers.review.database.facts import TableFacts
from helpers.review.inventory import Binding, Channel, FileFacts, Handler, Inventory, Rendering, Text

__all__ = ["SCRIPTS", "Change", "Listening", "Reviewed", "bare", "exact", "is_client_side", "is_react", "snake"]

#: Languages of realtime-js.
SCRIPTS = frozenset({"typescript", "tsx", "javascript", "jsx", "vue", "svelte"})
#: What a file of React imports; with JSX and none of the others it is React as well.
_REACT = re.compile(r"(?:react|preact|next)(?:$|[/-])")
_NOT_REACT = re.compile(r"(?:vue|@vue|svelte|solid-js|@angular|@builder\.io/qwik|nuxt|#)(?:$|[/-])?")
_TEST = re.compile(r"(?:^|/)(?:__tests__|__mocks__|tests?|e2e)/|\.(?:test|spec|stories)\.\w+$")


@dataclass(frozen=True, slots=True)
class Listening:
    """One binding, and where it belongs."""

    file: FileFacts
    channel: Channel
    binding: Binding

    @property
    def handler(self) -> Handler:
        """What it calls; an empty one where that could not be found."""
        return self.binding.handler or Handler(self.binding.place, complete=False)

    @property
    def language(self) -> str:
        return self.file.language


@dataclass(frozen=True, slots=True)
class Change(Listening):
    """A binding of postgres_changes.

    Attributes:
        facts: what the code base says of the table; None if it does not declare it.
    """

    facts: TableFacts | None = None

    @property
    def table(self) -> str:
        """The table's name; empty if the code does not show it, or means all tables."""
        name = exact(self.binding.table)
        return "" if name == "*" else name

    @property
    def schema(self) -> str:
        return exact(self.binding.schema) or "public"

    @property
    def event(self) -> str:
        """In capitals; ``*`` without one, empty if the code computes it."""
        return self.binding.event.value.upper() if self.binding.event.exact else ""

    @property
    def identity(self) -> frozenset[str] | None:
        """The columns of an old row that the log has; None if the code does not show it."""
        facts = self.facts
        if facts is None or not facts.whole:
            return None
        if facts.identity == "full":
            return frozenset(each.name for each in facts.columns)
        if facts.identity == "nothing":
            return frozenset()
        return frozenset(facts.primary_key) if facts.identity == "default" and facts.primary_key is not None else None

    @property
    def deletes(self) -> bool:
        """Whether it is there for deletions: by its event, or because its handler tests for them."""
        return self.event == "DELETE" or (self.event == "*" and "DELETE" in self.handler.events)


class Reviewed:
    """What rules ask of an inventory; made once for all of them."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.files = {file.path: file for file in inventory.files}

    @cached_property
    def channels(self) -> tuple[tuple[FileFacts, Channel], ...]:
        """Each channel with its file, those of tests left out: what a test leaves open ends with it."""
        return tuple(
            (file, channel) for file in self.inventory.files if not _TEST.search(file.path) for channel in file.channels
        )

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        return tuple(self._changes())

    @cached_property
    def changes_of(self) -> dict[str, list[Change]]:
        """Those of each file, by its path."""
        found: dict[str, list[Change]] = {}
        for change in self.changes:
            found.setdefault(change.file.path, []).append(change)
        return found

    @cached_property
    def tables_alike(self) -> dict[tuple[str, str], list[TableFacts]]:
        """Tables by schema and name, the name without capitals, word marks and plural."""
        found: dict[tuple[str, str], list[TableFacts]] = {}
        for table in self.inventory.database.tables:
            found.setdefault((table.schema, bare(table.name)), []).append(table)
        return found

    @cached_property
    def subscribed(self) -> dict[tuple[str, str], list[Change]]:
        """Who listens to each table, by schema and name, in the order of the files."""
        found: dict[tuple[str, str], list[Change]] = {}
        for change in self.changes:
            if change.table:
                found.setdefault((change.schema, change.table), []).append(change)
        return found

    def declared(self, *, by_users: bool = False) -> Iterator[tuple[TableFacts, Change]]:
        """The tables that are declared and listened to, each with the first who does.

        Args:
            by_users: only listeners that policies are asked for; a server's key passes them by.
        """
        for changes in self.subscribed.values():
            asked = [each for each in changes if not (by_users and self._has_secret_key(each))]
            if asked and asked[0].facts is not None:
                yield asked[0].facts, asked[0]

    def _has_secret_key(self, change: Change) -> bool:
        """Whether the client of a channel was made with a key that passes row-level security by."""
        root = change.channel.client.partition(".")[0]
        homes = [change.file.path, *(each.file for each in change.file.imports if each.name == root)]
        clients = [client for home in homes if home in self.files for client in self.files[home].clients]
        named = [client for client in clients if client.name == root] or (clients if len(clients) == 1 else [])
        return any(client.key_kind in ("service_role", "secret") for client in named)

    @cached_property
    def shown(self) -> dict[str, list[tuple[FileFacts, Rendering]]]:
        """Where components are shown once per row, by their names there."""
        found: dict[str, list[tuple[FileFacts, Rendering]]] = {}
        for file in self.inventory.files:
            for each in file.rendered:
                if each.where.in_loop is not None:
                    found.setdefault(each.component, []).append((file, each))
        return found

    def of_model(self, model: str) -> TableFacts | None:
        """The table of a Prisma model, by its name or by the client's property of it."""
        wanted = model.lower()
        return next(
            (each for each in self.inventory.database.tables if each.model and each.model.lower() == wanted), None
        )

    def _changes(self) -> Iterator[Change]:
        for file, channel in self.channels:
            for binding in channel.bindings:
                if binding.kind == "postgres_changes":
                    yield Change(file, channel, binding, self._facts(binding))

    def _facts(self, binding: Binding) -> TableFacts | None:
        table, schema = exact(binding.table), exact(binding.schema) or "public"
        return self.inventory.database.table(table, schema) if table else None


def exact(text: Text | None) -> str:
    """The text if the code shows it as the application uses it; else nothing."""
    return text.value if text is not None and text.exact else ""


def is_react(file: FileFacts) -> bool:
    """Whether components of the file run again with each render."""
    modules = [each.module for each in file.imports]
    if any(_NOT_REACT.match(module) for module in modules):
        return False
    if any(_REACT.match(module) for module in modules):
        return file.language in SCRIPTS - {"vue", "svelte"}
    return file.path.endswith((".tsx", ".jsx"))


def is_client_side(file: FileFacts) -> bool:
    """Whether it surely runs in a browser."""
    hooks = {"useState", "useEffect", "useRef", "useLayoutEffect", "useReducer"}
    used = any(each.imported in hooks for each in file.imports)
    return file.server is False or (file.server is None and used)


def bare(name: str) -> str:
    """A name without capitals, word marks and plural."""
    return re.sub(r"\W|_", "", name).lower().removesuffix("s")


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
