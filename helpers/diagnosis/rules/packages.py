"""Rules about the versions that a project uses: client libraries, Prisma, Node."""

from __future__ import annotations

from helpers.diagnosis.evidence import Evidence, Missing
from helpers.diagnosis.evidence.packages import Package, Packages, version_key
from helpers.diagnosis.rules import project as needs
from helpers.diagnosis.rules.known_defects import DEFECTS, Defect
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

TIMED_OUT = "https://supabase.com/docs/guides/troubleshooting/realtime-connections-timed_out-status"
#: The first Node with a WebSocket of its own that is not experimental.
NODE_WITH_WEBSOCKET = 22


def javascript(evidence: Evidence) -> tuple[Package, ...] | Missing:
    """`realtime-js`, or `supabase-js` where nothing tells which one it brings."""
    return _first(evidence, "npm", ("@supabase/realtime-js", "@supabase/supabase-js"))


def python(evidence: Evidence) -> tuple[Package, ...] | Missing:
    return _first(evidence, "pypi", ("realtime", "supabase"))


def _first(evidence: Evidence, registry: str, names: tuple[str, ...]) -> tuple[Package, ...] | Missing:
    found = needs.packages(evidence)
    if isinstance(found, Missing):
        return found
    for name in names:
        if versions := found.versions(name, registry):
            return versions
    return Missing(_why_not(found, names[-1]))


def _why_not(packages: Packages, name: str) -> str:
    return packages.unread[0] if packages.unread else f"no lock file or exact pin names a version of {name}"


@rule(
    "The JavaScript client has no known defect",
    javascript,
    "https://github.com/supabase/supabase-js/releases",
    symptom="CHANNEL_ERROR after a sign-out, after an hour, or at once; a channel that is SUBSCRIBED and silent.",
    remedy="Update @supabase/supabase-js; it brings the realtime-js of the same version.",
    verify="`npm ls @supabase/realtime-js` shows one version, at least the one named here.",
    notes=(4, 6, 7, 13),
)
def client_javascript(found: tuple[Package, ...]) -> Verdict:
    """The client keeps the token and the bindings of every channel and joins again with them. Several versions have
    kept the wrong ones."""
    return _judged(found, "npm install @supabase/supabase-js@^{}")


@rule(
    "The Python client has no known defect",
    python,
    "https://github.com/supabase/supabase-py/blob/main/CHANGELOG.md",
    symptom="A channel that is subscribed and silent after a reconnect; changes with errors never reach the callback.",
    remedy="Update supabase; it brings the realtime of the same version.",
    verify="`python -m pip show realtime` shows at least the version named here.",
    notes=(47,),
)
def client_python(found: tuple[Package, ...]) -> Verdict:
    """The Python client follows the JavaScript one at a distance: reconnecting, refreshing tokens and errors within
    changes came late, and some of it has not come yet."""
    return _judged(found, 'pip install "supabase>={}"')


def _judged(found: tuple[Package, ...], install: str) -> Verdict:
    """A defect that a later version mends is a finding; one that none mends is only named."""
    oldest = found[0]
    known = [each for each in DEFECTS if each.registry == oldest.registry and each.affects(oldest.version)]
    mended = [each for each in known if each.fixed]
    seen = f"{oldest.name} {oldest.version} ({oldest.where})"
    if mended:
        newest = max((each.fixed for each in mended), key=version_key)
        return warning(seen, f"{oldest.name} {oldest.version}: {_harms(mended)}", install.format(newest))
    return ok(f"{seen}; in every version: {_harms(known)}" if known else seen)


def _harms(defects: list[Defect]) -> str:
    return "; ".join(f"{each.harm} ({each.source})" for each in defects)


