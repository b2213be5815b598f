"""Benchmarks: each module `bench_<name>.py` measures us beside the alternative in one run and prints the ratio.

uv run python -m tests.benchmarks              all of them
uv run python -m tests.benchmarks lab_start    only this one
"""
