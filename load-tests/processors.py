"""Which process keeps the processors busy: of this machine by /proc, of others by their metrics."""
import collections
import os
import pathlib
import re
import time

import gevent
from geventhttpclient import HTTPClient

TICK = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")
METRIC = re.compile(r"^process_cpu_time_ns_total(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

Usage = collections.namedtuple("Usage", "name threads seconds")


class Processors:
    """Between begin() and end(): processor seconds by process, of the busiest by thread."""

    def __init__(self, metrics):
        """metrics: name=management URL, with commas; each must have /actuator/prometheus."""
        self.services = dict(service.split("=", 1) for service in metrics.split(",") if service)
        self.seconds = 0.0

    def begin(self):
        self.began = time.perf_counter()
        self.local = processes()
        self.idle = idle()
        self.remote = {name: remote(url) for name, url in self.services.items()}

    def end(self):
        self.seconds = time.perf_counter() - self.began
        before = self.local
        self.idle = idle() - self.idle
        self.local = [
            Usage(now.name, less(now.threads, before[pid].threads if pid in before else {}),
                  now.seconds - (before[pid].seconds if pid in before else 0))
            for pid, now in processes().items()
        ]
        self.local.sort(key=lambda usage: -usage.seconds)
        self.remote = {name: remote(url) - self.remote[name] for name, url in self.services.items()}

    def lines(self):
        count = os.cpu_count()
        cores = lambda seconds: f"{seconds / self.seconds:.2f}"
        yield f"processors {count} here, {cores(self.idle)} idle; busiest, in processors:"
        for usage in self.local[:5]:
            yield f"           {cores(usage.seconds):>5} {usage.name}"
        for name, seconds in sorted(self.remote.items(), key=lambda it: -it[1]):
            yield f"           {cores(seconds):>5} {name}, by its metrics"
        every = [(usage.seconds, usage.name) for usage in self.local] + [(s, name) for name, s in self.remote.items()]
        if not every:
            yield "bottleneck unknown: no /proc here, and no --metrics"
            return
        seconds, name = max(every)
        # without /proc nothing is known of how much was left
        left = f", and {self.idle / self.seconds / count:.0%} of all processors were idle" if self.local else ""
        yield f"bottleneck {name}: {cores(seconds)} processors{left}"
        if self.local and self.local[0].name == name:
            threads = sorted(self.local[0].threads.items(), key=lambda it: -it[1])[:5]
            yield "           its threads: " + ", ".join(f"{thread} {cores(used)}" for thread, used in threads)


def processes():
    """Every process that this user may see; none where there is no /proc."""
    found = {}
    for directory in PROC.glob("[0-9]*"):
        try:
            threads = collections.Counter()
            for task in (directory / "task").iterdir():
                name, seconds = stat(task / "stat")
                threads[re.sub(r"[-#]*\d+$", "", name)] += seconds
            name, seconds = stat(directory / "stat")
            if directory.name == str(os.getpid()):
                name = "this load generator"
            found[directory.name] = Usage(f"{title(directory, name)} ({directory.name})", threads, seconds)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


def stat(file):
    """Name and processor seconds; the name stands in parentheses and may contain some."""
    text = file.read_text(errors="replace")
    opened, closed = text.index("("), text.rindex(")")
    fields = text[closed + 2:].split()
    return text[opened + 1:closed], (int(fields[11]) + int(fields[12])) / TICK


def title(directory, name):
    """A JVM by its jar; the rest of a command line may hold secrets."""
    if name != "java":
        return name
    arguments = (directory / "cmdline").read_text(errors="replace").split("\0")
    jars = [os.path.basename(argument) for argument in arguments if argument.endswith(".jar") and not argument.startswith("-")]
    return " ".join(["java", *jars[:1]])


def idle():
    """Seconds that all processors of this machine have been idle, or waited for a disk."""
    try:
        fields = (PROC / "stat").read_text().split("\n", 1)[0].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[4]) + int(fields[5])) / TICK


def less(now, before):
    return {name: seconds - before.get(name, 0) for name, seconds in now.items()}


def remote(url):
    client = HTTPClient.from_url(url, connection_timeout=5, network_timeout=10)
    try:
        text = client.get("/actuator/prometheus").read().decode()
    finally:
        client.close()
    found = METRIC.search(text)
    if not found:
        raise SystemExit(f"{url}/actuator/prometheus has no process_cpu_time_ns_total")
    return float(found.group(1)) / 1e9
