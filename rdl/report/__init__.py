"""Pages about runs and studies, written from their directories. See docs/report.md."""
