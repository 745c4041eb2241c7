"""Checks /metrics of an agent of its own; see scripts/check-metrics."""

import argparse
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from fuzz_openapi import CONFIGURATION, UnixConnection, ask, wait_until_ready
from prometheus_client.parser import text_string_to_metric_families

DOCUMENT = pathlib.Path(__file__).parent.parent / "docs/metrics.md"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# One that a signal ends and whose output is kept, beside the workers of every kind.
MORE_WORKERS = """
[workers.killed]
command = ["/bin/sh", "-c", "kill -KILL $$"]
restart = "never"
output = { stdout = "capture", stderr = "capture" }
"""
# Prometheus sets these itself.
RESERVED = {"instance", "job", "le", "quantile"}
# Documented, and only there with a feature that the example lacks.
MAY_BE_ABSENT = {"reeve_worker_healthy"}
# Of the agent's beginning until now they only rise.
SETTLING_SECONDS = 20


def scrape(path):
    connection = UnixConnection(path)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200 or answer.headers["Content-Type"] != CONTENT_TYPE:
            raise RuntimeError(f"/metrics answers {answer.status} with {answer.headers['Content-Type']}")
        return text
    finally:
        connection.close()


def families(text):
    """By the name that the text has, which the client shortens for counters."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        if name in found:
            raise RuntimeError(f"{name} comes twice")
        found[name] = family
    return found


def form_findings(text, found):
    """What is against the format or the conventions, told."""
    if not text.endswith("\n"):
        yield "the last line does not end"
    names = [line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    if names != list(found):
        yield f"types without samples: {sorted(set(names) ^ set(found))}"
    seen = set()
    for name, family in found.items():
        if not family.documentation.endswith((".", "seconds.", ")")) or f"# HELP {name} " not in text:
            yield f"{name} has no help that is a sentence"
        if family.type not in ("counter", "gauge", "histogram"):
            yield f"{name} is a {family.type}"
        if re.search(r"[A-Z]|_(ms|milliseconds|minutes|kilobytes|megabytes|percent|ratio|count|sum|bucket)$", name):
            yield f"{name} is no name by the conventions"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                yield f"{key} comes twice"
            seen.add(key)
            allowed = {"le"} if family.type == "histogram" and sample.name.endswith("_bucket") else set()
            if (RESERVED - allowed) & set(sample.labels):
                yield f"{sample.name} has a label of Prometheus's own: {sorted(sample.labels)}"
            if family.type == "counter" and not (math.isfinite(sample.value) and sample.value >= 0):
                yield f"{sample.name} is {sample.value}"
        if family.type == "histogram":
            yield from histogram_findings(name, family)


def histogram_findings(name, family):
    values = {sample.name.removeprefix(name): sample.value for sample in family.samples if "le" not in sample.labels}
    buckets = [(float(sample.labels["le"]), sample.value) for sample in family.samples if "le" in sample.labels]
    if buckets != sorted(buckets) or [count for _, count in buckets] != sorted(count for _, count in buckets):
        yield f"{name}: buckets out of order"
    if not buckets or not math.isinf(buckets[-1][0]) or buckets[-1][1] != values.get("_count"):
        yield f"{name}: the last bucket does not hold all"
    if "_sum" not in values:
        yield f"{name} has no sum"


def counter_findings(before, after):
    for name, family in before.items():
        if family.type != "counter" or name == "reeve_worker_cpu_seconds_total":
            continue  # That one begins anew with each run.
        later = {(sample.name, tuple(sample.labels.items())): sample.value for sample in after[name].samples}
        for sample in family.samples:
            value = later.get((sample.name, tuple(sample.labels.items())))
            if value is None or value < sample.value:
                yield f"{sample.name}{sample.labels} went from {sample.value} to {value}"


def document_findings(found):
    documented = set(re.findall(r"^\| `((?:reeve|process)_[a-z0-9_]+)", DOCUMENT.read_text(), re.MULTILINE))
    for name in sorted(set(found) - documented):
        yield f"{name} is not in {DOCUMENT.name}"
    for name in sorted(documented - set(found) - MAY_BE_ABSENT):
        yield f"{name} is in {DOCUMENT.name} and not in /metrics"


def value(found, name, **labels):
    samples = found[name].samples if name in found else ()
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def story_findings(found, path):
    """Whether the numbers are those of the configuration's workers."""
    if value(found, "reeve_worker_up", worker="several") != 3 or value(found, "reeve_worker_up", worker="job") != 0:
        yield "reeve_worker_up is wrong"
    if value(found, "reeve_worker_exits_total", worker="job", cause="finished") != 1:
        yield "the job has not finished once"
    if value(found, "reeve_worker_exits_total", worker="absent", cause="exec_failed") < 1:
        yield "the worker without a program has no exit"
    if value(found, "reeve_worker_last_exit_signal", worker="killed") != 9:
        yield "the worker that was killed was not"
    exits = ask(path, "GET", "/v1/exits?worker=failing&limit=1000")[1]["exits"]
    if not 0 < value(found, "reeve_worker_exits_total", worker="failing") <= len(exits):
        yield "other exits are counted than recorded"
    if value(found, "reeve_worker_resident_memory_bytes", worker="sleeper") < 4096:
        yield "the sleeper has no memory"


def check(path):
    end = time.monotonic() + SETTLING_SECONDS
    before = families(scrape(path))
    while True:
        text = scrape(path)
        found = families(text)
        # The workers begin, each in its way.
        has_signal = "reeve_worker_last_exit_signal" in found
        story = [*story_findings(found, path)] if has_signal else ["no worker was killed"]
        if not story or time.monotonic() > end:
            break
        time.sleep(0.05)
    return [
        *form_findings(text, found),
        *counter_findings(before, found),
        *document_findings(found),
        *story,
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reeve", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reeve-metrics-") as name:
        directory = pathlib.Path(name)
        (directory / "reeve.toml").write_text(CONFIGURATION.format(directory=directory) + MORE_WORKERS)
        path = str(directory / "control.sock")
        log = directory / "agent.log"
        with log.open("wb") as output:
            agent = subprocess.Popen(
                [os.path.abspath(arguments.reeve), "run", "--config", directory / "reeve.toml"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until_ready(agent, path)
            findings = check(path)
            ask(path, "POST", "/v1/agent/shutdown?reason=done")
            agent.wait(timeout=30)
        except (RuntimeError, ValueError, OSError, subprocess.TimeoutExpired) as error:
            print(f"check-metrics: {error}; the end of the agent's log:", file=sys.stderr)
            print(log.read_bytes()[-4000:].decode(errors="replace"), file=sys.stderr)
            return 1
        finally:
            if agent.poll() is None:
                agent.terminate()
                try:
                    agent.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    agent.kill()
                    agent.wait()
    for finding in findings:
        print(f"/metrics: {finding}", file=sys.stderr)
    print("/metrics: " + (f"{len(findings)} findings" if findings else "OK"))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
