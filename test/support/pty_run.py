"""Runs a command on a terminal of its own.

Keys come from the standard input, what the terminal shows goes to the standard output, and the
last line on the standard error says how the command ended. Ends the command when the input ends.

Usage: pty_run.py COLUMNS ROWS COMMAND [ARGUMENT...]
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def run(columns, rows, command):
    pid, terminal = pty.fork()
    if pid == 0:
        # Before the command starts, so that it never sees another size.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execv(command[0], command)
    relay(pid, terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def relay(pid, terminal):
    sources = [terminal, 0]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if 0 in ready:
            keys = os.read(0, 4096)
            if keys:
                os.write(terminal, keys)
            else:
                sources.remove(0)
                os.kill(pid, signal.SIGKILL)
        if terminal in ready:
            try:
                shown = os.read(terminal, 65536)
            except OSError:
                # The command has closed its side.
                return
            if not shown:
                return
            os.write(1, shown)


code = run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
print(f"ended {code}", file=sys.stderr)
