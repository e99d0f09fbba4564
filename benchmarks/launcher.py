"""Runs a command and writes down what it cost: ``launcher.py FILE COMMAND…``.

The kernel counts the memory of whoever starts a program as that program's own, so a small process starts it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    began = time.perf_counter()
    code = subprocess.call(sys.argv[2:])
    wall, usage = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"code": code, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}
    Path(sys.argv[1]).write_text(json.dumps(told))
