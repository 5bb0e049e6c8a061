from __future__ import annotations

import os
import signal
import threading

import pytest

from sequela.errors import Interrupted
from sequela.train.interrupt import listening


def test_the_first_signal_is_a_wish_and_the_second_stops_at_once() -> None:
    with listening("again") as wish:
        assert not wish.asked
        os.kill(os.getpid(), signal.SIGINT)
        assert wish.asked
        with pytest.raises(Interrupted, match="at once") as caught:
            os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.hint == "to go on: again" and caught.value.exit_code == 130


def test_a_thread_that_gets_no_signals_can_train_too() -> None:
    heard = []

    def other() -> None:
        with listening("") as wish:
            heard.append(wish.asked)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert heard == [False]
