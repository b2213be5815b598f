"""Rules about sentences of the server: each names its cause and what to do, from tables.

The tables are in `sentences`; here is what makes a rule of each entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from string import Template

from helpers.diagnosis.evidence import Heard, Place, TableName
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.needs import Ear
from helpers.diagnosis.rules.rule import Rule, Verdict, ok
from helpers.diagnosis.rules.sentences import ANSWERS, Answer
from helpers.diagnosis.rules.sentences.prose import readable

__all__ = ["ANSWER_IDS", "RULES", "answer_to", "says"]

#: Hosts of the hosted service, where limits are set in the dashboard; elsewhere an operator sets them over HTTP.
HOSTED = (".supabase.co", ".supabase.in")


def answer_to(sentence: str) -> Answer | None:
    """The table's entry for what somebody has heard, wherever that was."""
    return next((each for each in ANSWERS if each.matches(Heard(Place.LOG, sentence))), None)


def says(rule_id: str) -> str:
    """The words of the server by which a rule recognises it; empty for a rule that does not listen."""
    return next((readable(answer.words) for answer in ANSWERS if answer.id == rule_id), "")


def _rule(answer: Answer) -> Rule[Ear]:
    def judge(ear: Ear) -> Verdict:
        found = next((heard for heard in ear.heard if answer.matches(heard)), None)
        return ok("the server did not say so") if found is None else _verdict(answer, found, ear)

    return Rule(
        answer.id,
        answer.title,
        needs.heard,
        judge,
        answer.source,
        answer.symptom,
        answer.why,
        answer.remedy or answer.fix,
        answer.verify,
        answer.follows,
        answer.notes,
    )


def _verdict(answer: Answer, heard: Heard, ear: Ear) -> Verdict:
    words = _words(answer, heard, ear)
    of_key = heard.place is Place.HANDSHAKE
    cause = (of_key and answer.key_cause) or answer.cause
    fix = (of_key and answer.key_fix) or answer.fix
    if answer.tenant:
        fix = f"{fix}\n{_setting(answer, ear)}"
    said = heard.sentence or f"HTTP {heard.status} without a word"
    return Verdict(
        answer.status,
        f"{said} ({heard.place.value})",
        Template(cause).safe_substitute(words),
        Template(fix).safe_substitute(words),
    )


def _words(answer: Answer, heard: Heard, ear: Ear) -> dict[str, str]:
    """What the sentence names, as it is and as SQL needs it, and where this project is."""
    found = re.search(answer.words, heard.sentence)
    named = {name: text or "…" for name, text in (found.groupdict() if found else {}).items()}
    words = {"host": ear.host, "origin": ear.origin, "project": ear.host.split(".")[0]} | named
    words |= {f"{name}_sql": _literal(text) for name, text in named.items()}
    if "schema" in named:
        words["quoted"] = TableName(named["schema"], named.get("table", "")).quoted
    return words


def _setting(answer: Answer, ear: Ear) -> str:
    """Where the limit or switch is set, for this very project."""
    if ear.host.endswith(HOSTED):
        return f"https://supabase.com/dashboard/project/{ear.host.split('.')[0]}/realtime/settings: {answer.dashboard}"
    body = json.dumps({"tenant": dict(answer.tenant)})
    return (
        f"curl -X PUT {ear.origin}/realtime/v1/api/tenants/realtime -H 'Content-Type: application/json' "
        f"-H \"Authorization: Bearer $SERVICE_ROLE_KEY\" -d '{body}'"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def heard_in(sentences: Sequence[str]) -> tuple[Heard, ...]:
    """What a user has read somewhere."""
    return tuple(Heard(Place.LOG, sentence) for sentence in sentences)


RULES = tuple(map(_rule, ANSWERS))
ANSWER_IDS = tuple(answer.id for answer in ANSWERS)
