"""Runs in the folder of the compiled connector `everything`, whose `src` is then importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))
