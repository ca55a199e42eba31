"""Reduces a finished study to settings and scores, without paths, times and optimisers.

    python benchmarks/study_results.py runs/study_small/results.json docs/results/study_small.json
    python benchmarks/study_results.py runs/rpu_vae docs/results/evidence.json

From a results.json: the same table, smaller. From a folder of bin/study GIN_FILE --seeds=..: every run with its file,
seed, state, scores and summary, the reason of a failure, the best score of each generation and the measurement of each
random member. An unfinished study gives the runs that it has.
"""

import json
import sys
from pathlib import Path

LEFT_OUT = ("uuid", "elapsed", "path", "optimizer", "Adam", "postprocess_", "loss_fn", "encoder_fn", "decoder_fn")


def main() -> None:
    """Writes the reduced JSON, numbers to six digits."""
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(reduce_folder(source) if source.is_dir() else reduce_table(json.loads(source.read_text())))


def reduce_table(columns: dict) -> str:
    """Reduces {column: {row: value}} to the columns worth comparing."""
    lines = []
    for name, column in columns.items():
        if not any(word in name for word in LEFT_OUT):
            kept = {row: _round(value) for row, value in column.items() if value is not None}
            lines.append(f"{json.dumps(name)}: {json.dumps(kept, separators=(',', ':'))}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def reduce_folder(root: Path) -> str:
    """Reduces each run of a folder to a line."""
    from rdl.results.study_results import STUDY_METRICS, read_study
    from rdl.results.summary import select_comparable

    lines = []
    for run in read_study(root):
        scores = select_comparable(run.results[run.results["metric"].isin(STUDY_METRICS)])
        by_method = {
            method: dict(zip(own["metric"], own["value"], strict=True)) for method, own in scores.groupby("method")
        }
        kept = {"file": run.file, "seed": run.seed, "state": run.state, "scores": by_method, "summary": run.summary}
        if run.reason:
            kept["reason"] = run.reason
        kept |= _read_journal(root / run.file / str(run.seed))
        lines.append(json.dumps(_round(kept), separators=(",", ":")))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _read_journal(folder: Path) -> dict:
    from rdl.report.run_records import read_records

    if not (folder / "config.json").is_file():
        return {}
    records = read_records(folder)
    best = {
        stage: [max((m.score for m in members if m.score is not None), default=None) for members in generations]
        for stage, generations in records.stages.items()
    }
    random = [member.details["measured"][0] for member in records.random_members if member.details.get("measured")]
    return {"best_scores": best} | ({"random_members": random} if random else {})


def _round(value):
    if isinstance(value, dict):
        return {key: _round(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
