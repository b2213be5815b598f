"""The `workbook` command: parses arguments, hands over, and prints an error as its sentence and its advice."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.errors import WorkbookError

__all__ = ["main"]

#: What a shell calls a process that was interrupted: 128 + SIGINT.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 (the world), 2 (the input) or 130 (interrupted)."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except WorkbookError as error:
        _print_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started has been stopped.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbook", description="Diagnose, profile and repair Supabase Realtime + Prisma applications."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_doctor(commands)
    _add_explain(commands)
    _add_lab(commands)
    _add_review(commands)
    _add_typescript(commands)
    _add_watch(commands)
    _add_alerts(commands)
    _add_compare(commands)
    _add_new_workshop(commands)
    _add_site(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run the notebooks and write the report")
    run.add_argument(
        "--target",
        choices=("lab", "env"),
        help="the embedded lab, or the project that .env names (default: .env if it names one, else the lab)",
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="where report and notebooks go (default: output)")
    run.add_argument(
        "--notebooks", type=Path, metavar="DIR", help="the notebooks to run (default: those of the workbook)"
    )
    run.add_argument(
        "--all", action="store_true", help="also those that the report does not need: the experiments (some minutes)"
    )
    run.add_argument(
        "--size",
        metavar="SIZE",
        help="of the experiments, small or full (default: WORKBOOK_SIZE, else small); naming it asks for --all",
    )
    run.set_defaults(run=_run)


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what is wrong with a project, and how to mend it",
        description="Look at every layer from DNS to the first delivered change, judge it, and print cause and fix; "
        "the first line is the first cause on the way. A project is only read.",
        epilog="exit codes: 0 nothing is wrong (notes may be told), 1 something does not work, 2 an option or .env "
        "cannot be used, 3 everything works but something will hurt (warnings), 130 interrupted",
    )
    doctor.add_argument(
        "--target",
        choices=("lab", "env"),
        help="the embedded lab, or the project that .env names (default: .env if it names one, else the lab)",
    )
    doctor.add_argument(
        "--table", action="append", metavar="NAME", help="look at this table (repeat it; default: all published ones)"
    )
    doctor.add_argument("--project", type=Path, metavar="DIR", help="read the Prisma schema and packages there too")
    doctor.add_argument("--repeats", type=int, default=3, metavar="N", help="how often the way is taken (default: 3)")
    doctor.add_argument("--watch", type=float, metavar="SECONDS", help="then stay connected and watch for so long")
    doctor.add_argument("--all", action="store_true", help="print also what is fine and what could not be checked")
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    doctor.add_argument("--json-schema", action="store_true", help="print the JSON Schema of that document, and end")
    doctor.set_defaults(run=_doctor)


def _add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = commands.add_parser(
        "explain",
        help="explain a message, a symptom or a rule",
        description="Print the pages about a message of the server (in quotes), a symptom in your own words, or a "
        "rule's name; without any, the list of all rules. Needs no target. Exit code 1 if no page fits.",
    )
    explain.add_argument("text", nargs="*", metavar="TEXT", help="such as CHANNEL_ERROR, or tables_published")
    explain.set_defaults(run=_explain)


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lab = commands.add_parser("lab", help="start an embedded Supabase in the foreground")
    lab.add_argument("--json", action="store_true", help="print URL and keys as one line of JSON when ready")
    lab.add_argument("--port", type=int, default=0, help="public port (default: a free one)")
    lab.add_argument("--db-port", type=int, default=0, help="PostgreSQL's port (default: a free one)")
    lab.add_argument("--data", type=Path, metavar="DIR", help="keep the database here (default: thrown away)")
    lab.add_argument("--settings", type=Path, metavar="FILE", help="settings as JSON or TOML")
    lab.set_defaults(run=_lab)


def _add_review(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    review = commands.add_parser(
        "review",
        help="review an application's subscriptions",
        description="Read TypeScript, JavaScript, Vue, Svelte, Python, Dart, Swift and Kotlin, schema.prisma and SQL "
        "migrations under a path; say which subscriptions there are and what is wrong with them. With --plan each "
        "change is replayed in a lab, and proposed with the gain that was measured. The code is only read.",
        epilog="exit codes: 0 nothing but notes, 1 failures, 2 an option cannot be used, 3 warnings only, 130 "
        "interrupted; `// workbook-ignore RULE` on a line or the one above silences a rule there",
    )
    review.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="default: this folder")
    review.add_argument("--all", action="store_true", help="print also notes, and every file that was not read")
    review.add_argument("--json", action="store_true", help="print one JSON document")
    review.add_argument("--json-schema", action="store_true", help="print the JSON Schema of that document, and end")
    review.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings as SARIF 2.1.0, for code hosts")
    review.add_argument("--plan", action="store_true", help="measure what changes would bring (some minutes)")
    review.add_argument("--usage", type=Path, metavar="FILE", help="TOML with table sizes, rates and users")
    review.add_argument("--out", type=Path, metavar="DIR", help="write the plan's patches and SQL there")
    review.set_defaults(run=_review)


def _add_typescript(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    typescript = commands.add_parser(
        "typescript",
        help="generate TypeScript that keeps an application in step with its tables",
        description="Write TypeScript sources for models of a schema.prisma: conversion of Realtime's payloads, a "
        "subscription that survives, refetching, batched writing, optimistic updates, an outbox and a React hook. "
        "They need @supabase/supabase-js and the Prisma client, and nothing of the workbook.",
    )
    typescript.add_argument("--schema", type=Path, default=Path("prisma/schema.prisma"), metavar="FILE")
    typescript.add_argument("--model", action="append", metavar="NAME", help="repeat it; default: all with an @id")
    typescript.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the sources go")
    typescript.add_argument(
        "--client",
        default="@prisma/client",
        metavar="MODULE",
        help="whence to import the Prisma client",
    )
    typescript.add_argument("--browser", metavar="MODULE", help="the client's part for browsers, if it is another")
    typescript.add_argument("--db-schema", default="public", metavar="NAME", help="of the tables (default: public)")
    typescript.add_argument("--no-hook", dest="hook", action="store_false", help="without React's hook")
    typescript.add_argument("--force", action="store_true", help="overwrite files that were changed")
    typescript.set_defaults(run=_typescript)


def _add_watch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    watch = commands.add_parser(
        "watch",
        help="watch a target for as long as you like, and export metrics",
        description="Send a message every so often on each path and tell what becomes of it, as a table and as "
        "metrics for Prometheus. On a project only broadcasts are sent; database changes are watched where "
        "WORKBOOK_ALLOW_WRITES=yes allows a table of the workbook's own, which is dropped at the end.",
        epilog="exit codes: 0 every channel served at the end, 1 one did not, 2 an option or .env cannot be used",
    )
    watch.add_argument(
        "--target",
        choices=("lab", "env"),
        help="the embedded lab, or the project that .env names (default: .env if it names one, else the lab)",
    )
    watch.add_argument("--port", type=int, default=9991, help="of the metrics, on 127.0.0.1; 0 takes a free one")
    watch.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between messages (default: 1)")
    watch.add_argument("--for", dest="duration", type=float, metavar="SECONDS", help="how long (default: until Ctrl-C)")
    watch.add_argument("--objectives", type=Path, metavar="FILE", help="TOML that names objectives of your own")
    watch.add_argument("--server-metrics", action="store_true", help="export the server's own metrics as well")
    watch.add_argument("--otel", action="store_true", help="send the metrics to an OpenTelemetry collector as well")
    watch.set_defaults(run=_watch)


def _add_alerts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    alerts = commands.add_parser(
        "alerts",
        help="write alert rules, configurations and a dashboard",
        description="Write rules for Prometheus (with burn rates of error budgets), examples of its configuration and "
        "Alertmanager's, and a dashboard for Grafana, all made of one declaration of objectives.",
    )
    alerts.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    alerts.add_argument("--objectives", type=Path, metavar="FILE", help="TOML that names objectives of your own")
    alerts.add_argument("--port", type=int, default=9991, help="on which `workbook watch` listens (default: 9991)")
    alerts.add_argument("--force", action="store_true", help="overwrite files that were changed")
    alerts.set_defaults(run=_alerts)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="say what changed between two reports beyond noise",
        description="Compare two report.json, figure by figure. A difference is told where the 95 %% intervals of the "
        "two lie apart.",
        epilog="exit codes: 0 nothing became worse, 1 something did, 2 a file is no report",
    )
    compare.add_argument("before", type=Path, metavar="BEFORE", help="a report.json")
    compare.add_argument("after", type=Path, metavar="AFTER", help="a later one")
    compare.set_defaults(run=_compare)


def _add_new_workshop(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    workshop = commands.add_parser(
        "new-workshop",
        help="make a folder for a class: the notebooks without the solutions of their exercises",
        description="Copy learners' versions of all notebooks, the glossary and the instructors' notes into a folder.",
    )
    workshop.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist yet")
    workshop.set_defaults(run=_new_workshop)


def _add_site(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    site = commands.add_parser(
        "site",
        help="make a site of the notebooks as they ran",
        description="Make HTML pages of all notebooks, with the outputs of those that `workbook run` executed.",
    )
    site.add_argument("--out", type=Path, default=Path("output/site"), metavar="DIR", help="default: output/site")
    site.add_argument(
        "--executed", type=Path, default=Path("output/notebooks"), metavar="DIR", help="default: output/notebooks"
    )
    site.set_defaults(run=_site)


def _run(arguments: argparse.Namespace) -> int:
    from helpers.run import run_command

    return run_command(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from helpers.doctor import doctor_command

    return doctor_command(arguments)


def _explain(arguments: argparse.Namespace) -> int:
    from helpers.doctor import explain_command

    return explain_command(arguments)


def _lab(arguments: argparse.Namespace) -> int:
    from helpers.lab.command import lab_command

    return lab_command(arguments)


def _typescript(arguments: argparse.Namespace) -> int:
    from helpers.sync.typescript import typescript_command

    return typescript_command(arguments)


def _review(arguments: argparse.Namespace) -> int:
    from helpers.review.command import review_command

    return review_command(arguments)


def _watch(arguments: argparse.Namespace) -> int:
    from helpers.watch import watch_command

    return watch_command(arguments)


def _alerts(arguments: argparse.Namespace) -> int:
    from helpers.watch import alerts_command

    return alerts_command(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    from helpers.report.command import compare_command

    return compare_command(arguments)


def _new_workshop(arguments: argparse.Namespace) -> int:
    from helpers.workshop.command import workshop_command

    return workshop_command(arguments)


def _site(arguments: argparse.Namespace) -> int:
    from helpers.workshop.command import site_command

    return site_command(arguments)


def _print_error(error: WorkbookError) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble((f"{type(error).__name__}: ", "bold red"), str(error)), soft_wrap=True)
