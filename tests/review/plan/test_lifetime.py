"""Channels are left, clients made once, channels joined and lists read together, in the file's own style."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.review.inventory import Binding, Channel, Client, Deed, Effect, Scope, Text, Where
from helpers.review.plan.rewriting.coalescing import coalescing_edits
from helpers.review.plan.rewriting.lifetime import cleanup_edits, client_edits
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.sharing import sharing_edits
from tests.review.plan.code import at, edited, script

LEAK = """\
import { useEffect } from "react";
import { supabase } from "./supabase";

export function Bids() {
	useEffect(() => {
		supabase
			.channel("bids")
			.on("postgres_changes", { event: "*", schema: "public", table: "bids" }, add)
			.subscribe();
	}, []);
	return null;
}
"""
CHAIN = LEAK[LEAK.index("supabase\n") : LEAK.index(";\n	}, [])")]


def channel(text: str, statement: str, name: str = "", *, binding: int = 0) -> Channel:
    effect = text[text.index("useEffect(() =>") : text.index("])") + 2]
    chain = statement[statement.index("channel(") :]
    return Channel(
        Text("bids"),
        at(text, chain[: chain.index(")") + 1]),
        Where(),
        bindings=(Binding("postgres_changes", Text("*"), at(text, "on(", nth=binding), table=Text("bids")),),
        client="supabase",
        effect=Effect(at(text, effect), (), False),
        subscribed=at(text, "subscribe("),
        variable=name,
        statement=at(text, statement),
    )


def test_a_channel_is_removed_when_the_component_goes() -> None:
    """The chain gets a name and the effect a cleanup, with the tabs, quotes and semicolons of the file."""
    written = edited(LEAK, *cleanup_edits(script(LEAK), [channel(LEAK, CHAIN + ";")]))
    assert written == LEAK.replace("\t\tsupabase\n", "\t\tconst channel = supabase\n").replace(
        ".subscribe();\n", ".subscribe();\n\n\t\treturn () => {\n\t\t\tsupabase.removeChannel(channel);\n\t\t};\n"
    )


def test_a_channel_is_removed_in_the_cleanup_that_there_is() -> None:
    """What the effect already cleans up is cleaned up still."""
    text = LEAK.replace(
        "\t}, []);",
        "\t\tconst timer = setInterval(tick, 5);\n\t\treturn () => {\n\t\t\tclearInterval(timer);\n\t\t};\n\t}, []);",
    )
    written = edited(text, *cleanup_edits(script(text), [channel(text, CHAIN + ";")]))
    assert "return () => {\n\t\t\tsupabase.removeChannel(channel);\n\t\t\tclearInterval(timer);" in written


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("useEffect(() => {", "useEffect(async () => {", "asynchronous"),
        (".subscribe();\n", ".subscribe();\n\t\treturn stop;\n", "not written as a function here"),
        ("\t\tsupabase\n", "\t\tif (x) return stop;\n\t\tsupabase\n", "several places"),
    ],
)
def test_an_effect_that_cannot_be_added_to_is_left(old: str, new: str, reason: str) -> None:
    """An asynchronous effect, and one that returns something else, get advice and no edit."""
    text = LEAK.replace(old, new)
    effect = text[text.index("useEffect(") : text.index("])") + 2]
    found = channel(text.replace("async () =>", "() =>"), CHAIN + ";")
    with pytest.raises(Refused, match=reason):
        moved = Channel(
            **{name: getattr(found, name) for name in Channel.__slots__}
            | {"effect": Effect(at(text, effect), (), False), "statement": at(text, CHAIN + ";")}
        )
        cleanup_edits(script(text), [moved])


def test_hooks_of_other_frameworks_are_left() -> None:
    """What `onMounted` returns is no cleanup."""
    found = channel(LEAK, CHAIN + ";")
    with pytest.raises(Refused, match="not made in a `useEffect`"):
        cleanup_edits(script(LEAK.replace("useEffect(()", "onMounted(()")), [found])


CLIENT = """\
import { createClient } from '@supabase/supabase-js'

