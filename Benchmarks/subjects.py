"""What is measured: the agent, and the C programs beside it. Each runs in a directory of its own, as a child of ours."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import time

BIRTH = struct.Struct("=IIQ")  # struct birth of helpers/worker.c
PATIENCE = 60  # seconds for anything that should take less than one


class Helpers:
    """The C programs of helpers/, compiled into a directory that goes with this object."""

    def __init__(self):
        source = pathlib.Path(__file__).resolve().parent / "helpers"
        self._directory = tempfile.TemporaryDirectory(prefix="reeve-bench-")
        self.path = pathlib.Path(self._directory.name)
        programs = {"worker": ["-static"], "writer": ["-static"], "loop": [], "server": ["-lmicrohttpd"]}
        for name, flags in programs.items():
            command = ["cc", "-O2", "-Wall", "-Wextra", "-o", self.path / f"bench-{name}", source / f"{name}.c", *flags]
            subprocess.run(command, check=True)

    def __getitem__(self, name):
        return str(self.path / f"bench-{name}")


class Births:
    """The socket on which the workers of one subject report."""

    def __init__(self, path):
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(self.path)
        self._socket.settimeout(PATIENCE)

    def next(self):
        """(pid, number, nanoseconds) of the next one."""
        return BIRTH.unpack(self._socket.recv(BIRTH.size))

    def of_all(self, count):
        """The last birth of each of `count` workers: {number: (pid, nanoseconds)}."""
        births = {}
        while len(births) < count:
            pid, number, nanoseconds = self.next()
            births[number] = (pid, nanoseconds)
        return births

    def close(self):
        self._socket.close()


class Subject:
    """A program with `count` workers under it; a context that starts and ends it."""

    def __init__(self, helpers, count):
        self.helpers = helpers
        self.count = count

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="reeve-bench-")
        self.path = pathlib.Path(self._directory.name)
        self.births = Births(self.path / "births")
        command = self.command()
        self.log = open(self.path / "log", "wb")
        self.launched = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True
        )
        try:
            self.workers = self.births.of_all(self.count)
        except TimeoutError:
            self.__exit__()
            raise SystemExit(f"{command[0]} did not start {self.count} workers")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # The bare loop leaves its workers behind; each of ours has the birth socket among its arguments.
        for process in pathlib.Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    if self.births.path.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                        os.kill(int(process.name), signal.SIGKILL)
                except OSError:
                    continue
        self.births.close()
        self.log.close()
        self._directory.cleanup()

    def kill(self, number):
        """Kills a worker and returns the nanoseconds until its successor was in main()."""
        pid, _ = self.workers[number]
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        os.kill(pid, signal.SIGKILL)
        self.workers.update(self.births.of_all(1))
        return self.workers[number][1] - begin

    def kill_all(self):
        """Kills all workers and returns the nanoseconds until the last successor was in main()."""
        pids = [pid for pid, _ in self.workers.values()]
        begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.workers = self.births.of_all(self.count)
        return max(nanoseconds for _, nanoseconds in self.workers.values()) - begin

    def writing_time(self):
        """Nanoseconds from the first byte of a writer to its last one."""
        _, number, nanoseconds = self.births.next()
        return nanoseconds - self.workers[number][1]

    def start_time(self):
        """Nanoseconds from the launch until the last worker was in main()."""
        return max(nanoseconds for _, nanoseconds in self.workers.values()) - self.launched


class Loop(Subject):
    """The bare C loop."""

    def command(self):
        return [self.helpers["loop"], str(self.count), self.helpers["worker"], self.births.path]


class Agent(Subject):
    """reeve; a run of a millisecond counts as healthy, so that a killed worker is restarted at once each time."""

    program = os.path.abspath(os.environ.get("REEVE", ".build/release/reeve"))

    def command(self):
        self.port = free_port()
        tables = "".join(
            f"[workers.w{number}]\ncommand = {json.dumps(self.worker(number))}\n" for number in range(self.count)
        )
        configuration = self.path / "reeve.toml"
        configuration.write_text(
            f"""[agent]
state_dir = "{self.path}/state"
log_dir = "{self.path}/logs"

[control]
socket = "{self.path}/control.sock"

[[control.listeners]]
address = "127.0.0.1:{self.port}"
anonymous = "monitor"

[defaults]
restart = "always"

[defaults.backoff]
initial = "1ms"
reset_after = "1ms"

{tables}{self.more_tables()}"""
        )
        return [self.program, "run", "--config", str(configuration)]

    def worker(self, number):
        """The command of a worker."""
        return [self.helpers["worker"], self.births.path, str(number)]

    def more_tables(self):
        """Workers that report nothing."""
        return ""

    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/workers"


class FloodedAgent(Agent):
    """reeve with a worker more, which writes as fast as it can."""

    def more_tables(self):
        line = "a line of output as workers write them, of some sixty bytes"
        return f'[workers.flood]\ncommand = ["/usr/bin/yes", "{line}"]\n'


class WritingAgent(Agent):
    """reeve with workers that write: so many mebibytes each, or with 0 a line a second."""

    def __init__(self, helpers, count, mebibytes):
        super().__init__(helpers, count)
        self.mebibytes = mebibytes

    def worker(self, number):
        return [self.helpers["writer"], self.births.path, str(number), str(self.mebibytes)]


class File(Subject):
    """No supervisor: the writer writes into a file itself."""

    def __init__(self, helpers, mebibytes):
        super().__init__(helpers, 1)
        self.mebibytes = mebibytes

    def command(self):
        script = 'exec "$0" "$1" 0 "$2" >"$3"'
        return ["sh", "-c", script, self.helpers["writer"], self.births.path, str(self.mebibytes), f"{self.path}/file"]


class Server:
    """Bare libmicrohttpd with an answer of `size` bytes."""

    def __init__(self, helpers, size):
        self.port = free_port()
        self.command = [helpers["server"], str(self.port), str(size)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise SystemExit("the bare server did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def url(self):
        return f"http://127.0.0.1:{self.port}/"


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
