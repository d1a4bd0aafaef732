"""What views and tables share: handlers by decision type, applied in order.

A handler takes the state, the decision and its envelope, and changes the state. It never raises,
whatever part of a history it is shown. Decision types that nobody handles pass by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from domain.kernel.decision import Decision, Recorded
from domain.kernel.history import Correction, effective

if TYPE_CHECKING:
    from collections.abc import Sequence

State = TypeVar("State")
Handler = Callable[[State, Any, Recorded[Any]], None]

D1 = TypeVar("D1", bound=Decision)
D2 = TypeVar("D2", bound=Decision)
D3 = TypeVar("D3", bound=Decision)

Takes = Callable[[State, D1, Recorded[Any]], None]


class Handlers(dict[type[Decision], tuple[Handler[State], ...]]):
    """The handlers of each decision type, worked out when it is first seen."""

    def __init__(self) -> None:
        super().__init__()
        self.of_any: list[Handler[State]] = []
        self.of_type: dict[type[Decision], list[Handler[State]]] = {}

    def __missing__(self, kind: type[Decision]) -> tuple[Handler[State], ...]:
        self[kind] = found = (*self.of_any, *self.of_type.get(kind, ()))
        return found


class Projection(Generic[State]):
    """A fold of a contract's history into something to read.

    Args:
        name: unique among views and tables.
        version: raise it when the shape or the meaning changes; it is rebuilt then.
        begin: makes the state before any decision.
    """

    registry: dict[str, Projection[Any]] = {}  # noqa: RUF012 - filled by creating them

    def __init__(self, name: str, *, version: int, begin: Callable[[], State]) -> None:
        if name in Projection.registry:
            raise ValueError(f"there are two read models called {name}")
        self.name = name
        self.version = version
        self.begin = begin
        self.handlers: Handlers[State] = Handlers()
        Projection.registry[name] = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @overload
    def on(self, first: type[D1], /) -> Callable[[Takes[State, D1]], Takes[State, D1]]: ...
    @overload
    def on(
        self, first: type[D1], second: type[D2], /
    ) -> Callable[[Takes[State, D1 | D2]], Takes[State, D1 | D2]]: ...
    @overload
    def on(
        self, first: type[D1], second: type[D2], third: type[D3], /
    ) -> Callable[[Takes[State, D1 | D2 | D3]], Takes[State, D1 | D2 | D3]]: ...
    @overload
    def on(self, *kinds: type[Decision]) -> Callable[[Handler[State]], Handler[State]]: ...

    def on(self, *kinds: type[Decision]) -> Callable[[Handler[State]], Handler[State]]:
        """Handle decisions of these types."""

        def register(handler: Handler[State]) -> Handler[State]:
            for kind in kinds:
                self.handlers.of_type.setdefault(kind, []).append(handler)
            self.handlers.clear()
            return handler

        return register

    def on_any(self, handler: Handler[State]) -> Handler[State]:
        """Handle every decision, before the handlers of its type."""
        self.handlers.of_any.append(handler)
        self.handlers.clear()
        return handler

    def apply(self, state: State, recorded: Recorded[Any]) -> None:
        """Take in one decision. A correction changes the past: fold the history anew instead."""
        decision = recorded.decision
        for handler in self.handlers[type(decision)]:
            handler(state, decision, recorded)

    def is_changed_by(self, kind: type[Decision]) -> bool:
        """Whether a decision of this type can change the state, by itself or by correcting."""
        return bool(self.handlers[kind]) or corrects(kind)

    def changed_at(self, history: Sequence[Recorded[Any]]) -> int | None:
        """The version of the last of these decisions that can change the state; None if none can.

        The first decision of a contract makes a state in every read model.
        """
        for recorded in reversed(history):
            if recorded.version == 1 or self.is_changed_by(type(recorded.decision)):
                version: int = recorded.version
                return version
        return None

    def take(self, state: State, history: Sequence[Recorded[Any]]) -> None:
        """Take in these decisions, which follow on what the state has seen."""
        handlers = self.handlers
        for recorded in history:
            decision = recorded.decision
            for handler in handlers[type(decision)]:
                handler(state, decision, recorded)

    def fold(self, history: Sequence[Recorded[Any]]) -> State:
        """The state after this history of one contract, corrections in place."""
        state = self.begin()
        self.take(state, standing(history))
        return state


_CORRECTS: dict[type[Decision], bool] = {}


def corrects(kind: type[Decision]) -> bool:
    """Whether decisions of this type stand in the place of earlier ones."""
    known = _CORRECTS.get(kind)
    if known is None:
        known = _CORRECTS[kind] = issubclass(kind, Correction)
    return known


def standing(history: Sequence[Recorded[Any]]) -> Sequence[Recorded[Any]]:
    """The decisions that count; the history itself where nothing is corrected."""
    if any(map(corrects, {type(recorded.decision) for recorded in history})):
        return list(effective(history))
    return history