export function Tasks({ url }: { url: string }) {
  const supabase = createClient(import.meta.env.VITE_URL, import.meta.env.VITE_KEY, {
    realtime: { worker: true },
  })
  return supabase.channel('x')
}
"""


def client(text: str) -> Client:
    call = text[text.index("createClient(") : text.index("  return") - 1].rstrip()
    where = Where((Scope("component", "Tasks", at(text, "Tasks")),))
    return Client(at(text, call), where, name="supabase")


def test_a_client_is_made_once() -> None:
    """Its statement moves behind the imports, with as much indentation as there."""
    written = edited(CLIENT, *client_edits(script(CLIENT), client(CLIENT)))
    assert written.startswith(
        "import { createClient } from '@supabase/supabase-js'\n\n"
        "const supabase = createClient(import.meta.env.VITE_URL, import.meta.env.VITE_KEY, {\n"
        "  realtime: { worker: true },\n})\n\nexport function Tasks"
    )
    assert written.endswith("{ url: string }) {\n  return supabase.channel('x')\n}\n")


def test_a_client_of_a_component_stays_there() -> None:
    """What it is made of is known to the component alone."""
    text = CLIENT.replace("import.meta.env.VITE_URL", "url")
    with pytest.raises(Refused, match="only the component knows"):
        client_edits(script(text), client(text))


BOARD = """\
import { useEffect } from 'react'

export function Board() {
  useEffect(() => {
    const cards = supabase
      .channel('cards')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'cards' }, card)
      .subscribe()

    const labels = supabase
      .channel('labels')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'labels' }, label)
      .subscribe()

    return () => {
      supabase.removeChannel(cards)
      supabase.removeChannel(labels)
    }
  }, [])
}
"""


def board(text: str) -> list[Channel]:
    found = []
    for number, name in enumerate(("cards", "labels")):
        first = text.index(f"const {name}")
        statement = text[first : text.index("subscribe()", first) + len("subscribe()")]
        found.append(channel(text, statement, name, binding=number))
    return found


def test_channels_are_joined() -> None:
    """The bindings stay where they are, in one chain; what removed the second channel goes."""
    assert edited(BOARD, *sharing_edits(script(BOARD), board(BOARD))) == BOARD.replace(
        "\n      .subscribe()\n\n    const labels = supabase\n      .channel('labels')", ""
    ).replace("      supabase.removeChannel(labels)\n", "")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("\n    const labels", "\n    start()\n    const labels", "other statements"),
        ("(labels)\n", "(labels)\n      track(labels)\n", "something else"),
        ("label)\n      .subscribe()", "label)\n      .subscribe(told)", "different callbacks"),
    ],
)
def test_channels_that_differ_stay_apart(old: str, new: str, reason: str) -> None:
    """Anything else that is done with one of them keeps them as they are."""
    text = BOARD.replace(old, new)
    found = board(text.replace("subscribe(told)", "subscribe()"))
    if "told" in new:
        found = [*found[:1], board(text.replace("subscribe(told)", "subscribe()    "))[1]]
    with pytest.raises(Refused, match=reason):
        sharing_edits(script(text), found)


def test_channels_with_other_options_stay_apart() -> None:
    """A private channel is another one than a public channel."""
    cards, labels = board(BOARD)
    with pytest.raises(Refused, match="configured differently"):
        sharing_edits(script(BOARD), [cards, replace(labels, private=True)])


INBOX = """\
import { useEffect } from 'react'

export function Inbox() {
  const load = async () => {}
  useEffect(() => {
    load()
    const channel = supabase
      .channel('mails')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'mails' }, () => {
        load()
      })
      .subscribe()
    return () => { supabase.removeChannel(channel) }
  }, [])
}
"""


def test_a_list_is_read_once_for_changes_that_come_together() -> None:
    """The handler calls what runs once at a time; the first reading stays as it is."""
    deed = Deed("refetch", "load", at(INBOX, "load()", nth=1))
    written = edited(INBOX, *coalescing_edits(script(INBOX), [deed]))
    assert "function coalesced(work: () => unknown): () => Promise<void> {\n  let running = false\n" in written
    assert "    load()\n    const loadCoalesced = coalesced(load)\n    const channel = supabase" in written
    assert "() => {\n        loadCoalesced()\n      })" in written


def test_a_reading_with_arguments_stays() -> None:
    """A function that is given something reads not always the same."""
    text = INBOX.replace("        load()", "        load(payload)")
    with pytest.raises(Refused, match="arguments"):
        coalescing_edits(script(text), [Deed("refetch", "load", at(text, "load(payload)"))])
