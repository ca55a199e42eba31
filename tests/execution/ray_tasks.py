"""Tasks that workers import: what they do shows where and how often they ran."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from fake_task import FakeTask

from rdl.errors import UserError
from rdl.population import Member


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DiesOnce(FakeTask):
    """The worker of one member is killed, once, after its checkpoint is written."""

    def __call__(self, member: Member) -> Member:
        done = super().__call__(member)
        mark = Path(self.root) / "killed"
        if member.name == "generation_001/member_003" and not mark.exists():
            mark.touch()
            _die()
        return done


@dataclass(frozen=True)
class OnlyRunsHere:
    """Some members kill whatever process is not this one."""

    pid: int
    deadly: set[int]

    def __call__(self, member: Member) -> Member:
        if member.index in self.deadly and os.getpid() != self.pid:
            _die()
        return member.with_score(1.0, "checksum")


@dataclass(frozen=True)
class WhereItRuns:
    """Sleeps as long as it is told to, and says in which process."""

    seconds: dict[int, float]

    def __call__(self, member: Member) -> Member:
        time.sleep(self.seconds.get(member.index, 0.0))
        return member.with_score(1.0, "checksum", pid=os.getpid())


@dataclass(frozen=True)
class Fails:
    """Raises what the user should mend."""

    text: str

    def __call__(self, member: Member) -> Member:
        raise UserError(self.text)


def remember(folder: str, cpus: float) -> None:
    """A setup that leaves a file per process."""
    (Path(folder) / str(os.getpid())).write_text(str(cpus))


@dataclass(frozen=True)
class SlowTask(FakeTask):
    """Takes long enough to be interrupted."""

    def __call__(self, member: Member) -> Member:
        time.sleep(1.5)
        return super().__call__(member)
