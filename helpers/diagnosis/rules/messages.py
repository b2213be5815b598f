"""Rules about realtime.messages: the policies of private channels, and the partitions that broadcasts need."""

from __future__ import annotations

from datetime import date, timedelta

from helpers.diagnosis.evidence import KEY_ROLES, Evidence, Messages, Missing, Policy
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import quoted

__all__ = ["RULES", "lets"]

AUTHORIZATION = "https://supabase.com/docs/guides/realtime/authorization"
ERROR_CODES = "https://github.com/supabase/realtime/blob/main/ERROR_CODES.md"
ROOMS = "((select realtime.topic()) like 'room:%')"
READ = f'create policy "read rooms" on realtime.messages for select to authenticated\n  using {ROOMS};'
WRITE = f'create policy "write rooms" on realtime.messages for insert to authenticated\n  with check {ROOMS};'


def messages(evidence: Evidence) -> Messages | Missing:
    found = needs.database(evidence)
    if isinstance(found, Missing):
        return found
    return found.messages or Missing("there is no table realtime.messages")


def lets(policies: tuple[Policy, ...], command: str) -> bool:
    """Whether a policy opens the command to one of the key's roles."""
    return any(
        policy.permissive and policy.command in ("ALL", command) and {"public", *KEY_ROLES} & set(policy.roles)
        for policy in policies
    )


@rule(
    "Private channels have policies",
    messages,
    AUTHORIZATION,
    symptom="“You do not have permissions to read from this Channel topic” for every private channel.",
    remedy="Create policies on realtime.messages: SELECT to join and receive, INSERT to send.",
    verify="A user's private channel is joined",
    notes=(30,),
)
def private_channels(found: Messages) -> Verdict:
    """For a private channel Realtime asks the policies of realtime.messages, with the topic in `realtime.topic()`.
    Without a policy nobody may join one; public channels are not concerned."""
    if found.policies:
        return ok(f"on realtime.messages: {listed(policy.name for policy in found.policies)}")
    cause = "There is no policy on realtime.messages: every join of a private channel is refused"
    return note("no policy on realtime.messages", cause, f"{READ}\n{WRITE}")


@rule(
    "Private channels can be read",
    messages,
    AUTHORIZATION,
    symptom="The join is refused although a policy lets the user send.",
    remedy="Add a policy for SELECT with the same condition.",
    verify="A user's private channel is joined",
    notes=(30,),
)
def topics_readable(found: Messages) -> Verdict:
    """Joining needs the right to read: a policy for INSERT alone opens nothing, as one must join before one sends."""
    if not found.policies or lets(found.policies, "SELECT"):
        return ok("a policy for SELECT, or none at all")
    cause = "The policies on realtime.messages let nobody read: every join of a private channel is refused"
    return warning(listed(f"{policy.name}: {policy.command}" for policy in found.policies), cause, READ)


@rule(
    "Private channels can be written to",
    messages,
    AUTHORIZATION,
    symptom="`send` of a member is answered with ok, or not at all, and nobody receives it; Presence is refused.",
    remedy="Add a policy for INSERT, unless only the database is to send.",
    verify="What one member sends another receives",
    notes=(30,),
)
def topics_writable(found: Messages) -> Verdict:
    """Sending needs a policy for INSERT. Without one a broadcast is dropped without a word, even with `ack`."""
    if not lets(found.policies, "SELECT") or lets(found.policies, "INSERT"):
        return ok("who may read may write too, or nobody may")
    cause = "Members may join private channels, and what they send there is dropped without a word"
    return note(listed(policy.name for policy in found.policies), cause, f"-- unless only the database sends\n{WRITE}")


@rule(
    "Policies of channels look at the topic",
    messages,
    AUTHORIZATION,
    symptom="Every signed-in user can join every private channel.",
    remedy="Compare `realtime.topic()` with what the user may see.",
    verify="A user is refused a channel that is not his",
    notes=(30,),
)
def topics_compared(found: Messages) -> Verdict:
    """One table holds the policies of all channels. A policy that looks neither at the topic nor at a column opens all
    of them, those of others too."""
    open_ones = [policy for policy in found.policies if policy.permissive and _opens_all(policy)]
    if not open_ones:
        return ok(f"{len(found.policies)} policies on realtime.messages")
    fix = "\n".join(_narrowed(policy) for policy in open_ones)
    cause = f"{listed(f'“{policy.name}”' for policy in open_ones)} opens every private channel to {_roles(open_ones)}"
    return note("a policy that is always true", cause, f"-- with the topics that are meant\n{fix}")


