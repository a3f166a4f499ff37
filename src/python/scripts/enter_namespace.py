"""Make the most of new namespaces, then give up the rights that came with them and start a program.

Usage: enter_namespace.py PROGRAM ARGUMENTS... It is root there, which is nobody outside: the loopback interface goes up, and the
program is started without any capability and without a way to one.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 24, 28, 38
#: Root is no more than anybody, and that can't be taken back.
NO_ROOT_LOCKED = 0b11
#: More than there are; the kernel refuses the rest.
CAPABILITIES = range(64)


def raise_loopback() -> None:
    """Set the interface `lo` up, by which the tests talk to their mock servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def main() -> None:
    """Start the program, and end as it does: all others end with that."""
    raise_loopback()
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_SECUREBITS, NO_ROOT_LOCKED, 0, 0, 0)
    for capability in CAPABILITIES:
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    # The first process of a namespace gets no signals that it does not handle, and what others leave behind to collect.
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
