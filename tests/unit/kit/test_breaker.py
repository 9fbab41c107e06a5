"""The circuit breaker: when it opens, when it probes, and what can never happen."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.kit.breaker import Breaker, BreakerSettings, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


SETTINGS = BreakerSettings(window_calls=10, window_s=10.0, minimum_calls=4, failure_rate=0.5, open_s=1.0)


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(SETTINGS, clock=clock)
    for _ in range(4):
        breaker.permit().failed()
    assert breaker.state is BreakerState.OPEN
    return breaker


def test_stays_closed_below_the_minimum_of_calls():
    breaker = Breaker(SETTINGS, clock=Clock())
    for _ in range(3):
        breaker.permit().failed()
    assert breaker.state is BreakerState.CLOSED


def test_opens_when_half_of_the_window_failed_and_not_before():
    breaker = Breaker(SETTINGS, clock=Clock())
    for _ in range(5):
        breaker.permit().succeeded()
    for _ in range(4):
        breaker.permit().failed()
    assert breaker.state is BreakerState.CLOSED
    breaker.permit().failed()
    assert breaker.state is BreakerState.OPEN
    assert breaker.permit() is None


def test_failures_older_than_the_window_do_not_count():
    clock = Clock()
    breaker = Breaker(SETTINGS, clock=clock)
    for _ in range(3):
        breaker.permit().failed()
    clock.now_s += 11.0
    breaker.permit().failed()
    assert breaker.state is BreakerState.CLOSED


def test_one_probe_at_a_time_after_the_pause_and_its_success_closes():
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += 0.9
    assert breaker.permit() is None
    clock.now_s += 0.2
    probe = breaker.permit()
    assert probe is not None
    assert breaker.permit() is None
    probe.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.permit() is not None


def test_a_failed_probe_opens_for_another_pause():
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += 1.0
    breaker.permit().failed()
    assert breaker.state is BreakerState.OPEN
    clock.now_s += 0.9
    assert breaker.permit() is None


def test_an_abandoned_probe_frees_its_place():
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += 1.0
    breaker.permit().abandoned()
    assert breaker.permit() is not None


def test_a_result_from_before_the_change_of_state_is_not_taken_for_the_probes():
    clock = Clock()
    breaker = Breaker(SETTINGS, clock=clock)
    old = breaker.permit()
    for _ in range(4):
        breaker.permit().failed()
    clock.now_s += 1.0
    probe = breaker.permit()
    old.failed()
    assert breaker.state is BreakerState.HALF_OPEN
    probe.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_changes_of_state_are_reported_in_order():
    clock, seen = Clock(), []
    breaker = Breaker(SETTINGS, clock=clock, on_change=seen.append)
    for _ in range(4):
        breaker.permit().failed()
    clock.now_s += 1.0
    breaker.permit().succeeded()
    assert seen == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


@given(st.lists(st.booleans(), max_size=60))
def test_a_dependency_that_fails_less_than_the_rate_in_every_window_is_never_cut_off(outcomes):
    breaker = Breaker(SETTINGS, clock=Clock())
    window: list[bool] = []
    for failed in outcomes:
        window = [*window, failed][-SETTINGS.window_calls :]
        if len(window) >= SETTINGS.minimum_calls and sum(window) >= SETTINGS.failure_rate * len(window):
            return
        permit = breaker.permit()
        assert permit is not None
        permit.failed() if failed else permit.succeeded()
        assert breaker.state is BreakerState.CLOSED


class BreakerMachine(RuleBasedStateMachine):
    """Any order of asking, answering and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(SETTINGS, clock=self.clock)
        self.permits = []
        self.refused_since_s: float | None = None

    @rule()
    def ask(self) -> None:
        before = self.breaker.state
        permit = self.breaker.permit()
        if permit is None:
            assert before is not BreakerState.CLOSED
        else:
            self.permits.append((permit, self.breaker.state))

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def answer(self, data, outcome) -> None:
        permit, _ = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        getattr(permit, outcome)()

    @rule(seconds=st.floats(0.0, 3.0))
    def wait(self, seconds) -> None:
        self.clock.now_s += seconds

    @invariant()
    def at_most_one_live_probe(self) -> None:
        live = [p for p, state in self.permits if state is BreakerState.HALF_OPEN and p.epoch == self.epoch()]
        assert len(live) <= 1

    @invariant()
    def it_always_recovers_when_the_dependency_does(self) -> None:
        if self.breaker.state is BreakerState.OPEN:
            now_s = self.clock.now_s
            self.clock.now_s += SETTINGS.open_s
            probe = self.breaker.permit()
            assert probe is not None
            probe.succeeded()
            assert self.breaker.state is BreakerState.CLOSED
            self.clock.now_s = now_s

    def epoch(self) -> int:
        return self.breaker._epoch


TestAnyOrder = BreakerMachine.TestCase
