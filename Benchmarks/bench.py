#!/usr/bin/python3
"""Measures reeve beside programs that do nearly nothing, in one run and turn by turn, so that a busy machine hurts both.

Absolute figures tell of the machine, the ratios of reeve. docs/performance.md says what each figure means.
REEVE names the program to measure; default: .build/release/reeve.
"""

import argparse
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import usage
from subjects import Agent, File, FloodedAgent, Helpers, Loop, Server, WritingAgent

MILLISECOND = 1e6  # nanoseconds
MEBIBYTE = 1 << 20
CONNECTIONS = 16


class Table:
    """The result: a line for each figure, with the limit that it must keep where there is one."""

    def __init__(self):
        self.missed = []
        print(f"\n{'':34}{'reeve':>14}{'beside it':>14}{'ratio':>8}  {'limit':14}")

    def add(self, name, own, other, *, unit, at_most=None, at_least=None):
        ratio = own / other
        limit, kept = "", True
        if at_most is not None:
            limit, kept = f"at most {at_most}", ratio <= at_most
        if at_least is not None:
            limit, kept = f"at least {at_least}", ratio >= at_least
        self._print(name, f"{own:,.2f} {unit}", f"{other:,.2f} {unit}", f"{ratio:.2f}", limit, kept)

    def add_alone(self, name, value, *, unit, at_most=None):
        limit = "" if at_most is None else f"at most {at_most} {unit}".rstrip()
        self._print(name, f"{value:,.2f} {unit}", "", "", limit, at_most is None or value <= at_most)

    def _print(self, name, own, other, ratio, limit, kept):
        verdict = "" if not limit else "kept" if kept else "MISSED"
        if not kept:
            self.missed.append(name)
        print(f"{name:34}{own:>14}{other:>14}{ratio:>8}  {limit:14}{verdict}", flush=True)


def restart(helpers, table, options):
    """SIGKILL of a worker until its successor is in main(): median over the kills."""
    with Agent(helpers, 1) as agent, Loop(helpers, 1) as loop:
        times = {agent: [], loop: []}
        for _ in range(options.kills):
            for subject in times:
                time.sleep(0.05)
                times[subject].append(subject.kill(0) / MILLISECOND)
        own, other = times[agent], times[loop]
        table.add(
            f"restart, median of {options.kills}", statistics.median(own), statistics.median(other), unit="ms", at_most=1.3
        )
        table.add(f"restart, worst of {options.kills}", max(own), max(other), unit="ms")


