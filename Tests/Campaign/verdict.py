"""What the history must say, given what is known without it."""

import collections
import datetime
import signal
import sqlite3


class Verdict:
    """What the history must say, given what is known without it."""

    def __init__(self, world, trouble, excuses):
        self.findings = collections.Counter()
        self.examples = {}
        self.excused = 0
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
                    if excuses and self.ended_unseen(row, world.gaps):
                        self.excused += 1
                        continue
                    self.find("exits unknown", f"{row['worker']}.{row['instance']} seq {row['seq']}")
                if run not in journal and row["outcome"] == "exited":
                    self.find("exits of nobody", f"{row['worker']}.{row['instance']} seq {row['seq']}")
        database.close()

    @staticmethod
    def ended_unseen(row, gaps):
        """Whether a run began before one of the gaps, and was found to have ended in it."""
        began, ended = (
            datetime.datetime.fromisoformat(row[field].replace("Z", "+00:00")).timestamp()
            for field in ("started_at", "ended_at")
        )
        return any(
            began <= gap.last_kill + 0.1 and gap.first_kill - 0.1 <= ended <= gap.next_answer + 0.1 for gap in gaps
        )

    def check(self, run, entry, row, sent):
        status = row["wait_status"]
        if status is None and row["outcome"] == "unknown":
            # Told as such.
            return
        if status is None:
            self.find("wrong status", f"{entry['instance']} {run}: none, {row['outcome']} {row['error_message']}")
            return
        number = status & 0x7F
        expected = set(sent)
        if row["requested_by"] is not None:
            # The agent asked it to end, in one way or the other.
            expected |= {signal.SIGTERM, signal.SIGKILL}
        # A program in core_pattern gets a dump whatever the limit is: core(5).
        right = status == entry["plan"] or (number in expected and status & ~0x80 == number)
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
