"""Steps beside the caller: taken in order, and no further one once the caller has failed."""

import threading

import pytest

from benkit.engine.beside import beside


def test_steps_are_taken_beside_the_caller_and_given_in_their_order():
    caller_is_here = threading.Event()

    def steps():
        assert caller_is_here.wait(10), "the caller goes on meanwhile"
        yield from "abc"

    with beside(steps()) as taken:
        caller_is_here.set()
        assert taken() == ["a", "b", "c"]


def test_no_step_begins_once_the_caller_has_failed():
    began, failed = [], threading.Event()

    def steps():
        began.append("first")
        failed.wait(10)
        yield
        began.append("second")
        yield

    def fail():
        with beside(steps()):
            threading.Timer(0.5, failed.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert began == ["first"]


def test_what_a_step_raises_is_raised_where_it_is_asked_for():
    def steps():
        yield 1
        raise ValueError("of the second step")

    with pytest.raises(ValueError, match="second step"), beside(steps()) as taken:
        taken()
