"""One file that tells what a study found: findings in words, figures, the best trials."""

from luthier.report.finding import Finding
from luthier.report.report import Report, report, tell

__all__ = ["Finding", "Report", "report", "tell"]
