"""Pages about runs: reads run directories and nothing else. See docs/report.md."""

from rdl.report.page import write_report

__all__ = ["write_report"]
