"""Every sentence of the server has one cause and one fix, wherever it was heard."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from helpers.diagnosis.evidence import Evidence, Heard, Missing, Place, Trial
from helpers.diagnosis.rules import judge
from helpers.diagnosis.rules.answers import ANSWER_IDS, RULES, answer_to
from tests.diagnosis.samples import connection, evidence, failed, live, token
from tests.diagnosis.sentences import SENTENCES

UNOPENED = Missing("the connection was not opened")


def given(heard: Heard) -> Evidence:
    """The evidence in which the server says this at this place, and all else is well."""
    if heard.place is Place.HANDSHAKE:
        body = json.dumps({"error": heard.sentence}) if heard.sentence else ""
        refused = connection(failed("HTTP upgrade", "status", body), status=heard.status, body=body)
        return evidence(connection=refused, live=UNOPENED, subscriptions=UNOPENED)
    if heard.place is Place.JOIN:
        return evidence(live=live(failed("join", "refused by the server"), join_reason=heard.sentence))
    return evidence(live=live(overheard=(heard.sentence,)))


@pytest.mark.parametrize(("rule_id", "heard", "fix"), SENTENCES, ids=[f"{row[0]}-{row[1].place}" for row in SENTENCES])
def test_a_sentence_is_one_finding(rule_id: str, heard: Heard, fix: str) -> None:
    """Exactly its rule fires, with the sentence as evidence and a fix for this project."""
    found = {check.id: check for check in judge(given(heard)) if check.is_finding}
    assert list(found) == [rule_id]
    assert heard.sentence in found[rule_id].evidence
    assert found[rule_id].cause
    assert fix in found[rule_id].fix
    assert "$host" not in found[rule_id].cause + found[rule_id].fix


#: Those that can be told from all others without their place.
TELLING = [row for row in SENTENCES if row[1].sentence and not row[1].sentence.startswith("You do not")]


@pytest.mark.parametrize(("rule_id", "heard"), [row[:2] for row in TELLING], ids=[row[0] for row in TELLING])
def test_a_sentence_that_somebody_has_read_is_explained(rule_id: str, heard: Heard) -> None:
    """A user who has a sentence from a log gets the same rule, without anything that was measured."""
    brought = evidence(heard=(Heard(Place.LOG, heard.sentence),))
    assert [check.id for check in judge(brought) if check.is_finding] == [rule_id]
    answer = answer_to(heard.sentence)
    assert answer is not None
    assert answer.id == rule_id


def test_every_answer_has_a_sentence() -> None:
    """No entry of the tables is without the words that it is for."""
    assert {row[0] for row in SENTENCES} == set(ANSWER_IDS)


def test_every_answer_has_its_page() -> None:
    """What one will see, why, what to do, and how to see that it worked."""
    lacking = [rule.id for rule in RULES if not (rule.symptom and rule.why and rule.remedy and rule.verify)]
    assert lacking == []


def test_an_operator_sets_limits_of_a_host_of_his_own() -> None:
    """Where there is no dashboard, the printed command names this very server, and its body is JSON."""
    own = connection(host="127.0.0.1", port=8000, secure=False)
    lab = evidence(connection=own, live=live(failed("join", "refused"), join_reason="Too many channels"))
    fix = next(check.fix for check in judge(lab) if check.id == "too_many_channels")
    assert "http://127.0.0.1:8000/realtime/v1/api/tenants/" in fix
    assert json.loads(fix.rpartition("-d '")[2].removesuffix("'")) == {"tenant": {"max_channels_per_client": 200}}


def test_an_unknown_sentence_is_nobodys() -> None:
    """What no table has is left to the general rule of the join."""
    assert answer_to("Something that no server says") is None
    found = [check.id for check in judge(given(Heard(Place.JOIN, "Something new"))) if check.is_finding]
    assert found == ["join_accepted"]


def test_what_the_token_got_as_an_answer_is_heard_too() -> None:
    """The join that was tried with the user's token speaks as the join with the key does."""
    refused = token(trial=Trial(False, "JwtSignatureError: Failed to validate JWT signature"))
    found = [check.id for check in judge(evidence(token=refused)) if check.is_finding]
    assert found == ["token_signature"]


def test_a_refused_subscription_to_all_tables_is_nobodys_wish() -> None:
    """A diagnosis that knows no table asks for all of `public`; that there is none is a warning, and no more."""
    said = SENTENCES[[row[0] for row in SENTENCES].index("unsubscribable")][1].sentence
    seen = evidence(live=live(failed("system ok", "refused"), system_message=said, table=""))
    assert [check.id for check in judge(seen) if check.is_finding] == ["changes_ready"]
    named = evidence(live=replace(live(failed("system ok", "refused")), system_message=said))
    assert [check.id for check in judge(named) if check.is_finding] == ["unsubscribable"]
