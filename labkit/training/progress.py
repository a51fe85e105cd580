"""What is seen while a training runs: a bar in Jupyter, plain lines where a file or a page is written."""

import os
import sys
from collections.abc import Callable

LINES = 5  # of a whole training, where lines are printed


def reporter(epochs: int, progress: bool, log: Callable[[str], None] | None) -> Callable:
    """A function that is called with the History after each epoch.

    progress: a bar in a notebook that a person runs, or at a terminal; about `LINES` lines where `CI` or `TQDM_DISABLE`
    is set, as when pages are made. log: is given every epoch's line.
    """
    plain = bool(os.environ.get("CI") or os.environ.get("TQDM_DISABLE"))
    bar = None
    if progress and not plain and ("ipykernel" in sys.modules or sys.stderr.isatty()):
        from tqdm.auto import tqdm

        bar = tqdm(total=epochs, unit="epoch", leave=False)

    def show(history) -> None:
        done = len(history.train)
        line = f"epoch {done}: training loss {history.train[-1]:.4f}"
        line += f", validation loss {history.val[-1]:.4f}" if history.val else ""
        line += f", metric {history.metric[-1]:.3f}" if history.metric else ""
        if log is not None:
            log(line)
        if bar is not None:
            bar.set_postfix_str(line.partition(": ")[2], refresh=False)
            bar.update(done - bar.n)
            if done == epochs:
                bar.close()
        elif progress and (done % max(1, epochs // LINES) == 0 or done == epochs):
            print(line, flush=True)

    return show
