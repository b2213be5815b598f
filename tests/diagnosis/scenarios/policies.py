"""Scenarios of row-level security: whom policies let read, what they call, how they fail, what they cost."""

from __future__ import annotations

from dataclasses import replace

from helpers.diagnosis.results import Check, Status
from helpers.lab.keys import mint
from tests.diagnosis.scenarios.breaking import sql
from tests.diagnosis.scenarios.scenario import Scenario, look_at_catalogs
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted
OWN = f"alter policy own on {CHAT} using "
ROW = f"insert into {CHAT} (user_id, body) values (gen_random_uuid(), 'hello');"
MEMBERS = "create table clinic.members (room uuid, person uuid); grant select on clinic.members to authenticated;"


async def ask_with_a_foreign_token(ward: Ward) -> None:
    """A token whose `sub` is no uuid, as other services issue them."""
    token = mint(ward.lab.info["jwt_secret"], "authenticated", sub="user_2a9XyZ", lifetime_s=30 * 86_400)
    ward.target = replace(ward.target, publishable_key=token)
    await ward.sql(ROW)


async def make_the_function_fast(ward: Ward, check: Check) -> None:
    assert '"clinic"."slow"(of uuid)' in check.fix
    await ward.sql(
        "create or replace function clinic.slow(of uuid) returns boolean language sql stable as 'select true'"
    )


SCENARIOS = (
    Scenario(
        "rls_with_policy",
        "a restrictive policy alone",
        sql(
            f"drop policy own on {CHAT};"
            f"create policy narrow on {CHAT} as restrictive for select to authenticated using (true)"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "policies_in_force",
        "row-level security disabled for a while",
        sql(f"alter table {CHAT} disable row level security"),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "anon_sees_something",
        "subscribed before the token is set",
        sql(f"grant usage on schema clinic to anon; grant select on {CHAT} to anon"),
        look_at_catalogs,
        status=Status.NOTE,
    ),
    Scenario(
        "policies_wrapped",
        "auth.uid() for each row",
        sql(f"{OWN} (user_id = auth.uid())"),
        status=Status.WARNING,
    ),
    Scenario(
        "policies_wrapped",
        "a function of the project's own for each row",
        sql(
            """create function clinic."Current org"(text) returns uuid language sql stable as 'select null::uuid';"""
            f"""{OWN} (user_id = clinic."Current org"('a (b') and user_id = (select auth.uid()))"""
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "policies_from_claims",
        "a header of the request",
        sql(
            f"{OWN} (user_id = (select auth.uid()) and body is distinct from "
            "((select current_setting('request.headers', true))::json ->> 'x-org'))"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "policy_functions_see",
        "a function that asks its own policy",
        sql(
            f"{ROW} create function clinic.shared(of uuid) returns boolean language plpgsql stable as "
            f"$$ begin return exists (select from {CHAT} c where c.id = of); end $$;"
            f"{OWN} (user_id = (select auth.uid()) or clinic.shared(id))"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "policy_functions_see",
        "a function that sees what the caller sees",
        sql(
            f"{MEMBERS} alter table clinic.members enable row level security;"
            "create function clinic.my_rooms() returns setof uuid language sql stable as "
            "'select room from clinic.members where person = (select auth.uid())';"
            f"{OWN} (id in (select clinic.my_rooms()) or user_id = (select auth.uid()))"
        ),
        look_at_catalogs,
        status=Status.NOTE,
    ),
    Scenario(
        "policy_functions_path",
        "the owner's rights under any path",
        sql(
            "create function clinic.shared(of uuid) returns boolean language sql stable security definer as "
            f"'select true'; {OWN} (user_id = (select auth.uid()) or clinic.shared(id))"
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "policies_end",
        "a policy that reads its own table",
        sql(f"{OWN} (user_id in (select c.user_id from {CHAT} c where c.body = 'shared'))"),
        look_at_catalogs,
    ),
    Scenario("policies_take_sub", "a token of another service", ask_with_a_foreign_token, look_at_catalogs),
    Scenario(
        "policies_evaluate",
        "a table that the user may not read",
        sql(
            f"{MEMBERS} revoke select on clinic.members from authenticated;"
            f"{OWN} (user_id = (select auth.uid()) or id in (select m.room from clinic.members m))"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "policies_evaluate",
        "a setting that is not set",
        sql(f"{ROW} {OWN} (user_id = (select auth.uid()) or body = (select current_setting('clinic.room')))"),
        look_at_catalogs,
    ),
    Scenario(
        "policies_evaluate",
        "a function that the user may not call",
        sql(
            "create function clinic.shared(of uuid) returns boolean language sql stable as 'select true';"
            "revoke execute on function clinic.shared(uuid) from public;"
            f"{ROW} {OWN} (user_id = (select auth.uid()) or clinic.shared(id))"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "policy_columns_indexed",
        "no index on the owner's column",
        sql(
            f"insert into {CHAT} (user_id) select gen_random_uuid() from generate_series(1, 2000);"
            f'drop index clinic."Chat ""room"".1_user_id_idx"; analyze {CHAT}'
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "policies_cheap",
        "a look-up through a whole table",
        sql(
            f"{MEMBERS} insert into clinic.members select gen_random_uuid(), gen_random_uuid() "
            f"from generate_series(1, 20000); analyze clinic.members; {ROW}"
            f"{OWN} (user_id = (select auth.uid()) or (select count(*) from clinic.members m where m.room = id) > 1)"
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "policies_cheap",
        "a slow function",
        sql(
            "create function clinic.slow(of uuid) returns boolean language plpgsql stable as "
            "$$ begin perform pg_sleep(0.05); return true; end $$;"
            f"{ROW} {OWN} (user_id = (select auth.uid()) or clinic.slow(id))"
        ),
        look_at_catalogs,
        make_the_function_fast,
        Status.WARNING,
    ),
)
