#!/usr/bin/python3
"""Kills the agent, its keeper or both at random instants while workers of all kinds live and die, and then compares the
history with what the workers themselves and this program know.

Each worker writes a journal of its own life (worker.c), and this program one of the signals that it sent. What it looks
for is in `Verdict`. Everything is random from --seed; only time is not.

This program is also the init of all that it looks at: what loses its parent becomes its child and is reaped at once, and a
keeper that was killed is followed by another one, a moment later.

REEVE names the program; default: .build/debug/reeve.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from verdict import Verdict
from world import GONE, HERE, Gap, World, ask, has_run, kill

# Signals that this program sends to workers.
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT]


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
        action = self.randomness.choice(["restart", "restart", "start", "start", "stop", "reset", "scale"])
        method, target = "POST", f"/v1/workers/{name}/{action}" + ("" if action == "reset" else "?wait=none")
        if action == "scale":
            count = self.randomness.randint(0, 3)
            method, target = "PUT", f"/v1/workers/{name}/instances?wait=none&count={count}"
        try:
            status, _ = ask(self.world.socket, method, target, timeout=2)
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


class Client(threading.Thread):
    """Asks again and again, as a monitor does, and knows the longest time without an answer."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.ends = threading.Event()
        self.longest = 0.0

    def run(self):
        last = time.monotonic()
        while not self.ends.wait(0.01):
            if self.world.answers():
                now = time.monotonic()
                self.longest = max(self.longest, now - last)
                last = now


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


def kill_agent(world, randomness, _findings):
    """Kills the agent at a random instant; the seconds until the API answered again."""
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


def start_next_keeper(world, old):
    """As init does; the seconds until an agent of the new one answered."""
    begin = time.monotonic()
    world.start()
    while not set(world.agents()) - set(old) or not world.answers():
        if world.keeper.poll() is not None:
            raise SystemExit(f"the keeper ended with {world.keeper.returncode}; see {world.directory}/reeve.log")
        if time.monotonic() - begin > 30:
            raise SystemExit(f"the next agent does not answer; see {world.directory}/reeve.log")
        time.sleep(0.002)
    return time.monotonic() - begin


def lose_keeper(world, randomness, findings, also_agent):
    """Kills the keeper at a random instant, or both; the seconds from the start of the next until the API answered."""
    agents = world.agents()
    if not agents or not world.answers():
        return None
    begin = time.time()
    victims = [world.keeper.pid] + (agents if also_agent else [])
    randomness.shuffle(victims)
    for victim in victims:
        kill(victim, signal.SIGKILL)
        if also_agent:
            time.sleep(randomness.uniform(0.0, 0.01))
    last = time.time()
    world.keeper.wait()
    if world.fate == "kill" and not also_agent:
        # The agent ends the workers, and then itself.
        deadline = time.monotonic() + 60
        while (world.processes() or any(os.path.exists(f"/proc/{agent}") for agent in agents)):
            if time.monotonic() > deadline:
                findings["workers that outlived the keeper"] += 1
                break
            time.sleep(0.005)
    else:
        time.sleep(randomness.uniform(0.0, 0.2))
        # A busy machine may delay it.
        if not also_agent and world.answers_within(20.0) is None:
            findings["no answer without a keeper"] += 1
    seconds = start_next_keeper(world, agents)
    world.gaps.append(Gap(begin, last, time.time()))
    return seconds


TARGETS = {
    "agent": kill_agent,
    "keeper": lambda *arguments: lose_keeper(*arguments, also_agent=False),
    "both": lambda *arguments: lose_keeper(*arguments, also_agent=True),
}
FINDINGS = [
    "exits missing", "exits doubled", "wrong status", "exits unknown", "instances running twice", "runs started twice",
    "wrong pid", "exits of nobody", "numbers with gaps", "processes left", "no answer without a keeper",
    "workers that outlived the keeper",
]


def campaign(world, options, randomness, findings):
    """The kills; the seconds until the API was back after each."""
    times = []
    for count in range(1, options.kills + 1):
        time.sleep(randomness.uniform(0.0, 0.2))
        seconds = TARGETS[options.target](world, randomness, findings)
        if seconds is not None:
            times.append(seconds)
        if count % 100 == 0:
            print(f"{count} kills, {len(world.lines())} lines in the journal", flush=True)
        if world.keeper.poll() is not None:
            raise SystemExit(f"the keeper ended with {world.keeper.returncode}; see {world.directory}/reeve.log")
    return times


def tell(verdict, times, trouble, seconds):
    print(
        f"{verdict.runs} runs, {verdict.exits} exits {dict(verdict.outcomes)}; "
        f"operations answered {dict(trouble.asked)}; {seconds:.0f} s"
    )
    if times:
        print(
            f"API back after {statistics.median(times) * 1000:.0f} ms (median), "
            f"{max(times) * 1000:.0f} ms (worst of {len(times)})"
        )
    for what in FINDINGS:
        print(f"{verdict.findings[what]:6} {what}")
        for example in verdict.examples.get(what, [])[:5]:
            print(f"         {example}")
    if verdict.excused:
        print(f"{verdict.excused:6} ended while neither agent nor keeper was there, and nobody can tell how")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--target", choices=sorted(TARGETS), default="agent")
    parser.add_argument("--fate", choices=["keep", "kill"], help="on_keeper_death of the configuration")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0, help="go on for so long when the kills are over")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    reeve = os.environ.get("REEVE", str(HERE.parent.parent / ".build/debug/reeve"))
    print(
        f"seed {options.seed}, {options.kills} kills of {options.target}, {options.workers} workers, "
        f"on_keeper_death {options.fate or 'by default'}, {reeve}",
        flush=True,
    )
    randomness = random.Random(options.seed)
    world = World(os.path.abspath(reeve), options.workers, options.fate, randomness)
    begin = time.monotonic()
    try:
        world.wait_until_it_answers()
        trouble = Trouble(world, options.seed + 1)
        trouble.start()
        client = Client(world)
        client.start()
        findings = collections.Counter()
        times = campaign(world, options, randomness, findings)
        time.sleep(options.seconds)
        trouble.ends.set()
        client.ends.set()
        trouble.join()
        client.join()
        left = end_of(world)
        verdict = Verdict(world, trouble, excuses=options.target == "both" or options.fate == "kill")
        verdict.findings.update(findings)
        if left:
            verdict.find("processes left", str(left))
        tell(verdict, times, trouble, time.monotonic() - begin)
        print(f"{client.longest * 1000:.0f} ms was the longest time without an answer")
        if verdict.findings:
            print(f"FAILED; everything is in {world.directory}")
            return 1
        shutil.rmtree(world.directory)
        return 0
    finally:
        for pid in world.guards() + world.processes():
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
