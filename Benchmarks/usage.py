"""What a program uses while nothing happens, as /proc tells (proc(5))."""

import os
import pathlib


def own_processes(root):
    """The pids of a supervisor: `root` and its descendants, without the workers."""
    parents, names = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                head, tail = (entry / "stat").read_text().rsplit(")", 1)
            except OSError:
                continue
            parents[int(entry.name)] = int(tail.split()[1])
            names[int(entry.name)] = head.split("(", 1)[1]
    own, unseen = [], [root]
    while unseen:
        pid = unseen.pop()
        if names.get(pid) not in ("bench-worker", "bench-writer"):
            own.append(pid)
        unseen += [child for child, parent in parents.items() if parent == pid]
    return own


def context_switches(pids):
    """Of all threads together, voluntary or not: each time a thread of an idle program runs counts one."""
    return sum(
        int(line.split()[1])
        for pid in pids
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()
        for line in (thread / "status").read_text().splitlines()
        if "ctxt_switches:" in line
    )


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """{"Private_Dirty": bytes, "Pss": bytes, …} of all together."""
    total = {}
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, size = line.split(":")
            total[name] = total.get(name, 0) + int(size.split()[0]) * 1024
    return total