def flood(helpers, table, options):
    """The restart of a worker beside one that floods, while clients ask as fast as they can; beside the same at rest."""
    half = max(1, options.kills // 2)

    def kill(agent):
        times = []
        for _ in range(half):
            time.sleep(0.05)
            times.append(agent.kill(0) / MILLISECOND)
        return times

    with Agent(helpers, 1) as agent:
        at_rest = kill(agent)
    with FloodedAgent(helpers, 1) as agent, Clients(agent.url()) as clients:
        time.sleep(1)
        flooded = kill(agent) + kill(agent)
    with Agent(helpers, 1) as agent:
        at_rest += kill(agent)
    table.add(
        f"restart, flooded, median of {2 * half}",
        statistics.median(flooded),
        statistics.median(at_rest),
        unit="ms",
        at_most=2.5,
    )
    table.add("restart, flooded, worst", max(flooded), max(at_rest), unit="ms")
    table.add_alone("status meanwhile, 99 in 100", clients.percentile(0.99) / 1000, unit="ms", at_most=20)


class Clients:
    """16 clients that ask as fast as they can, for as long as this context lasts."""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        self._log = tempfile.NamedTemporaryFile(prefix="reeve-bench-")
        command = ["h2load", "--h1", "--threads=1", f"--clients={CONNECTIONS}", "--requests=1000000000"]
        self._process = subprocess.Popen(
            [*command, f"--log-file={self._log.name}", self.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_):
        if self._process.poll() is not None:
            raise SystemExit("h2load ended before it was told to")
        self._process.kill()
        self._process.wait()
        # The last line may be a part of one.
        lines = pathlib.Path(self._log.name).read_text().split("\n")[:-1]
        fields = [line.split("\t") for line in lines]
        failed = sum(1 for field in fields if field[1] != "200")
        if failed or not fields:
            raise SystemExit(f"{failed} of {len(fields)} requests failed")
        self._times = sorted(int(field[2]) for field in fields)
        self._log.close()

    def percentile(self, part):
        """Microseconds within which this part of the requests was answered."""
        return self._times[int(len(self._times) * part)]


def output(helpers, table, options):
    """MiB/s of one worker that writes as fast as it can, into rotated files; beside the same writing into a file itself."""
    rates = {"agent": [], "file": []}
    for _ in range(options.writings):
        with File(helpers, options.mebibytes) as subject:
            rates["file"].append(options.mebibytes / subject.writing_time() * 1e9)
        with WritingAgent(helpers, 1, options.mebibytes) as subject:
            rates["agent"].append(options.mebibytes / subject.writing_time() * 1e9)
    table.add(
        f"output of {options.mebibytes} MiB",
        statistics.median(rates["agent"]),
        statistics.median(rates["file"]),
        unit="MiB/s",
        at_least=0.4,
    )


def lines(helpers, table, options):
    """The agent's share of a processor while many workers write a line a second each."""
    with WritingAgent(helpers, options.writers, 0) as agent:
        time.sleep(5)
        pids = usage.own_processes(agent.process.pid)
        begin, seconds = time.monotonic(), usage.cpu_seconds(pids)
        time.sleep(options.idle)
        share = 100 * (usage.cpu_seconds(pids) - seconds) / (time.monotonic() - begin)
    table.add_alone(f"{options.writers} lines a second: CPU", share, unit="%", at_most=3)


def burst(helpers, table, options):
    """All workers killed at once until the last successor is in main(): median over the rounds."""
    with Agent(helpers, options.workers) as agent, Loop(helpers, options.workers) as loop:
        times = {agent: [], loop: []}
        for _ in range(options.rounds):
            for subject in times:
                time.sleep(0.3)
                times[subject].append(subject.kill_all() / MILLISECOND)
        table.add(
            f"{options.workers} killed at once, all back",
            statistics.median(times[agent]),
            statistics.median(times[loop]),
            unit="ms",
            at_most=1.5,
        )


def start_and_idle(helpers, table, options):
    """From launch to the last worker's main(); then what the agent uses while nothing happens."""
    own, other = [], []
    for _ in range(3):
        with Loop(helpers, options.workers) as loop:
            other.append(loop.start_time() / MILLISECOND)
        with Agent(helpers, options.workers) as agent:
            own.append(agent.start_time() / MILLISECOND)
    table.add(f"start of {options.workers} workers", statistics.median(own), statistics.median(other), unit="ms")

    with Agent(helpers, options.workers) as agent:
        time.sleep(2)
        pids = usage.own_processes(agent.process.pid)
        switches, seconds = usage.context_switches(pids), usage.cpu_seconds(pids)
        time.sleep(options.idle)
        switches, seconds = usage.context_switches(pids) - switches, usage.cpu_seconds(pids) - seconds
        memory = usage.memory(pids)
        table.add_alone(f"idle: wake-ups in {options.idle} s", switches, unit="", at_most=0)
        table.add_alone(f"idle: CPU in {options.idle} s", seconds * 1000, unit="ms")
        table.add_alone("memory: private, written", memory["Private_Dirty"] / MEBIBYTE, unit="MiB")
        table.add_alone("memory: proportional share", memory["Pss"] / MEBIBYTE, unit="MiB")


def http(helpers, table, options):
    """Requests a second for the status of all workers, over connections that are kept: median over the rounds."""
    with Agent(helpers, options.workers) as agent:
        time.sleep(2)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(agent.url()) as answer:
            size = len(answer.read())
        with Server(helpers, size) as server:
            rates = {agent: [], server: []}
            for subject in rates:
                load(subject.url(), 500)
            for _ in range(options.rounds):
                for subject in rates:
                    rates[subject].append(load(subject.url(), options.requests))
            table.add(
                f"status of {options.workers} ({size:,} bytes)",
                statistics.median(rates[agent]),
                statistics.median(rates[server]),
                unit="/s",
                at_least=0.8,
            )


def load(url, requests):
    """Requests a second, of which every one must have succeeded."""
    command = ["h2load", "--h1", "--threads=1", f"--clients={CONNECTIONS}", f"--requests={requests}", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    succeeded = int(re.search(r"(\d+) 2xx", output).group(1))
    if succeeded != requests:
        raise SystemExit(f"{requests - succeeded} of {requests} requests to {url} failed\n{output}")
    return float(re.search(r"finished in [^,]*, ([\d.]+) req/s", output).group(1))


MEASURES = {
    "restart": restart,
    "burst": burst,
    "idle": start_and_idle,
    "http": http,
    "output": output,
    "flood": flood,
    "lines": lines,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; default: all")
    parser.add_argument("--kills", type=int, default=100, help="of a single worker")
    parser.add_argument("--workers", type=int, default=100, help="in the other measures")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=50_000, help="in a round of http")
    parser.add_argument("--mebibytes", type=int, default=512, help="that are written in output")
    parser.add_argument("--writings", type=int, default=5, help="of each in output, in turn")
    parser.add_argument("--writers", type=int, default=1000, help="in lines")
    parser.add_argument("--flood", action="store_true", help="restart means flood")
    parser.add_argument("--idle", type=int, default=10, help="seconds")
    parser.add_argument("--check", action="store_true", help="exit status 1 when a limit is missed")
    options = parser.parse_args()
    unknown = set(options.measures) - set(MEASURES)
    if unknown:
        parser.error(f"no measure is called {', '.join(sorted(unknown))}")
    if not os.access(Agent.program, os.X_OK):
        parser.error(f"{Agent.program} is missing; run make build")

    version = subprocess.run([Agent.program, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"reeve {version}, Linux {platform.release()}, {os.cpu_count()} processors, {time.strftime('%Y-%m-%d')}")
    helpers, table = Helpers(), Table()
    for name in options.measures or MEASURES:
        MEASURES["flood" if options.flood and name == "restart" else name](helpers, table, options)
    if table.missed:
        print(f"\nmissed: {'; '.join(table.missed)}", file=sys.stderr)
    return 1 if table.missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
