"""The agent and its keeper with their workers, in a directory of their own, and the init that they live under."""

import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import typing

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ["steady", "polite", "slow", "stubborn", "crasher", "aborter", "forker", "job"]


class Gap(typing.NamedTuple):
    """A time in which nobody was there, in seconds of the wall clock."""

    first_kill: float
    last_kill: float
    next_answer: float


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


class Init(threading.Thread):
    """Reaps what loses its parent."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        pr_set_child_subreaper = 36
        if ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")

    def run(self):
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
                if ended.si_pid == self.world.keeper.pid:
                    self.world.keeper.poll()
                else:
                    os.waitpid(ended.si_pid, 0)
            except ChildProcessError:
                time.sleep(0.001)


class World:
    """The agent with its workers in a directory of its own."""

    def __init__(self, reeve, workers, fate, randomness):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reeve-campaign-"))
        self.reeve = reeve
        self.randomness = randomness
        self.socket = str(self.directory / "control.sock")
        self.names = []
        self.fate = fate
        helper = self.directory / "worker"
        subprocess.run(["cc", "-O1", "-Wall", "-o", helper, HERE / "worker.c"], check=True)
        lines = [
            "[agent]",
            f'state_dir = "{self.directory}/state"',
            f'log_dir = "{self.directory}/logs"',
            *([f'on_keeper_death = "{fate}"'] if fate else []),
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
        self.gaps: list[Gap] = []
        self.start()
        Init(self).start()

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

    def answers_within(self, limit):
        """Seconds until the API answered; None when it did not."""
        begin = time.monotonic()
        while not self.answers():
            if time.monotonic() - begin > limit:
                return None
            time.sleep(0.002)
        return time.monotonic() - begin

    def wait_until_it_answers(self):
        """Seconds until the API answered."""
        seconds = self.answers_within(30.0)
        if seconds is None:
            raise SystemExit(f"the agent does not answer; see {self.directory}/reeve.log")
        return seconds

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

    def guards(self):
        """Every keeper and agent of this world."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"{self.directory}/reeve.toml".encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

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
