"""What a process pays for that imports the workbook: nothing for what it does not use."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.lazy import lazy_exports

LAZY = (
    "helpers.capacity",
    "helpers.diagnosis",
    "helpers.experiments",
    "helpers.profiling",
    "helpers.profiling.receiving",
    "helpers.profiling.workloads",
    "helpers.sync",
)
#: What starts often, as a command or in a process of its own, and can show a table when somebody asks for one.
STARTED = (
    "helpers.diagnosis.diagnosing",
    "helpers.doctor",
    "helpers.lab.process",
    "helpers.run",
    "helpers.session",
    "helpers.sync.batching",
    "helpers.sync.experiment",
)
#: Packages that take a process a tenth of a second and more to import.
HEAVY = {"IPython", "aiohttp", "distributed", "matplotlib", "numpy", "pandas", "psycopg", "pyarrow", "seaborn"}
#: What a writer or listener of load needs not, of which there may be dozens on a machine.
FOR_READERS = {"IPython", "distributed", "matplotlib", "pandas", "pyarrow", "seaborn"}
WORKERS = (
    "helpers.capacity.listener",
    "helpers.experiments.keepalive_watcher",
    "helpers.experiments.webhook_process",
    "helpers.probes.crowd",
    "helpers.profiling.receiving.member",
    "helpers.profiling.workloads.process",
    "helpers.stream.sender",
)


def packages_after(module: str) -> set[str]:
    """The packages that a fresh process has imported after this module."""
    code = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def shown_to_mypy(package: str) -> dict[str, str]:
    """The imports that only a checker of types sees: names, and the modules that have them."""
    file = importlib.import_module(package).__file__
    assert file is not None
    nodes = ast.walk(ast.parse(Path(file).read_text()))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module is not None]
    own = [node for node in imports if node.module is not None and node.module.startswith(f"{package}.")]
    return {alias.name: str(node.module) for node in own for alias in node.names}


@pytest.mark.parametrize("package", [*LAZY, "helpers.cli"])
def test_a_package_alone_costs_nothing(package: str) -> None:
    """Importing a package of many parts, or the commands, imports no package of others that is heavy."""
    assert packages_after(package) & HEAVY == set()


@pytest.mark.parametrize("module", [*WORKERS, *STARTED])
def test_processes_import_nothing_for_readers(module: str) -> None:
    """A worker process, a command or a lab imports nothing that draws, tabulates or schedules."""
    assert packages_after(module) & FOR_READERS == set()


@pytest.mark.parametrize("package", [*LAZY, "helpers.plots"])
def test_names_are_those_that_types_are_checked_with(package: str) -> None:
    """Each name of a lazy package is there, and is what the checker of types takes it for."""
    module = importlib.import_module(package)
    shown = shown_to_mypy(package)
    assert sorted(shown) == sorted(module.__all__)
    for name, part in shown.items():
        assert getattr(module, name) is getattr(importlib.import_module(part), name)


@pytest.mark.parametrize("package", LAZY)
def test_no_part_has_the_name_of_an_export(package: str) -> None:
    """A part that is imported becomes an attribute of its package, and would hide an export of its name."""
    module = importlib.import_module(package)
    parts = {part.name for part in pkgutil.iter_modules(module.__path__)}
    assert parts & set(module.__all__) == set()


def test_a_run_imports_jupyter_without_a_grammar_of_addresses() -> None:
    """It takes longer to build than all else; what needs it afterwards still finds it."""
    code = (
        "import sys\n"
        "from helpers.run.light import without_address_grammar\n"
        "with without_address_grammar():\n"
        "    import helpers.run.workbook\n"
        "print(*sorted({'lark', 'nbformat', 'jsonschema', 'rfc3987_syntax'} & set(sys.modules)))\n"
        "import rfc3987_syntax\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["jsonschema", "nbformat"]


def test_a_name_that_is_not_there() -> None:
    """A lazy package says what it has not in the words of any module."""
    with pytest.raises(ImportError, match="cannot import name 'compare_nothing'"):
        exec("from helpers.experiments import compare_nothing")
    with pytest.raises(AttributeError, match=r"'some\.package' has no attribute 'other'"):
        lazy_exports("some.package", {"part": ("name",)})("other")
