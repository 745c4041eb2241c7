"""Runs schemathesis against an agent of its own; see scripts/fuzz-openapi.

Over TCP the agent takes no changes, and schemathesis knows no Unix sockets, so a relay on a free port of 127.0.0.1 stands
between them for as long as the run lasts.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent

# Harmless, and of every kind: one that lives, one with several instances, one that fails, one that ends well, one that
# never starts, one that ignores its end.
CONFIGURATION = """
[agent]
state_dir = "{directory}/state"

[control]
socket = "{directory}/control.sock"

[defaults]
output = {{ stdout = "null", stderr = "null" }}
stop = {{ grace = "100ms" }}

[workers.sleeper]
command = ["/bin/sleep", "1000"]

[workers.several]
command = ["/bin/sleep", "1000"]
instances = 3

[workers.failing]
command = ["/bin/sh", "-c", "exit 3"]
backoff = {{ initial = "200ms", max = "1s" }}

[workers.job]
command = ["/bin/true"]

[workers.absent]
command = ["/nonexistent/program"]

[workers.stubborn]
command = ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
"""

SCHEMATHESIS = """
hooks = "{hooks}"

[checks]
# What the document cannot say is 400 all the same: `timeout` without `after`, a signal that does not exist.
positive_data_acceptance.enabled = false
# Documented: not ready or too busy, and a timeout that has passed. Whether they are is another check's matter.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503", "504"]
# What is too long is refused for that, whatever else is wrong with it.
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "431"]
"""


class Relay:
    """Passes bytes between TCP connections to 127.0.0.1 and a Unix socket, on a thread of its own."""

    def __init__(self, path):
        self.path = path
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=5)

    async def serve(self, reader, writer):
        try:
            agent_reader, agent_writer = await asyncio.open_unix_connection(self.path)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.copy(reader, agent_writer), self.copy(agent_reader, writer))

    @staticmethod
    async def copy(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target):
    connection = UnixConnection(path)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_until_ready(agent, path):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if agent.poll() is not None:
            raise RuntimeError(f"the agent ended with {agent.returncode}")
        with contextlib.suppress(OSError):
            if ask(path, "GET", "/healthz")[0] == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the agent does not answer")


def schemathesis(arguments, directory, port):
    configuration = directory / "schemathesis.toml"
    configuration.write_text(SCHEMATHESIS.format(hooks=HERE / "fuzz_openapi_hooks.py"))
    command = [
        HERE.parent / ".venv/bin/schemathesis",
        "--config-file",
        configuration,
        "run",
        f"http://127.0.0.1:{port}/openapi.json",
        "--no-color",
        "--exclude-path=/v1/agent/shutdown",
        "--exclude-path=/v1/agent/upgrade",
        f"--max-examples={arguments.examples}",
        f"--max-time={arguments.seconds}",
        f"--seed={arguments.seed}",
        "--generation-database=none",
        "--request-timeout=20",
        "--suppress-health-check=all",
        "--continue-on-failure",
        "--warnings=off",
    ]
    print(f"== schemathesis with seed {arguments.seed}", flush=True)
    # Its own bound holds for the phases that repeat; this one for everything.
    return subprocess.run(command, cwd=directory, timeout=arguments.seconds * 3 + 60, check=False).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reeve", required=True)
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reeve-fuzz-") as name:
        directory = pathlib.Path(name)
        (directory / "reeve.toml").write_text(CONFIGURATION.format(directory=directory))
        path = str(directory / "control.sock")
        log = directory / "agent.log"
        with log.open("wb") as output:
            agent = subprocess.Popen(
                [os.path.abspath(arguments.reeve), "run", "--config", directory / "reeve.toml"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        relay = None
        try:
            wait_until_ready(agent, path)
            relay = Relay(path)
            status = schemathesis(arguments, directory, relay.port)
            # It has borne all of that, and ends as it should.
            if ask(path, "GET", "/healthz")[0] != 200:
                raise RuntimeError("the agent is not well after the run")
            if ask(path, "POST", "/v1/agent/shutdown?reason=done")[0] != 202:
                raise RuntimeError("the agent refused its shutdown")
            if agent.wait(timeout=30) != 0:
                raise RuntimeError(f"the agent ended with {agent.returncode}")
            return status
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            print(f"fuzz-openapi: {error}; the end of the agent's log:", file=sys.stderr)
            print(log.read_bytes()[-4000:].decode(errors="replace"), file=sys.stderr)
            return 1
        finally:
            if relay is not None:
                relay.stop()
            if agent.poll() is None:
                agent.kill()
                agent.wait()


if __name__ == "__main__":
    sys.exit(main())
