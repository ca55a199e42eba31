"""Writes the reference scores of the one case whose codes can be regenerated, for clones without the reference data.

python tests/third_party/make_facts.py ../shared/oracle/expected.json
"""

import json
import sys
from pathlib import Path

TABLES = ("matrix", "detail", "npseed", "explicitness_per_factor", "mi_matrix", "downstream")


def main(path):
    expected = json.loads(Path(path).read_text())
    identity = {k: v for k, v in expected["identity"].items() if not any(word in k for word in TABLES)}
    identity["dci"] = {k: v for k, v in identity["dci"].items() if isinstance(v, float)}
    default = expected["_default_sizes"]["scores"]
    full = {k.split("/")[1]: v for k, v in default.items() if k.startswith("identity/") and isinstance(v, dict)}
    facts = {"identity": identity, "identity at default sizes": full}
    Path(__file__).with_name("identity_scores.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
