"""The written report, made from results and from nothing else."""

from __future__ import annotations

from helpers.report.build import build_report
from helpers.report.comparing import Comparison, compare
from helpers.report.document import read_json
from helpers.report.html import as_html
from helpers.report.inputs import Inputs
from helpers.report.markdown import as_markdown
from helpers.report.model import Issue, Measure, Report, Verdict
from helpers.report.write import report_dir, write_report

__all__ = [
    "Comparison",
    "Inputs",
    "Issue",
    "Measure",
    "Report",
    "Verdict",
    "as_html",
    "as_markdown",
    "build_report",
    "compare",
    "read_json",
    "report_dir",
    "write_report",
]
