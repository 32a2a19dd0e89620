import threading

import pytest

from benkit.files.remote import retry
from benkit.files.remote.retry import PassingError, in_parallel, patiently


@pytest.fixture
def waits(monkeypatch):
    """How long is waited, on a clock that moves only then."""
    now, waited = [0.0], []

    class Clock(threading.Event):
        def wait(self, timeout=None):
            now[0] += timeout
            waited.append(timeout)
            return False

    monkeypatch.setattr(retry, "_giving_up", Clock())
    monkeypatch.setattr(retry.time, "monotonic", lambda: now[0])
    return waited


def failing(times, error):
    left = [times]

    def request():
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return "answer"

    return request


def test_passing_faults_are_waited_for(waits):
    assert patiently(failing(4, PassingError("busy"))) == "answer"
    assert waits == [0.2, 0.4, 0.8, 1.6]


def test_patience_ends_after_a_minute(waits):
    with pytest.raises(PassingError, match="busy"):
        patiently(failing(1000, PassingError("busy")))
    assert 50 < sum(waits) <= 60
    assert max(waits) == 10


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), OSError("for good")])
def test_other_faults_are_not(waits, error):
    with pytest.raises(type(error)):
        patiently(failing(1, error))
    assert waits == []


def test_results_come_in_order():
    assert in_parallel(str, range(100)) == [str(number) for number in range(100)]


def test_one_error_ends_the_waiting_of_all_others():
    def request(number):
        if number == 0:
            raise ValueError("broken")
        return patiently(failing(1000, PassingError("busy")))

    with pytest.raises(ValueError, match="broken"):
        in_parallel(request, range(500))  # with patience it would take hours
    assert patiently(failing(1, PassingError("busy"))) == "answer"  # and is there again afterwards
