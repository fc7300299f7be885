"""The schedule of a search, simulated one puzzle and one lane at a time, and every stop rule as a plain function.

A naive rule takes the lanes of one puzzle after a step, {rollout: (q, valid, still)}, the q of its rollouts that have
ended, and its lane-steps; and gives the rollouts to retire, whether the puzzle ends, and who wins.
"""

from hypothesis import strategies as st

from tts import Budget, Converged, FirstHalted, Halted, Status, Verified


def halted(threshold):
    return lambda lanes, ended, spent: ({r for r, (q, _, _) in lanes.items() if q > threshold}, False, set())


def first_halted(n, threshold):
    def rule(lanes, ended, spent):
        fired = {r for r, (q, _, _) in lanes.items() if q > threshold}
        over = bool(fired) and len(fired) + sum(q > threshold for q in ended) >= n
        return fired, over, fired if n == 1 else set()

    return rule


def verified(lanes, ended, spent):
    valid = {r for r, (_, valid, _) in lanes.items() if valid}
    return valid, bool(valid), valid


def unchanged(lanes, ended, spent):
    return {r for r, (_, _, still) in lanes.items() if still}, False, set()


def budget(lane_steps):
    return lambda lanes, ended, spent: (set(), spent >= lane_steps, set())


def either(first, second):
    def rule(*state):
        (a, over_a, wins_a), (b, over_b, wins_b) = first(*state), second(*state)
        return a | b, over_a or over_b, wins_a | wins_b

    return rule


@st.composite
def rules(draw, parts=3):
    """A rule and its naive twin; compositions of up to three."""
    n, threshold, spent = (
        draw(st.integers(1, 4)),
        draw(st.sampled_from([-1.0, 0.0, 1.0, 2.0])),
        draw(st.integers(1, 30)),
    )
    stop, naive = draw(
        st.sampled_from(
            [
                (Halted(threshold), halted(threshold)),
                (FirstHalted(n, threshold), first_halted(n, threshold)),
                (Verified(), verified),
                (Converged(float("inf")), unchanged),
                (Budget(spent), budget(spent)),
            ]
        )
    )
    if parts > 1 and draw(st.booleans()):
        other, other_naive = draw(rules(parts - 1))
        return stop | other, either(naive, other_naive)
    return stop, naive


def waves_of(k, sizes, lockstep):
    """Lists of rollouts that start together."""
    if not lockstep:
        return [list(range(k))]
    waves, first = [], 0
    while first < k:
        size = max(1, first) if sizes is None else sizes[min(len(waves), len(sizes) - 1)]
        waves.append(list(range(first, min(k, first + size))))
        first += size
    return waves


def simulate(q, answer, puzzle, naive, waves, depth):
    """Status, steps and last q of the K rollouts of one puzzle, and the winner; q and answer are [K, T]."""
    k = len(q)
    status, steps, last, winner, spent = [Status.NOT_STARTED] * k, [0] * k, [-float("inf")] * k, -1, 0
    for wave in waves:
        running = wave
        while running:
            lanes = {}
            for r in running:
                t = steps[r]
                before = answer[r][t - 1] if t else puzzle
                lanes[r] = q[r][t], answer[r][t] == 1, answer[r][t] == before
                steps[r] += 1
                spent += 1
            ended = [last[r] for r in range(k) if status[r] in (Status.HALTED, Status.FINISHED)]
            retired, over, winners = naive(lanes, ended, spent)
            for r in running:
                last[r] = lanes[r][0]
                if r in retired:
                    status[r] = Status.HALTED
                elif steps[r] == depth:
                    status[r] = Status.FINISHED
                elif over:
                    status[r] = Status.CANCELLED
            running = [r for r in running if status[r] == Status.NOT_STARTED]
            if over:
                return status, steps, last, min(winners, default=-1)
    return status, steps, last, winner


def picked(status, last, winner):
    """The winner, else the highest last q among the finished and halted, else among the cancelled."""
    if winner >= 0:
        return winner
    for among in ((Status.FINISHED, Status.HALTED), (Status.CANCELLED,)):
        some = [r for r, s in enumerate(status) if s in among]
        if some:
            return max(some, key=lambda r: (last[r], -r))
    raise AssertionError("no rollout was run")
