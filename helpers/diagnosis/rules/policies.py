"""Rules about row-level security: whom policies let read."""

from __future__ import annotations

from helpers.diagnosis.evidence import KEY_ROLES, Policy, Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import names, per_table

__all__ = ["RULES", "lets_read"]

LINTER = "https://supabase.com/docs/guides/database/database-advisors"
ENABLE = "alter table {} enable row level security;"
READ_OWN = (
    'create policy "read own" on {} for select to authenticated\n  using (user_id = (select auth.uid()));'
    "  -- the column that names the owner"
)


def lets_read(policy: Policy, *roles: str) -> bool:
    """Whether a policy opens rows for reading to one of these roles (of the key's roles without any)."""
    meant = {"public", *(roles or KEY_ROLES)}
    return policy.permissive and policy.command in ("ALL", "SELECT") and bool(meant & set(policy.roles))


@rule(
    "Row-level security lets somebody read",
    needs.published_tables,
    "https://github.com/supabase/supabase/issues/35195",
    symptom="Once row-level security is on, INSERT and UPDATE arrive nowhere; DELETE still does.",
    remedy="Create a permissive policy for SELECT, for the role that subscribes.",
    verify="Under `set local role authenticated` and the user's claims, SELECT finds the row",
    notes=(23, 24),
)
def rls_with_policy(tables: tuple[Table, ...]) -> Verdict:
    """Row-level security hides every row that no policy shows. Policies for INSERT do not show rows, restrictive ones
    only narrow what others show, and those for other roles do not count."""
    closed = [table for table in tables if table.rls and not any(map(lets_read, table.policies))]
    if not closed:
        return ok(
            f"{sum(table.rls for table in tables)} of {len(tables)} tables with row-level security, each readable"
        )
    cause = f"No policy lets anybody SELECT from {names(closed)}: INSERT and UPDATE reach nobody, only DELETE does"
    return failure(f"no SELECT policy on {names(closed)}", cause, per_table(closed, READ_OWN))


@rule(
    "Policies are in force",
    needs.published_tables,
    LINTER,
    symptom="Everybody sees every row and every change, although there are policies.",
    remedy="Enable row-level security on the table.",
    verify="relrowsecurity is true in pg_class",
)
def policies_in_force(tables: tuple[Table, ...]) -> Verdict:
    """A policy does nothing until row-level security is enabled on its table. A dump that was restored in parts, or a
    migration that disabled it for a while, leaves the policies standing there without an effect."""
    idle = [table for table in tables if table.policies and not table.rls]
    if not idle:
        return ok("no table has policies that are not in force")
    cause = f"{names(idle)} has policies, and row-level security is off: they hide nothing"
    return warning(f"policies without effect on {names(idle)}", cause, per_table(idle, ENABLE))


@rule(
    "Row-level security is on where a key can read",
    needs.users_tables,
    LINTER,
    symptom="Whoever opens the page, signed in or not, receives all changes.",
    remedy="Enable row-level security, and write policies for whom the rows are meant.",
    verify="As anon, SELECT finds only what everybody may see",
    follows=("policies_in_force",),
)
def rls_enabled(tables: tuple[Table, ...]) -> Verdict:
    """The publishable key is in every page. What the role anon may SELECT, without row-level security, everybody
    reads, and subscribes to."""
    open_ones = [table for table in tables if not table.rls and "anon" in table.select_roles]
    if not open_ones:
        return ok(names(tables))
    cause = f"Everybody who has the publishable key reads every row and every change of {names(open_ones)}"
    evidence = f"anon may read {names(open_ones)}, and row-level security is off"
    return warning(evidence, cause, per_table(open_ones, f"{ENABLE}\n{READ_OWN}"))


@rule(
    "A subscription without a user says so",
    needs.published_tables,
    "https://github.com/supabase/realtime/issues/213",
    symptom="Only DELETE events arrive.",
    remedy="Set the user's token before the subscription: `supabase.realtime.setAuth(token)`.",
    verify="The channel's claims have the role authenticated, and INSERT arrives",
    notes=(6, 23),
)
def anon_sees_something(tables: tuple[Table, ...]) -> Verdict:
    """Until the user's token is set, a subscription acts as anon. If anon may SELECT but no policy shows it a row, it
    is subscribed, INSERT and UPDATE are withheld, and DELETE, about which no policy is asked, arrives."""
    blind = [table for table in tables if _blind(table)]
    if not blind:
        return ok("where anon may read, a policy shows it something")
    seen = listed(f"{table.name}: policies for others than anon only" for table in blind)
    cause = f"Who subscribes to {names(blind)} with the key alone, before the user's token is set, gets DELETEs only"
    fix = (
        "-- in the client, before it subscribes: await supabase.realtime.setAuth(session.access_token)\n"
        "-- so that a subscription without it says “Error 401” instead of keeping silent:\n"
        + per_table(blind, "revoke select on {} from anon;")
    )
    return note(seen, cause, fix)


def _blind(table: Table) -> bool:
    others = any(lets_read(policy) for policy in table.policies)
    return (
        table.rls and others and "anon" in table.select_roles and not any(lets_read(p, "anon") for p in table.policies)
    )


RULES = (rls_with_policy, policies_in_force, rls_enabled, anon_sees_something)
