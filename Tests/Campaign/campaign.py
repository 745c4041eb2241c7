#!/usr/bin/python3
"""Kills the agent, its keeper or both at random instants while workers of all kinds live and die, and then compares the
history with what the workers themselves and this program know.

Each worker writes a journal of its own life (worker.c), and this program one of the signals that it sent. What it looks
for is in `Verdict`. Everything is random from --seed; only time is not.

REEVE names the program; default: .build/debug/reeve.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ["steady", "polite", "slow", "stubborn", "crasher", "aborter", "forker", "job"]
# Signals that this program sends to workers.
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, timeout=5.0):
    """The status and the decoded body; OSError or HTTPException when the agent is not there."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body[:1] in b"{[" else body
    finally:
        connection.close()


GONE = (OSError, http.client.HTTPException, ValueError)


class World:
    """The agent with its workers in a directory of its own."""

    def __init__(self, reeve, workers, randomness):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reeve-campaign-"))
        self.reeve = reeve
        self.randomness = randomness
        self.socket = str(self.directory / "control.sock")
        self.names = []
        helper = self.directory / "worker"
        subprocess.run(["cc", "-O1", "-Wall", "-o", helper, HERE / "worker.c"], check=True)
        lines = [
            "[agent]",
            f'state_dir = "{self.directory}/state"',
            f'log_dir = "{self.directory}/logs"',
            "[control]",
            f'socket = "{self.socket}"',
            "[defaults]",
            f'directory = "{self.directory}"',
            'restart = "on-failure"',
            'backoff = { initial = "50ms", max = "200ms", reset_after = "300ms" }',
            'stop = { grace = "400ms" }',
        ]
        for number in range(workers):
            kind = KINDS[number % len(KINDS)]
            name = f"{kind}-{number}"
            self.names.append(name)
            lines += [f"[workers.{name}]", f'command = ["{helper}", "{kind}", "{self.directory}"]']
        (self.directory / "reeve.toml").write_text("\n".join(lines) + "\n")
        self.log = open(self.directory / "reeve.log", "ab")
        self.journal = self.directory / "journal"
        self.journal.touch()
        self.keeper = None
        self.start()

    def start(self):
        # A session of its own, so that nothing that is sent to this program's group reaches it.
        self.keeper = subprocess.Popen(
            [self.reeve, "run", "--config", self.directory / "reeve.toml"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )

    def answers(self):
        try:
            return ask(self.socket, "GET", "/v1/workers", timeout=2)[0] == 200
        except GONE:
            return False

    def wait_until_it_answers(self, limit=30.0):
        """Seconds until the API answered."""
        begin = time.monotonic()
        while not self.answers():
            if time.monotonic() - begin > limit:
                raise SystemExit(f"the agent does not answer; see {self.directory}/reeve.log")
            time.sleep(0.002)
        return time.monotonic() - begin

    def agents(self):
        """The children of the keeper that are reeve themselves."""
        found = []
        try:
            image = os.readlink(f"/proc/{self.keeper.pid}/exe")
            tasks = os.listdir(f"/proc/{self.keeper.pid}/task")
        except OSError:
            return found
        for task in tasks:
            try:
                children = pathlib.Path(f"/proc/{self.keeper.pid}/task/{task}/children").read_text().split()
            except OSError:
                continue
            for child in map(int, children):
                try:
                    if os.readlink(f"/proc/{child}/exe") == image:
                        found.append(child)
                except OSError:
                    pass
        return sorted(found)

    def lines(self):
        return [line.split() for line in self.journal.read_text().splitlines()]

    def processes(self):
        """Everything that lives in the directory, but the agent and its keeper."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.readlink(entry / "cwd") != str(self.directory):
                    continue
                if (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


def kill(pid, number, is_wanted=lambda: True):
    """Sends a signal to a process that is still the one that was meant; whether it was sent."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_wanted():
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def has_run(pid, run):
    try:
        return f"REEVE_RUN_ID={run}".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


class Trouble(threading.Thread):
    """Operations and signals at random, as people and the kernel would make them."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world = world
        self.randomness = random.Random(seed)
        self.ends = threading.Event()
        self.sent = collections.defaultdict(set)
        self.asked = collections.Counter()

    def run(self):
        while not self.ends.wait(self.randomness.uniform(0.0, 0.06)):
            if self.randomness.random() < 0.5:
                self.operate()
            else:
                self.signal()

    def operate(self):
        name = self.randomness.choice(self.world.names)
        action = self.randomness.choice(["restart", "restart", "start", "start", "stop", "reset"])
        query = "" if action == "reset" else "?wait=none"
        try:
            status, _ = ask(self.world.socket, "POST", f"/v1/workers/{name}/{action}{query}", timeout=2)
            self.asked[status] += 1
        except GONE:
            self.asked["not there"] += 1

    def signal(self):
        live = {}
        for line in self.world.lines()[-400:]:
            if line[3] == "start":
                live[line[0]] = int(line[2])
            elif line[3] in ("exit", "signal"):
                live.pop(line[0], None)
        if not live:
            return
        run, pid = self.randomness.choice(sorted(live.items()))
        number = self.randomness.choice(SIGNALS)
        # Noted before it is sent: it may end the process before this program runs again.
        if has_run(pid, run):
            self.sent[run].add(int(number))
            kill(pid, number, lambda: has_run(pid, run))


class Verdict:
    """What the history must say, given what is known without it."""

    def __init__(self, world, trouble):
        self.findings = collections.Counter()
        self.examples = {}
        journal = collections.OrderedDict()
        for run, instance, pid, what, *number in world.lines():
            entry = journal.setdefault(run, {"instance": instance, "pid": int(pid), "plan": None, "what": []})
            entry["what"].append(what)
            if what == "exit":
                entry["plan"] = int(number[0]) << 8
            elif what == "signal":
                entry["plan"] = int(number[0])
        database = sqlite3.connect(f"file:{world.directory}/state/history.db?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        exits = collections.defaultdict(list)
        for row in database.execute("SELECT * FROM exits ORDER BY seq"):
            exits[row["run_id"]].append(row)
        numbers = [row["seq"] for rows in exits.values() for row in rows]
        self.exits = len(numbers)
        self.runs = len(journal)
        self.outcomes = collections.Counter(row["cause"] for rows in exits.values() for row in rows)
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            self.find("numbers with gaps", f"{min(numbers)} to {max(numbers)}, {len(numbers)} of them")
        for run, entry in journal.items():
            rows = exits.get(run, [])
            if "twice" in entry["what"]:
                self.find("instances running twice", f"{entry['instance']} {run}")
            if entry["what"].count("start") != 1:
                self.find("runs started twice", f"{entry['instance']} {run}")
            if not rows:
                self.find("exits missing", f"{entry['instance']} {run} {entry['what']}")
            elif len(rows) > 1:
                self.find("exits doubled", f"{entry['instance']} {run}")
            else:
                self.check(run, entry, rows[0], trouble.sent.get(run, set()))
        for run, rows in exits.items():
            for row in rows:
                if row["outcome"] == "unknown" or row["cause"] == "unknown":
                    self.find("exits unknown", f"{row['worker']}.{row['instance']} seq {row['seq']}")
                if run not in journal and row["outcome"] == "exited":
                    self.find("exits of nobody", f"{row['worker']}.{row['instance']} seq {row['seq']}")
        database.close()

    def check(self, run, entry, row, sent):
        status = row["wait_status"]
        if status is None:
            self.find("wrong status", f"{entry['instance']} {run}: none, {row['outcome']} {row['error_message']}")
            return
        number = status & 0x7F
        expected = set(sent)
        if row["requested_by"] is not None:
            # The agent asked it to end, in one way or the other.
            expected |= {signal.SIGTERM, signal.SIGKILL}
        right = status == entry["plan"] or (number in expected and status == number)
        if not right:
            self.find(
                "wrong status",
                f"{entry['instance']} {run} seq {row['seq']}: {status} {row['cause']}, planned {entry['plan']}, "
                f"sent {sorted(sent)}, requested by {row['requested_by']}",
            )
        if entry["pid"] != row["pid"]:
            self.find("wrong pid", f"{entry['instance']} {run}: {row['pid']}, was {entry['pid']}")

    def find(self, what, example):
        self.findings[what] += 1
        self.examples.setdefault(what, []).append(example)


def end_of(world):
    """Ends the agent in its orderly way; what is left of the workers afterwards."""
    kill(world.keeper.pid, signal.SIGTERM)
    try:
        world.keeper.wait(30)
    except subprocess.TimeoutExpired:
        world.keeper.kill()
        world.keeper.wait()
        return ["the keeper did not end"]
    deadline = time.monotonic() + 5
    while world.processes() and time.monotonic() < deadline:
        time.sleep(0.01)
    return world.processes()


def kill_agent(world, randomness):
    """Kills the agent at a random instant; the seconds until the API answered again."""
    time.sleep(randomness.uniform(0.0, 0.2))
    agents = world.agents()
    if not agents:
        return None
    kill(agents[0], signal.SIGKILL)
    # Now and then its successor, too, at any instant of its recovery.
    while randomness.random() < 0.3:
        deadline = time.monotonic() + randomness.uniform(0.0, 0.08)
        while time.monotonic() < deadline:
            time.sleep(0.001)
        for agent in world.agents()[:1]:
            kill(agent, signal.SIGKILL)
    return world.wait_until_it_answers()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0, help="go on for so long when the kills are over")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    reeve = os.environ.get("REEVE", str(HERE.parent.parent / ".build/debug/reeve"))
    print(f"seed {options.seed}, {options.kills} kills, {options.workers} workers, {reeve}", flush=True)
    randomness = random.Random(options.seed)
    world = World(os.path.abspath(reeve), options.workers, randomness)
    begin = time.monotonic()
    try:
        world.wait_until_it_answers()
        trouble = Trouble(world, options.seed + 1)
        trouble.start()
        times = []
        for count in range(1, options.kills + 1):
            seconds = kill_agent(world, randomness)
            if seconds is not None:
                times.append(seconds)
            if count % 100 == 0:
                print(f"{count} kills, {len(world.lines())} lines in the journal", flush=True)
            if world.keeper.poll() is not None:
                raise SystemExit(f"the keeper ended with {world.keeper.returncode}; see {world.directory}/reeve.log")
        time.sleep(options.seconds)
        trouble.ends.set()
        trouble.join()
        left = end_of(world)
        verdict = Verdict(world, trouble)
        if left:
            verdict.find("processes left", str(left))
        print(
            f"{verdict.runs} runs, {verdict.exits} exits {dict(verdict.outcomes)}; "
            f"operations answered {dict(trouble.asked)}; {time.monotonic() - begin:.0f} s"
        )
        if times:
            print(
                f"API back after {statistics.median(times) * 1000:.0f} ms (median), "
                f"{max(times) * 1000:.0f} ms (worst of {len(times)})"
            )
        for what in [
            "exits missing", "exits doubled", "wrong status", "exits unknown", "instances running twice",
            "runs started twice", "wrong pid", "exits of nobody", "numbers with gaps", "processes left",
        ]:
            print(f"{verdict.findings[what]:6} {what}")
            for example in verdict.examples.get(what, [])[:5]:
                print(f"         {example}")
        if verdict.findings:
            print(f"FAILED; everything is in {world.directory}")
            return 1
        shutil.rmtree(world.directory)
        return 0
    finally:
        if world.keeper.poll() is None:
            world.keeper.kill()
        for pid in world.processes():
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
