"""How long a build of the book takes: all of it, nothing changed, a sentence changed, a cell changed.

    python benchmarks/book.py [--repeats 5]

Works on a copy of the checkout in a temporary folder, with the data of LAB_CACHE. Quick cases are repeated and their
median is shown; the two whole builds are run once each, one after the other on the same machine.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LESSON = "03_chromagrams"


def build(checkout: Path, *options: str) -> tuple[float, int]:
    """Seconds of one build, and how many lessons it executed."""
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "labkit", "book", *options], cwd=checkout, text=True,
                          capture_output=True, env=os.environ | {"PYTHONPATH": str(checkout)})
    if done.returncode:
        sys.exit(f"The build failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - begin, len(re.findall(r": started", done.stdout))


def edit(checkout: Path, old: str, new: str) -> None:
    """Change the lesson's script at one place, and its notebook with it."""
    script = checkout / "notebooks" / f"{LESSON}.py"
    text = script.read_text(encoding="utf-8")
    assert old in text, f"{script.name} no longer holds {old!r}"
    script.write_text(text.replace(old, new, 1), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "labkit", "sync", "--take", "scripts"], cwd=checkout, check=True,
                   capture_output=True, env=os.environ | {"PYTHONPATH": str(checkout)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        files = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True,
                               text=True).stdout.split("\0")
        for name in filter(None, files):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
        for jobs in ("1", "2"):
            shutil.rmtree(checkout / "_build", ignore_errors=True)
            rows.append((f"everything, JOBS={jobs}", [build(checkout, "--jobs", jobs)]))
        rows.append(("nothing changed", [build(checkout) for _ in range(repeats)]))
        prose, cell = [], []
        for number in range(repeats):
            edit(checkout, "# ## Take-away", f"# A sentence, number {number}.\n#\n# ## Take-away")
            prose.append(build(checkout))
        for number in range(min(repeats, 2)):
            edit(checkout, "import librosa\n", f"import librosa\n_ = {number}\n")
            cell.append(build(checkout))
        rows += [("a sentence of a lesson changed", prose), ("a cell of a lesson changed", cell)]
    print(f"{'what':<34}{'runs':>6}{'seconds, median':>18}{'lessons executed':>19}")
    for what, runs in rows:
        print(f"{what:<34}{len(runs):>6}{statistics.median(seconds for seconds, _ in runs):>18.1f}{runs[-1][1]:>19}")


if __name__ == "__main__":
    main()
