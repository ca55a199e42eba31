"""Leaves of a finished study what a reader compares: settings and scores, without places, clocks and optimisers.

    python docs/study_results.py runs/study_small/results.json docs/results/study_small.json
    python docs/study_results.py runs/rpu_vae docs/results/evidence.json

From a results.json: the same table, smaller. From a folder of bin/study GIN_FILE --seeds=..: every run with its file,
seed, state, scores and summary, the failed ones with their reasons, and the numbers behind the curves: each
generation's best score, and each random member's measurement. A study that is not finished gives what it has.
"""

import json
import sys
from pathlib import Path

LEFT_OUT = ("uuid", "elapsed", "path", "optimizer", "Adam", "postprocess_", "loss_fn", "encoder_fn", "decoder_fn")


def main() -> None:
    """A table or a folder -> a small JSON; numbers to six digits."""
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(of_folder(source) if source.is_dir() else of_table(json.loads(source.read_text())))


def of_table(columns: dict) -> str:
    """{column: {row: value}} without the columns that nobody compares."""
    lines = []
    for name, column in columns.items():
        if not any(word in name for word in LEFT_OUT):
            kept = {row: _short(value) for row, value in column.items() if value is not None}
            lines.append(f"{json.dumps(name)}: {json.dumps(kept, separators=(',', ':'))}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def of_folder(root: Path) -> str:
    """A line a run."""
    from rdl.results import studies

    lines = []
    for run in studies.read(root):
        kept = {"file": run.file, "seed": run.seed, "state": run.state, "scores": run.scores, "summary": run.summary}
        if run.reason:
            kept["reason"] = run.reason
        kept |= _of_journal(root / run.file / str(run.seed))
        lines.append(json.dumps(_short(kept), separators=(",", ":")))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _of_journal(folder: Path) -> dict:
    from rdl.report.reading import read_records

    if not (folder / "config.gin").is_file():
        return {}
    records = read_records(folder)
    best = {
        stage: [max((m.score for m in members if m.score is not None), default=None) for members in generations]
        for stage, generations in records.stages.items()
    }
    random = [member.details["measured"][0] for member in records.random_members if member.details.get("measured")]
    return {"best_scores": best} | ({"random_members": random} if random else {})


def _short(value):
    if isinstance(value, dict):
        return {key: _short(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
