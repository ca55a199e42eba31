"""Executors: run units of work in this process, or in others through Ray, with the same results."""

from rdl.execution.executors import SerialExecutor, build_executor
from rdl.execution.units import Executor
from rdl.execution.worker_threads import raise_if_stopped, worker_slot

__all__ = ["Executor", "SerialExecutor", "build_executor", "raise_if_stopped", "worker_slot"]
