"""Tasks that Ray workers import, whose results show where and how often they ran."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from fake_task import FakeTask

from rdl.errors import UserError
from rdl.population import Member


def _kill_process():
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class KilledOnce(FakeTask):
    """Kills the worker of one member, once, after its checkpoint is written."""

    def __call__(self, member: Member) -> Member:
        done = super().__call__(member)
        mark = Path(self.root) / "killed"
        if member.name == "generation_001/member_003" and not mark.exists():
            mark.touch()
            _kill_process()
        return done


@dataclass(frozen=True)
class KillsWorkers:
    """Some members kill every process other than the test's."""

    pid: int
    deadly: set[int]

    def __call__(self, member: Member) -> Member:
        if member.index in self.deadly and os.getpid() != self.pid:
            _kill_process()
        return member.with_score(1.0, "checksum")


@dataclass(frozen=True)
class ReportsProcess:
    """Sleeps for a member's seconds, then reports the process."""

    seconds: dict[int, float]

    def __call__(self, member: Member) -> Member:
        time.sleep(self.seconds.get(member.index, 0.0))
        return member.with_score(1.0, "checksum", pid=os.getpid())


@dataclass(frozen=True)
class RaisesUserError:
    """Raises a UserError of this text."""

    text: str

    def __call__(self, member: Member) -> Member:
        raise UserError(self.text)


def record_process(folder: str, cpus: float) -> None:
    """A setup function that writes a file per process."""
    (Path(folder) / str(os.getpid())).write_text(str(cpus))


@dataclass(frozen=True)
class SlowTask(FakeTask):
    """Takes long enough to be interrupted."""

    def __call__(self, member: Member) -> Member:
        time.sleep(1.5)
        return super().__call__(member)
