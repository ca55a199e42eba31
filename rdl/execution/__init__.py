"""Where units of work are done: in this process, or by Ray in others, with the same results."""

from rdl.execution.executors import SerialExecutor, build_executor
from rdl.execution.side_by_side import go_on, place
from rdl.execution.units import Executor

__all__ = ["Executor", "SerialExecutor", "build_executor", "go_on", "place"]
