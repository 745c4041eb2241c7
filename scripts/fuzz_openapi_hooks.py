"""What schemathesis cannot know by itself: which workers there are, and that nobody wants to wait for a day."""

import random
import re
import urllib.parse

import schemathesis

WORKERS = ("sleeper", "several", "failing", "job", "absent", "stubborn")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DURATION = re.compile(r"[0-9]+(ms|s|m|h|d)")
DURATIONS = ("timeout", "observe", "grace")
# A restart of more, one after the other, takes longer than the run waits for an answer.
MOST_INSTANCES = 3

# Longer targets do not fit into the parser's memory; it refuses them by itself, without JSON.
LONGEST_QUERY = 8000


def shorten(values):
    """A valid duration or number of instances is replaced by a small one; an invalid one has to be refused as it is."""
    if not isinstance(values, dict):
        return
    for name in DURATIONS:
        value = values.get(name)
        if isinstance(value, str) and DURATION.fullmatch(value):
            values[name] = "20ms"
    count = str(values.get("count", ""))
    if count.isascii() and count.isdigit() and int(count) <= 10_000:
        values["count"] = type(values["count"])(int(count) % (MOST_INSTANCES + 1))


@schemathesis.hook
def filter_case(context, case):
    return len(urllib.parse.urlencode(case.query or {}, doseq=True)) <= LONGEST_QUERY


@schemathesis.hook
def before_call(context, case, kwargs):
    # The same case makes the same request, whatever else was asked before it.
    chance = random.Random(repr((case.method, case.path, case.path_parameters, case.query)))
    parameters = case.path_parameters or {}
    worker = parameters.get("worker")
    if isinstance(worker, str) and NAME.fullmatch(worker) and chance.random() < 0.8:
        parameters["worker"] = chance.choice(WORKERS)
    if "seq" in parameters and isinstance(parameters["seq"], int) and chance.random() < 0.5:
        parameters["seq"] = chance.randint(1, 20)
    shorten(case.query)
    shorten(case.body)
    # A stream without an end would keep the run waiting; what is no answer to whether to follow is to be refused.
    if case.path == "/v1/events" and (case.query or {}).get("follow", "true") in (True, "true"):
        case.query = {**(case.query or {}), "follow": "false"}
    query = case.query
    if isinstance(query, dict) and "workers" in query and chance.random() < 0.5:
        query["workers"] = chance.choice((*WORKERS, "all", "s*", "sleeper,job"))
