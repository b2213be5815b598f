"""Scenarios of the versions that a project uses."""

from __future__ import annotations

import json
import re
from copy import deepcopy

from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.application import LOCK, Application
from tests.diagnosis.scenarios.prisma import look_at_project, project
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]


def locked(**versions: str) -> str:
    """The lock file with other versions, by path below `node_modules`."""
    lock = deepcopy(LOCK)
    for path, version in versions.items():
        lock["packages"][f"node_modules/{path}"] = {"version": version}  # type: ignore[index]
    return json.dumps(lock)


async def install_as_printed(ward: Ward, check: Check) -> None:
    """What npm makes of the printed commands: these versions, and no second copy of a package."""
    wanted = dict(re.findall(r"(@?[\w/-]+)@\^?(\d+\.\d+\.\d+)", check.fix))
    if "@supabase/supabase-js" in wanted:
        wanted["@supabase/realtime-js"] = wanted["@supabase/supabase-js"]
    assert wanted, check.fix
    Application(ward).write("package-lock.json", locked(**wanted))


async def pip_install_as_printed(ward: Ward, check: Check) -> None:
    version = re.search(r'"supabase>=([\d.]+)"', check.fix)
    assert version is not None, check.fix
    Application(ward).write("requirements.txt", f"supabase=={version[1]}\nrealtime=={version[1]}\n")


async def newer_node(ward: Ward, check: Check) -> None:
    assert ".nvmrc" in check.fix and "22 or later" in check.fix
    Application(ward).write(".nvmrc", "v22.11.0\n")


JS = {"@supabase/supabase-js": "2.80.0", "@supabase/realtime-js": "2.80.0"}

SCENARIOS = (
    Scenario(
        "client_javascript",
        "a client with known defects",
        project(lambda application: application.write("package-lock.json", locked(**JS))),
        look_at_project,
        install_as_printed,
        Status.WARNING,
    ),
    Scenario(
        "client_python",
        "a Python client with known defects",
        project(lambda application: application.write("requirements.txt", "# pins\r\nrealtime==2.30.0\r\n")),
        look_at_project,
        pip_install_as_printed,
        Status.WARNING,
    ),
    Scenario(
        "client_once",
        "a package brings a second client",
        project(
            lambda application: application.write(
                "package-lock.json", locked(**{"widget/node_modules/@supabase/realtime-js": "2.118.0"})
            )
        ),
        look_at_project,
        install_as_printed,
        Status.WARNING,
    ),
    Scenario(
        "prisma_versions",
        "command line and client of two versions",
        project(lambda application: application.write("package-lock.json", locked(prisma="6.1.0"))),
        look_at_project,
        install_as_printed,
        Status.WARNING,
    ),
    Scenario(
        "node_websocket",
        "a Node without WebSocket",
        project(lambda application: application.write(".nvmrc", "lts/iron\n")),
        look_at_project,
        newer_node,
    ),
    Scenario(
        "node_websocket",
        "a Node without WebSocket is allowed",
        project(lambda application: application.replace("package.json", ">=22", "^20.9 || >=22")),
        look_at_project,
        lambda ward, check: _allow_newer(ward),
        Status.NOTE,
    ),
)


async def _allow_newer(ward: Ward) -> None:
    Application(ward).replace("package.json", "^20.9 || >=22", ">=22")
