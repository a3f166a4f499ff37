"""Makes the template's agent face importable as `face`, without the modules that only compiled connectors have."""

from __future__ import annotations

import sys
import types
from pathlib import Path

TEMPLATE = Path(__file__).parents[3] / "src" / "blueprint" / "template" / "src"

package = types.ModuleType("face")
package.__path__ = [str(TEMPLATE)]
sys.modules["face"] = package
