"""What policies cost: what was put in is found, a row that comes to the wrong user is told, plans are read right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.errors import FailureError, SettingsError
from helpers.experiments import Experiment, Metric, Outcome, Size, run_rounds
from helpers.experiments.checks import CHANGES, change_us, claims_of
from helpers.experiments.claims import DIFFERENT, SAME, compare_claims
from helpers.experiments.own_rows import POLICIES, Policy
from helpers.experiments.policies import asked_at, compare_policies, cpu_at, latency_at
from helpers.experiments.policy_answer import policy_answer
from helpers.experiments.policy_plans import BY_KEY, explain_policies
from helpers.experiments.tables import own_function, own_table
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind
from tests.experiments.test_tables import left_over

BUSY = "(select count(*) from generate_series(1, 20000) n where n <> id) > 0"  # some 2 ms of CPU
OWN, DEAR = POLICIES[2], Policy("dear", f"user_id = (select auth.uid()) and {BUSY}")
OPEN = Policy("open to all", "true")


async def test_a_dear_policy_is_found_out(target: Target) -> None:
    """One that counts to 20,000 for each check is many times as dear: in the checks, and for the lab's database."""
    found = await compare_policies(target, policies=(OWN, DEAR), subscribers=(1, 2, 4), rounds=2)
    assert isinstance(found, Experiment)
    assert min(found.values("dear", asked_at(4))) > 5 * max(found.values(OWN.name, asked_at(4)))
    assert min(found.values("dear", cpu_at(4))) > 5 * max(found.values(OWN.name, cpu_at(4)))
    assert found.estimate("dear", latency_at(4)).mean > found.estimate(OWN.name, latency_at(4)).mean
    assert "dearest is “dear”" in found.answer
    assert [note for note in found.notes if "may not see" in note or "did not arrive" in note] == []
    assert [recording.lost for recording in found.recordings] == [0] * 4


async def test_whoever_sees_too_much_is_told(target: Target) -> None:
    """Rows of others that arrive are noted, as the arms could not be compared then."""
    found = await compare_policies(target, policies=(OPEN,), subscribers=(4,), rounds=1)
    assert isinstance(found, Experiment)
    assert any("came to somebody who may not see them" in note for note in found.notes)


@pytest.mark.parametrize("subscribers", [(0,), (1, 501)])
async def test_too_many_or_too_few_subscribers_are_refused(target: Target, subscribers: tuple[int, ...]) -> None:
    """Before anything is started."""
    with pytest.raises(SettingsError, match="subscribers are"):
        await compare_policies(target, subscribers=subscribers)
    with pytest.raises(SettingsError, match="subscribers is"):
        await compare_claims(target, subscribers=subscribers[-1])


async def test_a_project_is_skipped(target: Target) -> None:
    """Tokens of users can only be minted in the lab; plans need a database to write to."""
    project = replace(target, kind=TargetKind.HOSTED, writes_allowed=False)
    for found in (await compare_policies(project), await compare_claims(project), await explain_policies(project)):
        assert isinstance(found, Skipped)


async def test_one_token_for_all_spares_the_lab_its_questions(target: Target) -> None:
    """Everybody gets every row in both arms, and the answer says of whom it speaks."""
    found = await compare_claims(target, subscribers=12, rounds=2)
    assert isinstance(found, Experiment)
    assert {recording.received for recording in found.recordings} == {12 * 40}
    assert found.arms == (DIFFERENT, SAME)
    assert "The real server asks for each subscription" in found.answer


async def test_plans_say_what_was_done(target: Target) -> None:
    """A look through all members is named as such, in plain names; what was wrapped runs once."""
    found = await explain_policies(target, rounds=2)
    assert not isinstance(found, Skipped)
    bare, indexed = found.steps["exists, no index"][0], found.steps["exists, index"][0]
    assert "Seq Scan of members" in bare and "1,999 rows thrown away" in bare
    assert "by index" in indexed and "Seq Scan" not in indexed
    assert "asking each (user_id = auth.uid())" in found.steps["auth.uid()"][0]
    assert "InitPlan 1, once" in found.steps["(select auth.uid())"][1]
    assert "workbook_" not in str(found.steps) and "policy and filter" not in found.steps
    assert set(found.steps_frame().index) == set(found.experiment.arms)
    assert min(found.experiment.values("exists, no index", BY_KEY)) > 0
    assert await left_over(target) == []


async def test_a_failing_policy_is_told(target: Target) -> None:
    """The database's own sentence, and nothing is left."""
    broken = Policy("broken", "user_id = (select ('no uuid' || auth.uid())::uuid)")
    with pytest.raises(FailureError, match="invalid input syntax for type uuid"):
        await explain_policies(target, policies=(broken,), rounds=1)
    assert await left_over(target) == []


async def test_each_check_is_made_anew(target: Target) -> None:
    """A policy is asked once for each set of claims, under these claims, and the role is given back."""
    async with (
        own_table(target, loadable=False, columns={"who": "text"}, published=False) as log,
        own_function(
            target,
            "",
            "returns boolean language sql volatile security definer set search_path = ''"
            f" as $$insert into {log.quoted} (who) values (auth.uid()::text) returning true$$",
        ) as noted,
        own_table(target, policies=(f"{noted}()",), readers=("authenticated",), published=False) as table,
    ):
        await table.run(f"insert into {table.quoted} (seq) values (1)")
        users = ["00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"]
        assert await change_us(table, 1, claims_of([*users, *users])) > 0
        assert [row["who"] for row in await log.run(f"select who from {log.quoted} order by id")] == users * 2 * CHANGES
        assert (await table.run("select current_role::text as role"))[0]["role"] != "authenticated"


async def test_equal_policies_are_not_told_apart() -> None:
    """Where the interval holds no difference, the answer says so and names none."""
    cpu, asked = Metric(cpu_at(5), "µs a change"), Metric(asked_at(5), "µs a change")

    def arm(*values: float):  # type: ignore[no-untyped-def]
        async def run(number: int) -> Outcome:
            return Outcome({cpu.name: values[number], asked.name: values[number]})

        return run

    experiment = await run_rounds(
        "policies", "?", Target(TargetKind.LAB, "http://127.0.0.1:1", "sb_publishable_x"),
        {"auth.uid()": arm(10, 20, 30), "(select auth.uid())": arm(20, 10, 30.5)},
        metrics=(cpu, asked), rounds=3, size=Size.SMALL,
        answer=lambda found: policy_answer(found, cpu=cpu.name, asked=asked.name, subscribers=5),
    )  # fmt: skip
    assert experiment.answer.count("no difference shown") == 2
    assert "better" not in experiment.answer and "worse" not in experiment.answer
