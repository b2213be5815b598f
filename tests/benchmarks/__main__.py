"""Run the benchmarks, all or by name."""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys

import tests.benchmarks as package


def names() -> list[str]:
    modules = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name.removeprefix("bench_") for name in modules if name.startswith("bench_"))


def main() -> int:
    wanted = sys.argv[1:] or names()
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(names())}.", file=sys.stderr)
        return 2
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        importlib.import_module(f"tests.benchmarks.bench_{name}").main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
