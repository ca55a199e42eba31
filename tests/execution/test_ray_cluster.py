"""Ray on two nodes, one of which is removed during the run."""

import logging

import pytest
from fake_task import SPACE, FakeTask
from ray_tasks import SlowTask

from rdl.callbacks.callback import Callback
from rdl.execution import SerialExecutor, build_executor
from rdl.population import Population, PopulationSettings
from rdl.runs import RunDirectory

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SETTINGS = PopulationSettings(size=8, models=1, generations=3, until_converged=False, search_space=SPACE)


class RemovesNode(Callback):
    """Removes a node after some members."""

    def __init__(self, cluster, node, after: int):
        self.cluster, self.node, self.left = cluster, node, after

    def on_member_end(self, stage, member):
        self.left -= 1
        if not self.left:
            self.cluster.remove_node(self.node, allow_graceful=False)


def journal(root, executor, task, callback):
    with RunDirectory(root) as run:
        Population(run, "x_run", SETTINGS, 0, callback).evolve(task(run.root, "x_run"), executor)
        return dict(sorted(run.journal.items()))


def test_removing_a_node_changes_nothing(tmp_path, caplog):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=2)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        executor = build_executor("ray", workers=3)
        callback = RemovesNode(cluster, node, after=10)
        found = journal(tmp_path / "ray", executor, SlowTask, callback)
        executor.close()
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert callback.left <= 0
    assert "was lost" in caplog.text
    assert found == journal(tmp_path / "serial", SerialExecutor(), FakeTask, Callback())
