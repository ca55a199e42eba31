"""Measures how fast dSprites is rendered and read, and its memory.

    python benchmarks/data.py

Each measurement runs in its own process, starting from an empty cache; memory is that process's peak resident size.
"""

import json
import os
import subprocess
import sys
import tempfile

CASES = {
    "64 random images rendered, cold": """
images = rdl.data.load("dsprites_full")
report("ms", lambda: images.images(np.random.default_rng(0).integers(len(images), size=64)), 1e3)
""",
    "rendered, images/s in batches of 64": """
images = rdl.data.load("dsprites_full")
draw = np.random.default_rng(0)
report("images/s", lambda: read_all(images, draw.integers(len(images), size=(200, 64))), rate=12800)
""",
    "cache of all 737,280 images built": """
report("s", lambda: rdl.data.load("dsprites_full", prepare=True))
""",
    "cache opened, checksum included": """
report("s", lambda: rdl.data.load("dsprites_full", prepare=True))
""",
    "64 random images from the cache, cold": """
images = rdl.data.load("dsprites_full")
report("ms", lambda: images.images(np.random.default_rng(0).integers(len(images), size=64)), 1e3)
""",
    "from the cache, images/s, every image once in batches of 64": """
images = rdl.data.load("dsprites_full")
order = np.random.default_rng(0).permutation(len(images)).reshape(-1, 64)
report("images/s", lambda: read_all(images, order), rate=order.size)
""",
}
HEAD = """
import json, resource, time
import numpy as np
import rdl.data

def read_all(images, batches):
    for batch in batches:
        images.images(batch)

def report(unit, run, scale=1, rate=None):
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    value = rate / seconds if rate else seconds * scale
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"value": value, "unit": unit, "resident MiB": round(memory)}))
"""


def main() -> None:
    """Runs all cases and prints a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RDL_CACHE": folder, "DISENTANGLEMENT_LIB_DATA": folder}
        for name, code in CASES.items():
            output = subprocess.run(
                [sys.executable, "-c", HEAD + code], env=environment, check=True, capture_output=True, text=True
            ).stdout
            result = json.loads(output)
            print(f"{name:<60} {result['value']:>10,.1f} {result['unit']:<9} {result['resident MiB']:>5} MiB")


if __name__ == "__main__":
    main()
