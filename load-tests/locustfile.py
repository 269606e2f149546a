"""Messages at a constant rate into a running platform, from many tenants, by Locust 2.12 (Debian: python3-locust).

    locust -f load-tests/locustfile.py --headless --only-summary -u 20 -r 20 --rate 1000 --warm-up 60 --run-time 120s

It finds `./agentserver dev` by `.agentserver/dev.env`, another platform by AGENTSERVER_URL and AGENTSERVER_ADMIN_KEY.

The loop is open: when each message is to be sent is fixed beforehand, and its times are counted from then, whatever the platform
does meanwhile. A message that was accepted counts as finished when its conversation, read from the platform, has the listener's
answer with this message's own text; every one is read, after the load. How long an answer takes is measured on each
`--wait-every`-th message, sent with `Prefer: wait=30`. The exit code is 0 only if nothing failed and all that was accepted is finished.
"""
import itertools
import random
import time

import gevent
from gevent.pool import Pool
from locust import User, events, task
from locust.runners import LocalRunner

import platform_under_load as platform
from processors import Processors

WAIT_SECONDS = 30
IN_FLIGHT_AT_MOST = 20_000
FILL = "some text of a usual length, " * 8
KIND = "message"  # in Locust's table; the names are accepted, answered, finished


class Run:
    """One run: its tenants, what was accepted, and what the machine's processes used meanwhile."""

    def __init__(self, environment):
        options = environment.parsed_options
        self.environment = environment
        self.rate = options.rate
        self.users = options.num_users
        self.wait_every = options.wait_every
        self.drain = options.drain
        self.accepting = platform.client(environment.where.url, options.connections, network_timeout=60)
        self.waiting = platform.client(environment.where.url, IN_FLIGHT_AT_MOST, network_timeout=WAIT_SECONDS + 30)
        self.tenants = environment.tenants
        self.in_flight = Pool(IN_FLIGHT_AT_MOST)
        self.numbers = itertools.count()
        self.accepted = []  # (tenant, thread, text) of what counts
        self.behind = 0.0  # s, the most that a message was sent after its time
        self.begin = time.perf_counter() + 0.5
        self.counts_from = self.begin + options.warm_up
        self.last_sent_at = 0.0  # time.time()
        self.processors = Processors(options.metrics)
        gevent.spawn_later(self.counts_from - time.perf_counter(), self.processors.begin)

    def send(self, due):
        """One message that was due at this time of time.perf_counter()."""
        counts = due >= self.counts_from
        if counts:
            self.behind = max(self.behind, time.perf_counter() - due)
            self.last_sent_at = time.time()
        number = next(self.numbers)
        tenant = self.tenants[number % len(self.tenants)]
        # by the round of the tenants, so that each of them has its share of those that wait
        waits = (number // len(self.tenants)) % self.wait_every == 0
        text = f"ping {number} {random.getrandbits(48):x}"
        headers = {"Authorization": "Bearer " + tenant.key, "Content-Type": "application/xml"}
        if waits:
            headers["Prefer"] = f"wait={WAIT_SECONDS}"
        client = self.waiting if waits else self.accepting
        try:
            status, body = platform.exchange(client, "POST", "/v1/messages", headers, platform.envelope(text, FILL))
            thread = platform.conversation_of(status, body, text)
        except (OSError, ValueError) as e:
            self.note("accepted", due, error=f"{type(e).__name__}: {e}")
            return
        if waits and status == 202:
            self.note("answered", due, error=f"no answer within {WAIT_SECONDS} s")
        elif counts:
            self.note("answered" if waits else "accepted", due)
        if counts:
            self.accepted.append((tenant, thread, text))

    def note(self, name, due, error=None):
        self.environment.events.request.fire(
            request_type=KIND,
            name=name,
            response_time=(time.perf_counter() - due) * 1000,
            response_length=0,
            exception=Exception(error) if error else None,
            context={},
        )

    def end(self):
        """Waits for what is in flight, then reads every conversation until it is finished or --drain is over."""
        self.seconds = time.perf_counter() - self.counts_from
        self.processors.end()
        self.in_flight.join()
        until = time.perf_counter() + self.drain
        read = Pool(64).imap_unordered(lambda it: self.finished(*it, until), self.accepted)
        finished_at = [at for at in read if at]
        self.report(finished_at)

    def finished(self, tenant, thread, text, until):
        """When the answer was journalled (s since 1970 by the platform's clock); None if it was not there in time."""
        begun = time.perf_counter()
        error = f"no answer in {thread}"
        while True:
            try:
                at = platform.answered_at(self.waiting, tenant, thread, text)
            except (OSError, ValueError) as e:
                at, error = None, f"{type(e).__name__}: {e}"
            if at is not None:
                return at
            if time.perf_counter() >= until:
                self.note("finished", begun, error=error)
                return None
            gevent.sleep(0.25)

    def report(self, finished_at):
        stats = self.environment.stats
        accepted, finished = len(self.accepted), len(finished_at)
        took = self.seconds
        lines = [f"{len(self.tenants)} tenants, {self.rate:g} messages/s for {took:.0f} s after the warm-up"]
        lines.append(f"accepted   {accepted} ({accepted / took:.0f}/s)")
        lines.append(f"finished   {finished}, each read from its conversation")
        if finished_at:
            late = max(0.0, max(finished_at) - self.last_sent_at)
            lines.append(f"           the last answer came {late:.1f} s after the last message was sent")
        for name, what in (("accepted", "accept"), ("answered", "response")):
            entry = stats.get(name, KIND)
            p50, p95, p99 = (entry.get_response_time_percentile(p) for p in (0.5, 0.95, 0.99))
            lines.append(f"{what:10} p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, of {entry.num_requests}")
        failures = stats.total.num_failures
        lines.append(f"failed     {failures}")
        lines.append(f"generator  sent at most {self.behind * 1000:.0f} ms late")
        lines.extend(self.processors.lines())
        print("\n" + "\n".join(lines), flush=True)
        if failures or finished != accepted or not accepted:
            self.environment.process_exit_code = 1


class Sender(User):
    """Sends its part of the rate; never waits for an answer."""

    numbers = itertools.count()

    @task
    def all_of_them(self):
        run = self.environment.run
        number = next(Sender.numbers) % run.users
        interval = run.users / run.rate
        for step in itertools.count():
            due = run.begin + (step + number / run.users) * interval
            early = due - time.perf_counter()
            if early > 0:
                gevent.sleep(early)
            if run.in_flight.full():
                run.note("accepted", due, error=f"not sent: {IN_FLIGHT_AT_MOST} are in flight")
            else:
                run.in_flight.spawn(run.send, due)


@events.init_command_line_parser.add_listener
def options(parser):
    own = parser.add_argument_group("agentserver")
    own.add_argument("--rate", type=float, default=100, help="messages a second, of all users together (100)")
    own.add_argument("--warm-up", type=float, default=0, help="s of --run-time at its begin that are sent and not counted (0)")
    own.add_argument("--wait-every", type=int, default=10, help="each so many-th message waits for its answer (10)")
    own.add_argument("--drain", type=float, default=120, help="s after the load until all must be finished (120)")
    own.add_argument("--tenants", type=int, default=8, help="how many are made (8)")
    own.add_argument("--tenants-file", default="", help='JSON: [{"id", "api_key"}]; written if it is not there')
    own.add_argument("--connections", type=int, default=512, help="at most, of the messages that do not wait (512)")
    own.add_argument("--metrics", default="", help="name=management URL,…: services whose processor time is read there")


@events.init.add_listener
def prepare(environment, **_):
    """Before Locust's own clock of --run-time begins."""
    if not isinstance(environment.runner, LocalRunner):
        raise SystemExit("one process of Locust alone: each would have to read the answers to its own messages")
    own = environment.parsed_options
    if own.rate <= 0 or min(own.wait_every, own.tenants, own.connections) < 1 or min(own.warm_up, own.drain) < 0:
        raise SystemExit("--rate, --wait-every, --tenants and --connections are above 0, --warm-up and --drain not below")
    environment.where = platform.find(environment.host)
    one_by_one = platform.client(environment.where.url, own.tenants, network_timeout=60)
    environment.tenants = platform.tenants(environment.where, one_by_one, own.tenants, own.tenants_file)


@events.test_start.add_listener
def start(environment, **_):
    environment.run = Run(environment)


@events.test_stop.add_listener
def stop(environment, **_):
    environment.run.end()
