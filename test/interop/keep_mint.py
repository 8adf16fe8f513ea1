"""Runs a mint's own start script, and ends together with the process that started it.

Usage: python keep_mint.py <its folder> <start script> [its arguments]

The parent holds the other end of standard input and never writes to it. When the parent dies, even
by SIGKILL, the kernel closes that end and this process reads the end of the file. A mint that
outlived its test would hold its port and its database for ever; the folder, which the parent made
for it and would have removed, goes with it.
"""

import os
import runpy
import shutil
import sys
import threading


def end_with_parent(folder: str) -> None:
    while os.read(0, 4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, args=[sys.argv[1]], daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
