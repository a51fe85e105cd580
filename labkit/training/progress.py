"""What is seen while a training runs: a bar in Jupyter, plain lines where a file or a page is written."""

import os
import sys
from collections.abc import Callable

LINES = 5  # of a whole training at most, where lines are printed


class Reporter:
    """Is called with the History after each epoch, and closed at the end.

    progress: a bar in a notebook that a person runs, or at a terminal; at most `LINES` lines where `CI` or
    `TQDM_DISABLE` is set, as when pages are made. log: is given every epoch's line.
    """

    def __init__(self, epochs: int, progress: bool, log: Callable[[str], None] | None):
        self.epochs, self.progress, self.log, self.bar = epochs, progress, log, None
        plain = os.environ.get("CI") or os.environ.get("TQDM_DISABLE")
        if progress and not plain and ("ipykernel" in sys.modules or sys.stderr.isatty()):
            from tqdm.auto import tqdm

            self.bar = tqdm(total=epochs, unit="epoch", leave=False)

    def __call__(self, history) -> None:
        done = len(history.train)
        line = f"epoch {done}: training loss {history.train[-1]:.4f}"
        line += f", validation loss {history.val[-1]:.4f}" if history.val else ""
        line += f", metric {history.metric[-1]:.3f}" if history.metric else ""
        if self.log is not None:
            self.log(line)
        if self.bar is not None:
            self.bar.set_postfix_str(line.partition(": ")[2], refresh=False)
            self.bar.update(done - self.bar.n)
        elif self.progress and (done % -(-self.epochs // LINES) == 0 or done == self.epochs):
            print(line, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