@rule(
    "There is one realtime-js",
    javascript,
    "https://github.com/supabase/supabase-js/issues/1722",
    symptom="Two sockets to one project, tokens that reach only one of them, types that do not fit each other.",
    remedy="Let all packages want one version, and have the lock file written anew.",
    verify="`npm ls @supabase/realtime-js` shows one version.",
    notes=(12,),
)
def client_once(found: tuple[Package, ...]) -> Verdict:
    """A package that pins another version of supabase-js brings a second client with a socket, channels and a token of
    its own."""
    if len(found) == 1:
        return ok(f"{found[0].name} {found[0].version}")
    versions = listed(each.version for each in found)
    cause = f"{found[0].name} is there in {len(found)} versions, each with a socket and a token of its own"
    return warning(
        f"{versions} in {found[0].where}", cause, f"npm install {found[0].name}@{found[-1].version} && npm dedupe"
    )


def prisma_packages(evidence: Evidence) -> tuple[Package, Package] | Missing:
    """Command line and client, where both are resolved."""
    found = needs.packages(evidence)
    if isinstance(found, Missing):
        return found
    cli, client = found.versions("prisma"), found.versions("@prisma/client")
    return (cli[-1], client[-1]) if cli and client else Missing(_why_not(found, "prisma and @prisma/client"))


@rule(
    "prisma and @prisma/client have one version",
    prisma_packages,
    "https://github.com/prisma/prisma/issues/24382",
    symptom="`prisma generate` warns that the versions do not match; queries fail with errors of the engine.",
    remedy="Install both in the same version, and generate the client again.",
    verify="`npx prisma -v` shows the same version for both.",
)
def prisma_versions(found: tuple[Package, Package]) -> Verdict:
    """The command line generates the client's code and chooses its engine; the runtime is in the other package. Between
    versions their protocol changes."""
    cli, client = found
    if cli.version == client.version:
        return ok(f"both {cli.version}")
    newest = max(cli.version, client.version, key=version_key)
    cause = f"prisma is {cli.version}, @prisma/client is {client.version}"
    fix = f"npm install --save-dev prisma@{newest} && npm install @prisma/client@{newest} && npx prisma generate"
    return warning(f"{cause} ({cli.where})", f"{cause}: generated code and runtime do not fit", fix)


def node(evidence: Evidence) -> Packages | Missing:
    found = needs.packages(evidence)
    if isinstance(found, Missing):
        return found
    if not any(found.versions(name) for name in ("@supabase/supabase-js", "@supabase/realtime-js")):
        return Missing("the project does not use supabase-js")
    return found if found.node else Missing("the project does not say which Node it runs on")


@rule(
    "Node has a WebSocket",
    node,
    TIMED_OUT,
    symptom="On a server every subscription ends with TIMED_OUT, or the client says that native WebSocket support is "
    "missing; in the browser all is well.",
    remedy="Run on Node 22 or later, or give the client a WebSocket: `npm install ws`, `realtime: { transport: ws }`.",
    verify="`node -p 'typeof WebSocket'` says function.",
    notes=(3,),
)
def node_websocket(found: Packages) -> Verdict:
    """Since 2025 realtime-js takes the WebSocket of its platform and brings none. Node has one of its own since
    version 22."""
    old = [each for each in found.node if each.major < NODE_WITH_WEBSOCKET]
    seen = listed(f"{each.where}: {each.text}" for each in found.node)
    if not old:
        return ok(seen)
    if "ws" in found.declared:
        return ok(f"{seen}; ws is among the dependencies, to be given as realtime.transport")
    fixed = [each for each in old if each.exact]
    names = listed(f"{each.where} ({each.text})" for each in fixed or old)
    fix = f"{names}: {NODE_WITH_WEBSOCKET} or later; or npm install ws, and\n" + (
        "import ws from 'ws'\ncreateClient(url, key, { realtime: { transport: ws } })"
    )
    if not fixed:
        cause = f"{names}: on a Node without WebSocket subscriptions of a server time out"
        return note(seen, cause, fix)
    return failure(seen, f"{names} is a Node without WebSocket: subscriptions of a server time out", fix)


RULES = (client_javascript, client_python, client_once, prisma_versions, node_websocket)
