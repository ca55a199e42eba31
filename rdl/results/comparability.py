"""Which models were trained alike but for their seeds, and what tells unlike ones apart.

Numbers of models that differ in more than their seeds are no sample of anything: their mean and spread would speak of
the settings, not of the method.
"""

from collections.abc import Mapping, Sequence

from rdl.config import Bindings

Trained = tuple[tuple[str, str], ...]
"""What decided a model's training, its seed apart: gin's names and texts, sorted."""

RUN = "run/"  # gin's scope under which a result tree tells all that was asked of the run
_ELSEWHERE = ("executor", "display", "study", "measure", "Measurement", "ChenMeasurement", "mig_sup")
_SEEDS = ("experiment.seed", "model.random_seed", "model.model_num")


def from_run(config: Mapping[str, str]) -> Trained:
    """Of a run's bindings those that decided what was trained: not where, not how it was shown or measured."""
    return tuple(
        sorted(
            (key, value)
            for key, value in config.items()
            if key not in _SEEDS and key.split("/")[-1].split(".")[0] not in _ELSEWHERE
        )
    )


def of_row(settings: Mapping[str, str]) -> Trained:
    """The same of the settings of a result tree's training, disentanglement_lib's or rdl's."""
    run: Bindings = {key.removeprefix(RUN): value for key, value in settings.items() if key.startswith(RUN)}
    return from_run(run or settings)


def labels(kinds: Sequence[Trained]) -> list[str]:
    """For each of several kinds the shortest settings that tell it from the others; empty for a lone one."""
    tables = [dict(kind) for kind in kinds]
    differing = [
        key
        for key in sorted({key for table in tables for key in table})
        if len({table.get(key) for table in tables}) > 1
    ]
    chosen: list[str] = []
    while len({tuple(table.get(key) for key in chosen) for table in tables}) < len({*kinds}):

        def told(key: str) -> tuple[int, int]:
            """Most kinds told apart first, then least to read."""
            seen = {tuple(table.get(name) for name in (*chosen, key)) for table in tables}
            return -len(seen), sum(len(_text(table, key)) for table in tables)

        chosen.append(min((key for key in differing if key not in chosen), key=told))
    return [", ".join(_text(table, key) for key in chosen) for table in tables]


def _text(table: Mapping[str, str], key: str) -> str:
    return f"{key} {table[key]}" if key in table else f"{key} not set"
