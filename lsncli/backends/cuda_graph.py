"""A training step as a CUDA graph: recorded once, then launched whole, without Python and without waiting."""

from __future__ import annotations

from contextlib import suppress

import torch

from lsncli.backends.interface import Step

#: Steps that are taken kernel by kernel before one is recorded: libraries choose their kernels and take their
#: workspaces in them, optimisers make their buffers.
WARM_UP = 3
#: The release of torch from which a capture that fails leaves nothing behind.
CLEANS_UP = (2, 13)


class CapturedStep:
    """Takes the first steps as they are, records one (which takes none), and repeats the record from then on.

    All steps are real ones: nothing is done for the recording's sake that would have to be undone. A step that
    cannot be recorded (it waits for the device, or its shapes depend on its numbers) is taken as it is for ever;
    ``refused`` then says why.
    """

    def __init__(self, step: Step, stream: torch.cuda.Stream) -> None:
        self.step = step
        # The graph's own from the first step on: what autograd remembers of streams must fit the recording.
        self.stream = stream
        self.graph: torch.cuda.CUDAGraph | None = None
        self.refused: str | None = None
        self.taken = 0

    def __call__(self) -> None:
        """Take one step; it returns before the device has finished."""
        if self.graph is None and self.refused is None and self.taken >= WARM_UP:
            self._record()
        if self.graph is not None:
            self.graph.replay()
            return
        self.taken += 1
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            self.step()
        torch.cuda.current_stream().wait_stream(self.stream)

    def _record(self) -> None:
        graph, outside = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            # Only what this thread does is watched: autograd's threads and a second engine may allocate meanwhile.
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                self.step()
        except Exception as error:  # noqa: BLE001 - a third party's loss may do anything in its step
            cause = first_cause(error)
            self.refused = " ".join(f"{type(cause).__name__}: {cause}".split())
            torch.cuda.set_stream(outside)
            torch.cuda.synchronize()
            if tuple(map(int, torch.__version__.split(".")[:2])) < CLEANS_UP:
                self._end_of_capture()
            return
        self.graph = graph

    def _end_of_capture(self) -> None:
        """Bring torch out of a capture that failed, as far as a capture of nothing can.

        Older releases leave the generator of random numbers as if it were still captured, so that whatever draws
        fails from then on, and so does every graph that is repeated (github.com/pytorch/pytorch/pull/176752).
        """
        with suppress(RuntimeError), torch.cuda.stream(self.stream):
            empty = torch.cuda.CUDAGraph()
            empty.capture_begin(capture_error_mode="thread_local")
            empty.capture_end()


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first: the end of a capture that has failed says only that it has."""
    while error.__context__ is not None:
        error = error.__context__
    return error
