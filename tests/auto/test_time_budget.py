"""The time budget on a clock that the test moves: a run that becomes slower ends near its deadline."""

from types import SimpleNamespace

import pytest

from rdl.auto.plan import LEAF_STAGES, TrainingSpeed, make_plan
from rdl.auto.time_budget import TimeBudget
from rdl.population import Member, PopulationSettings, count_affordable_generations

SPEED = TrainingSpeed((32, 32), training=5_000, encoding=50_000, member=0.0, starting=5)


class Machine:
    """Runs the stages of a plan on a clock of its own, without training."""

    def __init__(self, minutes, slower_from=float("inf"), times=1.0):
        self.clock = SimpleNamespace(seconds=0.0)
        self.plan = make_plan(10_000, SPEED, 60 * minutes)
        self.deadline, self.slower_from, self.times = 60 * minutes, slower_from * 60 * minutes, times
        self.budget = TimeBudget(self.plan, self.deadline, SPEED.training, lambda: self.clock.seconds)

    def train(self, images):
        """Moves the clock by the time of so many training images."""
        seconds = images / SPEED.training
        fast = min(seconds, max(0.0, self.slower_from - self.clock.seconds))
        self.clock.seconds += fast + self.times * (seconds - fast)

    def run_stage(self, name, stage, generations):
        settings = PopulationSettings(size=stage.members, models=stage.models, initial_factor=stage.initial_factor)
        self.budget.on_stage_begin(name, settings, stage.images, 10_000)
        for generation in range(generations):
            members = [Member(index, generation, None, {}, 0) for index in range(settings.members(generation))]
            for member in members:
                self.train(stage.models * stage.images)
                self.budget.on_member_end(name, member)
            self.budget.on_generation_end(name, members)
            if generation + 1 < generations and self.budget.reason_to_stop(name, members):
                return generation + 1
        return generations

    def run(self):
        """Runs all stages to the end; returns the number of generations of each."""
        plan = self.plan
        done = {"x_run": self.run_stage("x_run", plan.x_run, plan.x_run.generations)}
        used = plan.x_run.total_images
        for leaf in range(plan.leaf_runs):
            for iteration in range(1, LEAF_STAGES + 1):
                name = f"leaf_{leaf}/iteration_{iteration}"
                done[name] = self.run_stage(name, plan.leaf_run, plan.leaf_run.generations)
                used += plan.leaf_run.total_images
        if plan.final is not None:
            final = plan.final
            settings = PopulationSettings(
                size=final.members, models=1, initial_factor=final.initial_factor, generations=final.generations
            )
            generations = count_affordable_generations(settings, final.images, plan.total_images - used)
            done["final"] = self.run_stage("final", final, generations)
        slow = self.times if self.clock.seconds > self.slower_from else 1.0
        self.clock.seconds += slow * plan.ending_seconds
        return done


@pytest.mark.parametrize("minutes", [5, 12, 20, 60, 200])
def test_a_machine_that_keeps_its_speed_trains_the_whole_plan(minutes):
    machine = Machine(minutes)
    done = machine.run()
    assert done["x_run"] == machine.plan.x_run.generations
    assert all(done[name] == machine.plan.leaf_run.generations for name in done if name.startswith("leaf"))
    assert "final" not in done or done["final"] >= machine.plan.final.generations
    assert 0.8 * machine.deadline < machine.clock.seconds <= 1.02 * machine.deadline


@pytest.mark.parametrize("minutes", [12, 20, 60, 200])
@pytest.mark.parametrize("times", [1.3, 1.6, 2.0])
def test_a_machine_that_is_slower_from_half_way_on_ends_within_a_fifth_of_the_time(minutes, times):
    machine = Machine(minutes, slower_from=0.5, times=times)
    done = machine.run()
    assert all(generations >= 1 for generations in done.values())
    assert 0.8 * machine.deadline < machine.clock.seconds < 1.2 * machine.deadline


def test_a_population_without_recursion_keeps_the_time_too():
    machine = Machine(5, slower_from=0.5, times=2.0)
    assert not machine.plan.has_recursion
    assert machine.run()["x_run"] < machine.plan.x_run.generations
    assert 0.8 * machine.deadline < machine.clock.seconds < 1.2 * machine.deadline


def test_nothing_stops_before_this_process_has_trained_a_generation():
    machine = Machine(20)
    settings = PopulationSettings(size=4, models=2)
    machine.clock.seconds = 10 * machine.deadline
    machine.budget.on_stage_begin("final", settings, 1000, 10_000)
    members = [Member(index, 0, None, {}, 0) for index in range(4)]
    machine.budget.on_generation_end("final", members)  # read from the journal
    assert machine.budget.reason_to_stop("final", members) == ""
    machine.train(4 * 2 * 1000)
    machine.budget.on_member_end("final", members[0])
    machine.budget.on_generation_end("final", members)
    assert "s of the time are left" in machine.budget.reason_to_stop("final", members)
