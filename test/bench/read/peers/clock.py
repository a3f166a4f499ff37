"""Runs a command and says what it took: the kernel counts it, whatever runs beside.

    python clock.py OUTPUT ERRORS RESULT command argument …

Its standard output goes to a file, or to ours where OUTPUT is `-`. RESULT gets wall and processor seconds, the peak
of resident memory and the exit code, as JSON.
"""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    """Run and count."""
    output, errors, result, *command = sys.argv[1:]
    to = None if output == "-" else open(output, "wb")
    with open(errors, "wb") as standard_error:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=to, stderr=standard_error)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    code = os.waitstatus_to_exitcode(status)
    measured = {
        "seconds": seconds,
        "cpuSeconds": usage.ru_utime + usage.ru_stime,
        "peakMb": usage.ru_maxrss * unit / 1024 / 1024,
        "code": code,
    }
    with open(result, "w", encoding="utf-8") as file:
        json.dump(measured, file)
    return 0


sys.exit(main())
