"""Makes the fake task importable, here and in other processes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
