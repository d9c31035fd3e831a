"""Runs scripts that print values of libraries, and prints what each printed last, by its name, as one line of JSON.

In one process, since to import those libraries takes longer than to ask them.
"""

import contextlib
import io
import json
import os
import runpy
import sys

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
# Threads that wait for one another on a busy machine take minutes.
os.environ["OMP_NUM_THREADS"] = "1"

folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
found = {}
for name in names:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(os.path.join(folder, name), run_name="__main__")
    # LightGBM talks before the values come.
    found[name] = json.loads(printed.getvalue().strip().split("\n")[-1])
print(json.dumps(found))