@rule(
    "Policies of channels are in force",
    messages,
    AUTHORIZATION,
    symptom="Everybody can join every private channel, and send there.",
    remedy="Enable row-level security on realtime.messages.",
    verify="A private channel without a fitting policy is refused",
)
def messages_secured(found: Messages) -> Verdict:
    """Private channels are kept by row-level security on realtime.messages alone. It is on when Realtime makes the
    table; a restore or a script can switch it off."""
    if found.rls:
        return ok("row-level security is on")
    cause = "Row-level security is off on realtime.messages: private channels are open to everybody"
    return failure("relrowsecurity is false", cause, "alter table realtime.messages enable row level security;")


@rule(
    "The key's roles reach realtime.messages",
    messages,
    AUTHORIZATION,
    symptom="Private channels are refused although the policies fit; “permission denied” in the log.",
    remedy="Grant usage of the schema realtime, and SELECT and INSERT on its messages.",
    verify="A user's private channel is joined",
    notes=(30, 36),
)
def messages_granted(found: Messages) -> Verdict:
    """Policies only narrow what grants allow. Realtime grants both when it makes its tables; scripts that revoke
    everything from anon and authenticated take them away."""
    closed = [role for role in KEY_ROLES if role not in found.select_roles or role not in found.insert_roles]
    if not closed:
        return ok("anon and authenticated may read and write it, as far as policies let them")
    names = ", ".join(closed)
    fix = f"grant usage on schema realtime to {names};\ngrant select, insert on realtime.messages to {names};"
    return warning(f"missing for {names}", f"{names} may not use realtime.messages: private channels are refused", fix)


@rule(
    "Messages have a partition for today",
    messages,
    ERROR_CODES,
    symptom="MissingPartition at the join of a private channel; `realtime.send` succeeds and sends nothing.",
    remedy="Let a client connect, whereupon Realtime makes the partitions of the next days, or make today's by hand.",
    verify="`select realtime.send('{}', 'test', 'test', false);` gives no warning",
    notes=(32,),
)
def messages_partitions(found: Messages) -> Verdict:
    """realtime.messages has a partition for each day (UTC), made some days ahead while somebody is connected. After a
    pause, or a script that dropped them, messages have nowhere to go, and `realtime.send` turns the error into a
    warning."""
    if not found.today and not found.tomorrow:
        return ok(f"partitions of {found.day} and the day after" if found.partitioned else "it is not partitioned")
    today = date.fromisoformat(found.day)
    if found.today:
        cause = f"realtime.messages has no partition for {today}: broadcasts from the database are lost"
        return failure(f"no partition {found.today}", cause, _partition(found.today, today))
    tomorrow = today + timedelta(days=1)
    cause = f"realtime.messages has no partition for {tomorrow} yet, when broadcasts from the database will be lost"
    return warning(f"no partition {found.tomorrow}", cause, _partition(found.tomorrow, tomorrow))


def _partition(name: str, day: date) -> str:
    return (
        "set role supabase_realtime_admin;\n"
        f"create table realtime.{quoted(name)} partition of realtime.messages\n"
        f"  for values from ('{day}') to ('{day + timedelta(days=1)}');\nreset role;"
    )


def _opens_all(policy: Policy) -> bool:
    return "true" in (policy.using, policy.check)


def _narrowed(policy: Policy) -> str:
    using = f"\n  using {ROOMS}" if policy.using else ""
    check = f"\n  with check {ROOMS}" if policy.check else ""
    return f"alter policy {quoted(policy.name)} on realtime.messages{using}{check};"


def _roles(policies: list[Policy]) -> str:
    return listed(dict.fromkeys(role for policy in policies for role in policy.roles))


RULES = (
    private_channels,
    topics_readable,
    topics_writable,
    topics_compared,
    messages_secured,
    messages_granted,
    messages_partitions,
)
