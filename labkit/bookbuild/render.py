"""The stage through Jupyter Book to HTML, with every warning an error."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from labkit.bookbuild.execute import ANSI, Progress
from labkit.errors import LabError


class RenderError(LabError):
    """Jupyter Book complained; the message holds its complaints."""


def render(stage: Path, progress: Progress) -> Path:
    """Run Jupyter Book on the stage; returns the folder of the HTML.

    Raises RenderError on any warning: `-n` reports each reference without a target, `-W` makes each warning count.
    """
    if not version("jupyter-book").startswith("1."):
        raise RenderError(f"Expected Jupyter Book 1.x, found {version('jupyter-book')}, which ignores _config.yml and "
                          "_toc.yml. Run: python -m labkit setup")
    shutil.rmtree(stage / "_build", ignore_errors=True)  # a kept one would hide the warnings of unchanged pages
    run = "from jupyter_book.cli.main import main; main()"  # the package cannot be called with -m
    command = [sys.executable, "-c", run, "build", str(stage), "-n", "-W", "--keep-going"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
                               errors="replace", env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"})
    lines = []
    for line in process.stdout:
        line = ANSI.sub("", line).rstrip()
        lines.append(line)
        if re.match(r"(reading sources|writing output)", line):
            progress.tick(f"render: {line}")
    code = process.wait()
    html = stage / "_build" / "html"
    complaints = [line.replace(str(stage), "").lstrip("/") for line in lines if re.search(r"\b(WARNING|ERROR)\b", line)]
    if code != 0 or complaints:
        shown = "\n".join(complaints) or "\n".join(lines[-40:])
        raise RenderError(f"Jupyter Book stopped (exit code {code}):\n\n{shown}")
    return html
