"""Run a program within limits, and leave nothing of it behind.

Usage: supervise.py [--OPTION VALUE]... -- PROGRAM ARGUMENTS...
Options: --processes, --threads, --memory (bytes, of all together), --data (bytes, of each process), --file (bytes, of each
file), --open (files of each process), --disk (bytes below all --watch folders together), --watch FOLDER (may be repeated),
--adopt 1 (become the parent of what the program leaves behind: where no namespace ends it).

It stays outside of the sandbox that the program may be, so that nothing inside can reach it. Ends with the program's exit
code, or with one of ENDED where a limit was passed; the limit is named on standard error then.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress

#: Exit codes that tell which limit was passed; src/python/isolation/limits.ts knows them by number.
ENDED = {"processes": 121, "memory": 122, "disk": 123}
TICK = 0.05
#: Looking through folders takes longer than looking at processes.
DISK_TICK = 0.5
#: Without /proc a program has to be asked for the processes.
SLOW_TICK = 1.0
PAGE = os.sysconf("SC_PAGE_SIZE")
LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def parse(arguments: list[str]) -> tuple[dict[str, int], list[str], list[str]]:
    """Split the command line into limits, watched folders and the program."""
    limits: dict[str, int] = {}
    folders: list[str] = []
    position = 0
    while arguments[position] != "--":
        name, value = arguments[position].removeprefix("--"), arguments[position + 1]
        if name == "watch":
            folders.append(value)
        else:
            limits[name] = int(value)
        position += 2
    return limits, folders, arguments[position + 1 :]


def prctl(option: int, value: int) -> None:
    """Ask the kernel for something that Python's library has no call for."""
    import ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def restrict(limits: dict[str, int]) -> None:
    """Set what the kernel itself holds each process to."""
    import resource

    kinds = {"data": resource.RLIMIT_DATA, "file": resource.RLIMIT_FSIZE, "open": resource.RLIMIT_NOFILE}
    for name, kind in kinds.items():
        if name in limits:
            hard = resource.getrlimit(kind)[1]
            value = limits[name] if hard == resource.RLIM_INFINITY else min(limits[name], hard)
            with suppress(OSError, ValueError):
                resource.setrlimit(kind, (value, value))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Processes:
    """What runs below a process: how many, with how many threads, and how much memory of their own."""

    def __init__(self, root: int, most: int) -> None:
        """Look below `root`, and stop counting above `most`."""
        self.root = root
        self.most = most

    def look(self) -> tuple[list[int], int, int]:
        """Return the processes, their threads and their memory in bytes."""
        return self.by_proc() if LINUX else self.by_ps()

    def by_proc(self) -> tuple[list[int], int, int]:
        """Walk from parent to child, as deep as it goes."""
        found: list[int] = []
        threads = memory = 0
        waiting = [self.root]
        while waiting and len(found) <= self.most:
            pid = waiting.pop()
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
                resident, shared = read(f"/proc/{pid}/statm").split()[1:3]
                for task in tasks:
                    waiting += map(int, read(f"/proc/{pid}/task/{task}/children").split())
            except (OSError, ValueError):
                continue
            found.append(pid)
            threads += len(tasks)
            memory += (int(resident) - int(shared)) * PAGE
        return found, threads, memory

    def by_ps(self) -> tuple[list[int], int, int]:
        """Ask `ps` for all processes, and keep those that come from ours."""
        import subprocess

        listed = subprocess.run(["/bin/ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=False)
        children: dict[int, list[tuple[int, int]]] = {}
        for line in listed.stdout.splitlines():
            pid, parent, kilobytes = map(int, line.split())
            children.setdefault(parent, []).append((pid, kilobytes * 1024))
        found: list[int] = []
        memory = 0
        waiting = [self.root]
        while waiting:
            for pid, size in children.get(waiting.pop(), []):
                found.append(pid)
                memory += size
                waiting.append(pid)
        return found, len(found), memory


def read(path: str) -> bytes:
    """Read a small file of the kernel's."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


def size_below(folders: list[str], enough: int) -> int:
    """Return how much the folders hold on the disk, in bytes; a part of it, once that is more than enough."""
    total = 0
    waiting = list(folders)
    while waiting and total <= enough:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


class Supervisor:
    """Starts the program, looks after it, and ends it."""

    def __init__(self, limits: dict[str, int], folders: list[str], program: list[str]) -> None:
        """Start the program."""
        self.limits = limits
        self.folders = folders
        self.adopts = bool(limits.get("adopt"))
        self.known: set[int] = set()
        if self.adopts and LINUX:
            prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.wake, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        parent = os.getpid()
        self.child = os.fork()
        if self.child == 0:
            self.become(program, parent)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self.stop)

    def become(self, program: list[str], parent: int) -> None:
        """Be the program: never returns."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if self.adopts and LINUX:
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != parent:
                    os._exit(137)
            restrict(self.limits)
            os.execv(program[0], program)
        except OSError as error:
            os.write(2, f"sourcewright: could not start {program[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(126)

    def stop(self, number: int, _frame: object) -> None:
        """End with everything, as asked from outside."""
        self.end_all()
        os._exit(128 + number)

    def run(self) -> int:
        """Wait for the end of the program, whichever way it comes; the exit code, or the signal as a negative number."""
        processes = Processes(os.getpid(), self.limits["processes"] + 8)
        tick = TICK if LINUX else SLOW_TICK
        look_at_disk = time.monotonic() + DISK_TICK
        while True:
            if select.select([self.wake], [], [], tick)[0]:
                os.read(self.wake, 512)
            code = self.ended()
            if code is not None:
                self.end_all()
                return code
            found, threads, memory = processes.look()
            if not LINUX:
                self.known.update(found)
            if len(found) > self.limits["processes"] or threads > self.limits["threads"]:
                return self.cut("processes", f"more than {self.limits['processes']} processes at once")
            if memory > self.limits["memory"]:
                return self.cut("memory", f"more than {self.limits['memory'] >> 20} MB of memory")
            if time.monotonic() >= look_at_disk:
                if size_below(self.folders, self.limits["disk"]) > self.limits["disk"]:
                    return self.cut("disk", f"more than {self.limits['disk'] >> 20} MB on the disk")
                look_at_disk = time.monotonic() + DISK_TICK

    def ended(self) -> int | None:
        """Collect what has ended; the program's code, once it is among that."""
        code = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return code
            if pid == 0:
                return code
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)

    def cut(self, limit: str, words: str) -> int:
        """End it because it passed a limit."""
        self.end_all()
        sys.stderr.write(f"\nsourcewright: ended, as it used {words}.\n")
        return ENDED[limit]

    def end_all(self) -> None:
        """End the program and, where nobody else does it, all that came from it."""
        with suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)
        if not self.adopts:
            return
        for _ in range(200):
            left = set(Processes(os.getpid(), 100_000).look()[0]) - {os.getpid()} if LINUX else self.known
            # Stopped first, so that none forks while the others are ended.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in left:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, number)
            self.ended()
            if not left or not LINUX:
                return
            time.sleep(0.005)


def main() -> None:
    """Run the program, and end as it did."""
    code = Supervisor(*parse(sys.argv[1:])).run()
    sys.stderr.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
