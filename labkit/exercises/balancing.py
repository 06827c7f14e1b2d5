"""Exercises of lesson 24: Erlang C, servers for a p99, a retry budget, a policy of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, factorial

from labkit.datacenter import queues
from labkit.datacenter.balancing import simulator
from labkit.learn import values
from labkit.learn.checks import Exercise

# --- Erlang C: my_erlang_c(servers, load) -> share that must wait ---------------------------------


def _terms(servers, load):
    return [load**n / factorial(n) for n in range(servers + 1)]


def _c(servers, load, factor=None, first=0, last=None):
    """Erlang C from its terms; other arguments than the defaults are slips."""
    terms = _terms(servers, load)
    factor = servers / (servers - load) if factor is None else factor
    top = terms[servers] * factor
    return top / (sum(terms[first : servers if last is None else last]) + top)


def _with_utilization(servers, load):
    return _c(servers, load / servers, factor=servers / (servers - load))


def _without_factorial(servers, load):
    top = load**servers * servers / (servers - load)
    return top / (sum(_terms(servers, load)[:servers]) + top)


erlang_c = Exercise(
    name="erlang_c",
    lesson="24",
    right=lambda servers, load: queues.erlang_c(servers, load),
    cases=[(2, 1.0), (10, 9.0), (5, 2.5), (1, 0.3)],
    mistakes={
        "Erlang B": (
            lambda servers, load: queues.erlang_b(servers, load),
            "That is Erlang B: the share turned away where nobody may wait. With a line, the "
            "state 'all busy' lasts longer. Which factor makes its term larger?",
        ),
        "the last term twice": (
            lambda servers, load: _c(servers, load, last=servers + 1),
            "Your sum below goes one term too far. The term of all servers busy stands there "
            "once, with its factor.",
        ),
        "the sum begins at one": (
            lambda servers, load: _c(servers, load, first=1),
            "Your sum leaves out the empty system, n = 0.",
        ),
        "utilization for load": (
            _with_utilization,
            "You put the utilization, load / servers, where the load in erlangs belongs.",
        ),
        "no factorial": (
            _without_factorial,
            "Your term of all servers busy has no factorial below it.",
        ),
        "who need not wait": (
            lambda servers, load: 1 - queues.erlang_c(servers, load),
            "That is the share that finds a server free.",
        ),
        "the factor above only": (
            lambda servers, load: (
                _terms(servers, load)[servers]
                * servers
                / (servers - load)
                / sum(_terms(servers, load))
            ),
            "The factor must stand in both places: all states together must have probability 1.",
        ),
        "all busy left out below": (
            lambda servers, load: (
                _terms(servers, load)[servers]
                * servers
                / (servers - load)
                / sum(_terms(servers, load)[:servers])
            ),
            "You divide by the states with a free server alone. All states count, also that in "
            "which all are busy, with its factor.",
        ),
        "the load in the factor": (
            lambda servers, load: _c(servers, load, factor=load / (servers - load)),
            "Your factor has the load above. How does it stand in the formula?",
        ),
        "the mean wait": (
            lambda servers, load: queues.mmc_wait(servers, load),
            "You went one step too far: that is the mean wait. Asked is the share that waits.",
        ),
        "the utilization": (
            lambda servers, load: load / servers,
            "That is the utilization. It is the share that waits for one server only.",
        ),
        "all busy by chance": (
            lambda servers, load: (load / servers) ** servers,
            "You multiplied as if the servers were busy independently. They share one line: if "
            "one is busy, the others likely are.",
        ),
    },
    hint="Take the terms load**n / n! for n below servers. Add a last one for n = servers, times "
    "servers / (servers - load). Which part of the whole is the last one?",
)


# --- servers for a p99: my_staff(load, longest, waits) -> number --------------------------------


def _servers(load, longest, waits, share=0.01, later=exp, first=None):
    begin = int(load) + 1 if first is None else first
    for servers in range(begin, len(waits)):
        if waits[servers] * later(-(servers - load) * longest) <= share:
            return servers
    return len(waits)


def _waits(load, most):
    return [float(queues.erlang_c(max(c, 1), load)) for c in range(most)]


def _mean_wait(load, longest, waits):
    fits = (c for c in range(int(load) + 1, len(waits)) if waits[c] / (c - load) <= longest)
    return next(fits, len(waits))


staff = Exercise(
    name="staff",
    lesson="24",
    right=_servers,
    cases=[
        (9.0, 1.0, _waits(9.0, 30)),
        (9.0, 0.25, _waits(9.0, 30)),
        (40.0, 0.2, _waits(40.0, 70)),
        (2.5, 3.0, _waits(2.5, 20)),
    ],
    mistakes={
        "nobody may wait": (
            lambda load, longest, waits: _servers(load, 0.0, waits),
            "You let one in a hundred wait at all. Waiting is allowed; only longer than `longest` "
            "it must not be.",
        ),
        "everyone waits": (
            lambda load, longest, waits: _servers(load, longest, [1.0] * len(waits)),
            "You treat every request as one that waits. Most of them find a server free.",
        ),
        "the mean": (
            _mean_wait,
            "You made the mean wait short enough. Of a hundred requests one may wait longer than "
            "`longest`, and no second one.",
        ),
        "one too many": (
            lambda load, longest, waits: _servers(load, longest, waits) + 1,
            "One server fewer is enough, too.",
        ),
        "one too few": (
            lambda load, longest, waits: _servers(load, longest, waits) - 1,
            "With one server fewer than needed the p99 is too long. Look at which number your "
            "loop returns.",
        ),
        "the spare alone": (
            lambda load, longest, waits: _servers(load, longest, waits) - int(load),
            "That is how many servers stand beyond the load. Asked is how many there are in all.",
        ),
        "just above the load": (
            lambda load, longest, waits: int(load) + 1,
            "That many servers can do the work. How long their line is, nobody has asked yet.",
        ),
        "the p90": (
            lambda load, longest, waits: _servers(load, longest, waits, share=0.1),
            "That keeps the p90: one of ten waits longer.",
        ),
        "the p95": (
            lambda load, longest, waits: _servers(load, longest, waits, share=0.05),
            "That keeps the p95: one of twenty waits longer.",
        ),
        "all servers clear the line": (
            lambda load, longest, waits: next(
                c for c in range(int(load) + 1, len(waits)) if waits[c] * exp(-c * longest) <= 0.01
            ),
            "Your line gets shorter by all servers. New requests keep coming: only what the "
            "servers can do beyond the load clears it.",
        ),
    },
    hint="Go up from the first number above the load. For each: the share that waits, times the "
    "share of those that wait longer than `longest`. Stop when that is 1% or less.",
)


# --- a retry budget: my_may_retry(requests, retries, budget) -> bool ------------------------------

may_retry = Exercise(
    name="may_retry",
    lesson="24",
    right=lambda requests, retries, budget: retries < budget * requests,
    also=[(lambda requests, retries, budget: retries + 1 <= budget * requests, "")],
    cases=[
        (100, 0, 0.1),
        (100, 9, 0.1),
        (100, 10, 0.1),
        (100, 11, 0.1),
        (700, 300, 0.5),
        (700, 600, 0.5),
        (10, 0, 0.1),
        (50, 60, 0.1),
        (400, 42, 0.1),
        (400, 3, 0.005),
        (8, 4, 1.0),
        (3, 60, 0.1),
        (1000, 3, 0.5),
    ],
    mistakes={
        "always": (
            lambda requests, retries, budget: True,
            "You always say yes. That is how the storm began.",
        ),
        "never": (
            lambda requests, retries, budget: False,
            "You never allow a retry. A single lost packet then is an error that the user sees.",
        ),
        "retries feed the budget": (
            lambda requests, retries, budget: retries < budget * (requests + retries),
            "You count retries among the requests. So each retry makes room for more of them, "
            "just when there are many.",
        ),
        "the wrong way around": (
            lambda requests, retries, budget: requests < budget * retries,
            "You compare the requests with a share of the retries.",
        ),
        "only beyond the budget": (
            lambda requests, retries, budget: retries > budget * requests,
            "You allow retries as soon as the budget is spent, and none before.",
        ),
        "one beyond the budget": (
            lambda requests, retries, budget: retries <= budget * requests,
            "At the limit you allow one more: then there are more retries than the budget says.",
        ),
        "as many retries as requests": (
            lambda requests, retries, budget: retries < requests,
            "You let retries be as many as requests. Only a share of them, `budget`, is allowed.",
        ),
        "the budget as a number": (
            lambda requests, retries, budget: retries < budget,
            "You take the budget for a number of retries. It is a share of the requests.",
        ),
        "percent": (
            lambda requests, retries, budget: retries < budget / 100 * requests,
            "You take the budget for percent. It is a share: 0.1 is one retry for ten requests.",
        ),
    },
    hint="How many retries does the budget allow for so many requests? Have fewer been sent?",
)


# --- a policy of one's own: my_policy(lengths, sent, speeds) -> number of a server ----------------

HALL = (1.0,) * 5 + (3.0,) * 5  # speeds: five old servers, and five that are three times as fast
LOAD, STALENESS, REQUESTS, BEGIN = 0.8, 4.0, 30_000, 3_000
GOAL = 1.6  # mean seconds of all requests but the first; two choices and a plain choice need more

Chooser = Callable[[Sequence[int], Sequence[int], Sequence[float]], int]


def plugged(policy: Chooser, speeds: Sequence[float] = HALL) -> simulator.Policy:
    """Return a policy for the simulator that also knows whom it has sent what since the report.

    Args:
        policy: gets the reported lengths, the requests sent to each since, and the speeds.
        speeds: of the servers.
    """
    report, sent = None, [0] * len(speeds)

    def choose(lengths):
        nonlocal report, sent
        if lengths != report:
            report, sent = lengths, [0] * len(speeds)
        server = policy(lengths, tuple(sent), speeds)
        if server in range(len(speeds)):  # else the simulator says what is wrong
            sent[server] += 1
        return server

    return choose


def mean_time(
    policy: str | Chooser, seed: int = 0, staleness: float = STALENESS, speeds=HALL
) -> float:
    """Return the mean seconds of a request in the hall of the exercise.

    Args:
        policy: one of the simulator's, by its name, or a learner's.
        seed: of the requests.
        staleness: seconds between two reports.
        speeds: of the servers.

    >>> mean_time("two choices") > GOAL
    True
    """
    chooser = policy if isinstance(policy, str) else plugged(policy, speeds)
    run = simulator.simulate(chooser, len(speeds), LOAD, REQUESTS, seed, staleness, speeds)
    return float(run.seconds[BEGIN:].mean())


def _expected(lengths, sent, speeds):
    """Return the server at which the request would be done first, as far as can be known."""
    return min(range(len(speeds)), key=lambda n: (lengths[n] + sent[n] + 1) / speeds[n])


def _least(key):
    return lambda *told: min(range(len(told[2])), key=lambda n: key(*(each[n] for each in told)))


class _Policy(Exercise):
    """An exercise with many right answers: every policy that is good enough in the hall is one."""

    def _unplanned(self, answer, trial, right, trace):
        found = super()._unplanned(answer, trial, right, trace)
        if found.kind == "not tried":
            return found
        return self._by_goal(found, answer, _judge, ("In the hall", "no number of a server"))

    def _first_difference(self, got: list, right: list) -> str:
        return f"You return {values.short(got[0])}. Asked is the number of a server, from 0 on."


def _judge(policy) -> tuple[bool, str]:
    reached = mean_time(policy)
    told = f"In the hall a request takes {reached:.2f} s on average with your policy"
    if reached <= GOAL:
        return True, f"{told}: not more than the {GOAL} s that are the goal."
    return False, f"{told}. The goal is {GOAL} s."


policy = _Policy(
    name="policy",
    lesson="24",
    right=_expected,
    cases=[
        ((3, 1, 4, 2), (0, 0, 0, 0), (1.0, 1.0, 1.0, 1.0)),
        ((0, 0, 0, 0), (1, 0, 2, 1), (1.0, 1.0, 1.0, 1.0)),
        ((2, 3, 2, 5), (4, 3, 1, 0), (1.0, 1.0, 3.0, 3.0)),
        ((1, 1, 4, 3), (0, 2, 0, 0), (1.0, 1.0, 3.0, 3.0)),
        ((0, 4, 2, 7), (1, 2, 2, 0), (1.0, 3.0, 1.0, 3.0)),
        ((5, 2, 1, 8), (0, 6, 1, 0), (2.0, 2.0, 1.0, 3.0)),
        ((4, 7, 5, 6), (0, 0, 0, 2), (1.0, 3.0, 1.0, 3.0)),
    ],
    mistakes={
        "blind to what was sent": (
            _least(lambda length, sent, speed: (length + 1) / speed),
            "You trust the report alone. Until the next one comes, everything goes to the same "
            "server, which was the shortest line once: the herd.",
        ),
        "blind to the speeds": (
            _least(lambda length, sent, speed: length + sent),
            "You count requests, as if all servers were equally fast. Three requests at a fast "
            "server are done as soon as one at a slow one.",
        ),
        "the shortest line of the report": (
            _least(lambda length, sent, speed: length),
            "This is least connections by an old report, blind to the speeds and to what you have "
            "sent since.",
        ),
        "the longest line": (
            _least(lambda length, sent, speed: -(length + sent + 1) / speed),
            "You send the request where it will take longest.",
        ),
        "times the speed": (
            _least(lambda length, sent, speed: (length + sent + 1) * speed),
            "You multiply by the speed, so a fast server looks busy. A fast one is done sooner.",
        ),
        "the time, not the server": (
            lambda lengths, sent, speeds: min(
                (n + m + 1) / v for n, m, v in zip(lengths, sent, speeds, strict=True)
            ),
            "You return how long it will take. Asked is where: the number of a server.",
        ),
        "numbered from 1": (
            lambda *told: _expected(*told) + 1,
            "Servers are numbered from 0: yours is one too high.",
        ),
        "only the speeds": (
            _least(lambda length, sent, speed: -speed),
            "Everything goes to the first of the fastest servers. One server cannot carry it.",
        ),
        "only what was sent": (
            _least(lambda length, sent, speed: (sent + 1) / speed),
            "You look at what you have sent since the report, and not at the report.",
        ),
    },
    hint="When would a request be done that joins server n? Before it are those of the report and "
    "those that you have sent since; it comes on top; and a server of speed 3 does three at a time "
    "that another needs for one.",
)
