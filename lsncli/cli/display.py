"""Shows a running batch: live bars on a terminal, plain lines elsewhere. Everything goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.text import Text

from lsncli.engine.events import Event, Finished, Measured, Notice, Progress, Started
from lsncli.naming import describe_run

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from lsncli.plan import Plan


class Display(Protocol):
    """Something that shows events while a batch runs."""

    def __enter__(self) -> Self:
        """Start showing."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        ...

    def __call__(self, event: Event) -> None:
        """Show one event."""
        ...

    def stopping(self) -> None:
        """Tell that the batch was asked to stop."""
        ...

    def tell(self, text: str) -> None:
        """Tell something about the whole batch."""
        ...


def display_for(plan: Plan, console: Console) -> Display:
    """Live bars where ``console`` is a terminal, plain lines otherwise."""
    return LiveDisplay(plan, console) if console.is_terminal else PlainDisplay(plan, console)


class _Tally:
    """What both displays know: how much is done, and how long the rest will take."""

    def __init__(self, plan: Plan) -> None:
        self.names = {run.key: describe_run(run.spec) for run in plan}
        self.steps = {run.key: run.spec.train.steps for run in plan}
        self.total_steps = sum(self.steps.values())
        self.at: dict[str, int] = {}
        self.accuracy: dict[str, float] = {}
        self.ended = 0
        self.begun_at: float | None = None
        self.resumed_steps = 0

    def note(self, event: Event) -> None:
        match event:
            case Started():
                # Not before: workers that are started and libraries that are read in take no time of a step.
                self.begun_at = time.monotonic() if self.begun_at is None else self.begun_at
                self.resumed_steps += event.resumed_from
                self.at[event.key] = event.resumed_from
            case Progress():
                self.at[event.key] = event.step
            case Measured():
                self.at[event.key] = max(self.at.get(event.key, 0), event.step)
                if "test_accuracy" in event.metrics:
                    self.accuracy[event.key] = event.metrics["test_accuracy"]
            case Finished():
                self.ended += 1
                # A run that ended early leaves nothing to do either.
                if event.status != "interrupted":
                    self.at[event.key] = self.steps[event.key]
            case _:
                pass

    @property
    def done_steps(self) -> int:
        return sum(self.at.values())

    def seconds_left(self) -> float | None:
        if self.begun_at is None:
            return None
        trained = self.done_steps - self.resumed_steps
        passed = time.monotonic() - self.begun_at
        if trained <= 0 or passed < 1:
            return None
        return passed * (self.total_steps - self.done_steps) / trained

    def outcome(self, event: Finished) -> Text:
        """One line on how a run ended."""
        accuracy = self.accuracy.get(event.key)
        shown = f"test accuracy {100 * accuracy:.2f} %" if accuracy is not None else ""
        style = {"done": "green", "diverged": "yellow", "failed": "red", "interrupted": "yellow"}[event.status]
        line = Text.assemble(
            f"[{self.ended}/{len(self.names)}] ",
            (event.status, style),
            f" {self.names[event.key]}: ",
            "trained by another lsn run"
            if event.elsewhere
            else ", ".join(part for part in (shown, event.error or "", f"{event.seconds:.1f} s") if part),
        )
        line.no_wrap = False
        return line


class PlainDisplay:
    """One line per ended run, and one about every ten seconds while nothing ends."""

    QUIET_SECONDS = 10.0

    def __init__(self, plan: Plan, console: Console) -> None:
        self.tally = _Tally(plan)
        self.console = console
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        """Say how much there is to do."""
        count = len(self.tally.names)
        self._print(Text(f"training {count} run{'s' if count != 1 else ''}"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left on the screen."""

    def __call__(self, event: Event) -> None:
        """Print what is worth a line."""
        self.tally.note(event)
        match event:
            case Finished():
                self._print(self.tally.outcome(event))
            case Notice():
                self._print(Text(f"{self.tally.names[event.key]}: {event.message}"))
            case Started() if event.resumed_from:
                self._print(Text(f"{self.tally.names[event.key]}: goes on after step {event.resumed_from}"))
            case Progress() if time.monotonic() - self._told > self.QUIET_SECONDS:
                left = self.tally.seconds_left()
                self._print(
                    Text(
                        f"{self.tally.names[event.key]}: step {event.step}/{self.tally.steps[event.key]}, "
                        f"loss {event.loss:.4f}, {event.images_per_second:,.0f} images/s"
                        + (f"; all runs: {duration(left)} left" if left is not None else "")
                    )
                )
            case _:
                pass

    def stopping(self) -> None:
        """Say that the runs are being stopped."""
        self.tell("stopping: the runs write their checkpoints (once more to stop at once)")

    def tell(self, text: str) -> None:
        """Print a line."""
        self._print(Text(text))

    def _print(self, text: Text) -> None:
        self._told = time.monotonic()
        self.console.print(text, soft_wrap=True)


class LiveDisplay:
    """Bars: one for the batch, one for each run that is being trained."""

    def __init__(self, plan: Plan, console: Console) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        self.tally = _Tally(plan)
        self.console = console
        self.bars: Bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %", markup=False),
            TextColumn("{task.fields[about]}", markup=False),
            console=console,
            transient=True,
            refresh_per_second=8,
        )
        self.whole: TaskID = self.bars.add_task("all runs", total=self.tally.total_steps, about="")
        self.tasks: dict[str, TaskID] = {}
        self.last: dict[str, Mapping[str, float]] = {}

    def __enter__(self) -> Self:
        """Show the bars."""
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bars."""
        self.bars.stop()

    def __call__(self, event: Event) -> None:
        """Move the bars; ended runs leave a line above them."""
        self.tally.note(event)
        match event:
            case Started():
                name = _shorten(self.tally.names[event.key], max(20, self.console.width - 60))
                self.tasks[event.key] = self.bars.add_task(
                    name, total=event.steps, completed=event.resumed_from, about=""
                )
            case Progress() if event.key in self.tasks:
                accuracy = self.tally.accuracy.get(event.key)
                self.bars.update(
                    self.tasks[event.key],
                    completed=event.step,
                    about=f"loss {event.loss:.3f}"
                    + (f", acc {100 * accuracy:.1f}" if accuracy is not None else "")
                    + f", {event.images_per_second:,.0f}/s",
                )
            case Notice():
                self.bars.console.print(Text(f"{self.tally.names[event.key]}: {event.message}"))
            case Finished():
                self.bars.console.print(self.tally.outcome(event))
                if event.key in self.tasks:
                    self.bars.remove_task(self.tasks.pop(event.key))
            case _:
                pass
        left = self.tally.seconds_left()
        self.bars.update(
            self.whole,
            completed=self.tally.done_steps,
            about=f"{self.tally.ended}/{len(self.tally.names)} runs"
            + (f", {duration(left)} left" if left is not None else ""),
        )

    def stopping(self) -> None:
        """Say that the runs are being stopped."""
        self.tell("stopping: the runs write their checkpoints (once more to stop at once)")

    def tell(self, text: str) -> None:
        """Print a line above the bars."""
        self.bars.console.print(Text(text))


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 10 s``, ``5 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


@contextmanager
def fetching(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Shows the progress of data sets that are downloaded or decoded before the batch."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            if not console.is_terminal:
                console.print(Text(what), soft_wrap=True)
            tasks[what] = bars.add_task(what, total=total or None)
        bars.update(tasks[what], completed=done, total=total or None)

    with bars if console.is_terminal else nullcontext():
        yield report
