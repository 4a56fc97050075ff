"""The policy pack is not installed: it is a folder that may be copied elsewhere."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "policies"))
