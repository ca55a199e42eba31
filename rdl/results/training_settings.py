"""Groups runs into seeds of one method, and names the settings that distinguish the other runs.

Scores of models whose settings differ in more than the seed are not a sample: their mean and spread would describe the
settings, not the method.
"""

from collections.abc import Mapping, Sequence

TrainingSettings = tuple[tuple[str, str], ...]
"""All settings that decide a model's training except its seed: gin names and values as text, sorted."""

RUN = "run/"
"""gin scope under which the result tree of a run repeats all its settings."""
_NOT_TRAINING = ("executor", "display", "study", "measure", "Measurement", "ChenMeasurement", "mig_sup")
_SEEDS = ("experiment.seed", "model.random_seed", "model.model_num")


def select_training_settings(settings: Mapping[str, str]) -> TrainingSettings:
    """The training settings among a run's bindings, or among those of a result tree's training step."""
    own = {key.removeprefix(RUN): value for key, value in settings.items() if key.startswith(RUN)} or settings
    return tuple(
        sorted(
            (key, value)
            for key, value in own.items()
            if key not in _SEEDS and key.split("/")[-1].split(".")[0] not in _NOT_TRAINING
        )
    )


def label_differences(kinds: Sequence[TrainingSettings]) -> list[str]:
    """A label for each kind: the shortest settings that distinguish all kinds; an empty label for a single kind."""
    tables = [dict(kind) for kind in kinds]
    keys = sorted({key for table in tables for key in table})
    chosen: list[str] = []

    def groups(names: Sequence[str]) -> int:
        return len({tuple(table.get(name) for name in names) for table in tables})

    def cost(key: str) -> tuple[int, int]:
        """Most kinds distinguished first, then the shortest label."""
        return -groups([*chosen, key]), sum(len(_describe(table, key)) for table in tables)

    while groups(chosen) < len({*kinds}):
        chosen.append(min((key for key in keys if key not in chosen), key=cost))
    return [", ".join(_describe(table, key) for key in chosen) for table in tables]


def _describe(table: Mapping[str, str], key: str) -> str:
    return f"{key} {table[key]}" if key in table else f"{key} not set"
