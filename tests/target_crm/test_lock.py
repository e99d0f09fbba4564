"""Creates at the same time, and a look that is alone."""

from __future__ import annotations

import threading

from target_crm.writing.creation.lock import CreateLock


def test_a_look_waits_until_every_create_is_done_and_creates_wait_for_the_look() -> None:
    lock, done = CreateLock(), list[str]()
    begun, go_on = threading.Barrier(3), threading.Event()

    def create(name: str) -> None:
        with lock:
            begun.wait(10)
            assert go_on.wait(10)
            done.append(name)

    def look() -> None:
        with lock.looking():
            done.append("look")

    creates = [threading.Thread(target=create, args=(name,)) for name in "ab"]
    for each in creates:
        each.start()
    begun.wait(10)
    looker = threading.Thread(target=look)
    looker.start()
    # A look that does not wait has looked by now.
    looker.join(0.1)
    go_on.set()
    for each in [*creates, looker]:
        each.join(10)
    assert done[2:] == ["look"]
    with lock:
        done.append("after")
    assert done[-1] == "after"
