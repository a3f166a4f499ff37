"""Unpack a wheel into an empty folder and run its console script from there.

Usage: run_wheel.py WHEEL TARGET ARGUMENTS... Proves that the package holds all that it needs, without pip and without
the source tree: only TARGET and the installed packages are on the import path.
"""

import configparser
import importlib
import sys
import zipfile
from pathlib import Path


def main() -> None:
    """Install by unpacking (a wheel is made for that), then call the first console script."""
    wheel, target = sys.argv[1], Path(sys.argv[2])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)  # zipfile drops drive letters and `..` by itself
    sys.path[0] = str(target)
    entries = configparser.ConfigParser(delimiters=("=",))
    entries.optionxform = str  # type: ignore[assignment, method-assign]
    entries.read(sorted(target.glob("*.dist-info/entry_points.txt")), encoding="utf-8")
    scripts = dict(entries.items("console_scripts")) if entries.has_section("console_scripts") else {}
    if not scripts:
        sys.exit("the wheel has no console script")
    name, value = next(iter(scripts.items()))
    module, _, attribute = value.partition(":")
    function = importlib.import_module(module.strip())
    for part in attribute.split("[")[0].strip().split("."):
        function = getattr(function, part)
    sys.argv = [name, *sys.argv[3:]]
    sys.exit(function())  # type: ignore[operator]


if __name__ == "__main__":
    main()
