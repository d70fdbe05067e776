"""A call that cannot be divided, taken step by step.

What a library does in one long call, telling of each step by a callback, runs in a thread of its
own. The thread works only while somebody waits for its next step, so it is never two at a time
and nothing happens that was not asked for: a coroutine by other means.
"""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

Step = TypeVar("Step")
Result = TypeVar("Result")


class _LetGo(BaseException):
    """Ends a call of which nobody wants the rest; not an Exception, which callees may catch."""


@dataclass
class _Relay(Generic[Step, Result]):
    """What the two threads hand to each other. Whoever waits has handed over and touches nothing.

    Apart from the call itself: the thread must not hold that, or nobody would ever let go of it.
    """

    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    has_paused: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    is_let_go: bool = False
    step: Step | None = None
    result: Result | None = None
    error: BaseException | None = None
    is_over: bool = False

    def pause(self, step: Step) -> None:
        """In the thread: hand over a step, and wait until the next is asked for."""
        self.step = step
        self.has_paused.release()
        self.may_go.acquire()
        if self.is_let_go:
            raise _LetGo

    def let_go(self) -> None:
        self.is_let_go = True
        self.may_go.release()


def _work(relay: _Relay[Step, Result], call: Callable[[Callable[[Step], None]], Result]) -> None:
    try:
        relay.result = call(relay.pause)
    except _LetGo:
        return
    except BaseException as error:  # noqa: BLE001 -- raised again where the step is waited for
        relay.error = error
    relay.is_over = True
    relay.has_paused.release()


def _without_frames(error: BaseException) -> BaseException:
    """The error with the place it came from as a note: frames would hold the call's tensors."""
    if error.__traceback__ is not None:
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
    return error.with_traceback(None)


class StepwiseCall(Generic[Step, Result]):
    """`call` is given a function that it calls after each step with what there is to see.

    The global randomness that it may use begins at `seed` and is its own, whoever else draws
    from it between steps. A call that is let go of ends where it waits.
    """

    def __init__(
        self,
        call: Callable[[Callable[[Step], None]], Result],
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self._relay: _Relay[Step, Result] = _Relay()
        self._call: Callable[[Callable[[Step], None]], Result] | None = call
        self._seed = seed
        self._cuda = [device] if device.type == "cuda" else []
        self._random: list[torch.Tensor] = []

    @property
    def step(self) -> Step | None:
        """What the latest step handed over; None before the first."""
        return self._relay.step

    @property
    def is_over(self) -> bool:
        return self._relay.is_over

    @property
    def result(self) -> Result | None:
        """What the call returned; None as long as it has not."""
        return self._relay.result

    def advance(self) -> None:
        """Go on to the next step or to the end; raises what the call raises."""
        assert not self._relay.is_over, "a call that is over does not go on"
        with torch.random.fork_rng(devices=self._cuda):
            self._restore()
            if self._call is None:
                self._relay.may_go.release()
            else:
                threading.Thread(
                    target=_work, args=(self._relay, self._call), name="stepwise", daemon=True
                ).start()
                self._call = None
                weakref.finalize(self, self._relay.let_go)
            self._relay.has_paused.acquire()
            self._random = [
                torch.get_rng_state(),
                *(torch.cuda.get_rng_state(device) for device in self._cuda),
            ]
        if self._relay.error is not None:
            raise _without_frames(self._relay.error)

    def _restore(self) -> None:
        if not self._random:
            torch.manual_seed(self._seed)
            return
        torch.set_rng_state(self._random[0])
        for device, state in zip(self._cuda, self._random[1:], strict=True):
            torch.cuda.set_rng_state(state, device)
