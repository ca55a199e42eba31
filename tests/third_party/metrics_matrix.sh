#!/usr/bin/env bash
# Runs the metrics' tests on both ends of the versions they are meant for, each in an environment of its own.
# Not part of the default test run: it downloads packages.   tests/third_party/metrics_matrix.sh [pytest options]
set -euo pipefail
cd "$(dirname "$0")/../.."
environments="${METRICS_MATRIX:-$(mktemp -d)}" # set METRICS_MATRIX to a folder to keep them for the next time
python="${PYTHON:-python3}"

run() { # name, then requirements
    local name=$1 place="$environments/$1"
    shift
    [ -x "$place/bin/python" ] || "$python" -m venv "$place"
    "$place/bin/python" -m pip install --quiet "$@" gin-config pytest hypothesis
    echo "== $name"
    "$place/bin/python" -c 'import numpy, scipy, sklearn; print(numpy.__version__, scipy.__version__, sklearn.__version__)'
    PYTHONPATH=. "$place/bin/python" -m pytest tests/third_party -q -m "not slow" \
        --deselect tests/third_party/test_metrics_faces.py::test_scores_of_arrays_need_no_tensorflow_and_come_as_a_table_and_json \
        "${pytest_options[@]}"
}

pytest_options=("$@")
run numpy-1.26-sklearn-1.5 "numpy==1.26.*" "scikit-learn==1.5.*" "scipy==1.13.*"
run numpy-2-sklearn-1.9 "numpy>=2.4" "scikit-learn==1.9.*" "scipy>=1.17"
