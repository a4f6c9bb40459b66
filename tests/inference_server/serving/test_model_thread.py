"""The model's thread and its heartbeat."""

import threading

from inference_server.serving.model_thread import ModelThread


def test_it_says_what_is_wrong_before_the_start_and_after_the_stop() -> None:
    thread = ModelThread(limit_sec=1.0)
    assert thread.trouble() == "the model thread does not run"
    thread.start()
    assert thread.trouble() is None
    assert thread.stop(patience_sec=20.0)
    assert thread.trouble() == "the model thread does not run"


def test_work_that_lasts_too_long_is_trouble_until_it_ends() -> None:
    thread = ModelThread(limit_sec=0.0)
    begun, let_go, over = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        let_go.wait(20.0)

    thread.start()
    thread.run(work)
    thread.run(over.set)
    assert begun.wait(20.0)
    assert thread.busy_sec() > 0.0
    assert "the model has run for" in (thread.trouble() or "")
    assert not thread.stop(patience_sec=0.0)
    let_go.set()
    assert over.wait(20.0)
    assert thread.stop(patience_sec=20.0)
    assert thread.busy_sec() == 0.0
