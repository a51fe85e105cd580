"""Extraction in numbers: clips a second and bytes a clip, and from them what all of FMA would cost on paper.

    python benchmarks/extraction.py [--clips 40] [--repeats 5] [--seconds 30] [--folder FOLDER] [--save]

Composes pieces, encodes them as MP3, 44.1 kHz stereo, and extracts them with `labkit.extraction` in one process and in
two, in turn; decoding, resampling and writing count, the start of the processes and compiling do not. A last figure is
how fast joblib and Dask can hand out clips on which no work is done. Everything is written into --folder or a temporary
folder and removed. Each criterion is printed with PASS or FAIL; the exit code is 1 when one fails.
"""

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from _music import Report, draw, spread

from labkit.corpus import GENRES, compose, render
from labkit.extraction.clips import Job, Options, extract_clip
from labkit.extraction.clips import spread as share_out
from labkit.features import READINGS

TRACKS = 106_574    # clips of 30 s of FMA-full's metadata, which fma_large.zip holds
CORES = (1, 16, 256)
RATE = 44_100       # of the MP3 files, as of nearly all of FMA's
HANDED_OUT = 8000   # clips without work


def encode(item: tuple[str, int, int], folder: Path, seconds: float) -> None:
    """Compose a piece and write it as stereo MP3."""
    import soundfile
    import soxr

    genre, album, seed = item
    sound = soxr.resample(render(compose(genre, seed, seconds, album=album)), 22_050, RATE)
    soundfile.write(folder / f"{seed}.mp3", np.stack([sound, np.roll(sound, 20)], axis=1), RATE,
                    bitrate_mode="CONSTANT", compression_level=0.2)


def rate(sounds: list[Path], out: Path, options: Options, workers: int) -> float:
    """Clips a second, from the time at which the processes are warm."""
    work = partial(extract_clip, options=options)
    for name, part in (("warm", sounds[:2 * workers]), ("measured", sounds)):
        jobs = [Job(file.stem, file, "", (out / name / f"{file.stem}.npy", out / name / f"{file.stem}.beat.npy"),
                    out / f"running {name} {time.monotonic_ns()}") for file in part]
        begin = time.perf_counter()
        for record in share_out(jobs, work, workers, None):
            if "reason" in record:
                raise SystemExit(record["reason"])
    return len(sounds) / (time.perf_counter() - begin)


def reading_alone(sounds: list[Path]) -> float:
    """Milliseconds to decode and resample a file."""
    from labkit.features import read_audio_notes

    begin = time.perf_counter()
    for file in sounds:
        read_audio_notes(file)
    return 1000 * (time.perf_counter() - begin) / len(sounds)


def handing_out(folder: Path) -> float:
    """Clips a second that go through joblib and Dask to as many threads as CORES has at most, with nothing to do."""
    from distributed import LocalCluster

    jobs = [Job(str(number), folder, "", (folder, folder), folder / "none") for number in range(HANDED_OUT)]
    with LocalCluster(n_workers=2, threads_per_worker=CORES[-1] // 2, dashboard_address=None) as cluster:
        for part in (jobs[:1000], jobs):
            begin = time.perf_counter()
            for _ in share_out(part, lambda job: {"id": job.id}, 0, cluster.scheduler_address):
                pass
    return HANDED_OUT / (time.perf_counter() - begin)


def on_paper(found: dict[str, tuple[float, float]], bytes_in: float, bytes_out: float, handed: float,
             report: Report) -> None:
    """Hours of all of FMA from the measured rates."""
    rows = []
    for reading, (one, two) in found.items():
        efficiency = min(1.0, two / (2 * one))
        for cores in CORES:
            clips = one if cores == 1 else min(handed, one * cores * efficiency)
            hours = TRACKS / clips / 3600
            report.facts[f"hours_{reading}_{cores}"] = hours
            most, least = ("at most ", "at least ") if cores > 2 else ("", "")  # nobody measured so many
            rows.append({"reading, cores": f"{reading}, {cores}", "clips/s": f"{most}{clips:.1f}",
                         "hours": f"{least}{hours:.2g}",
                         "GB in": f"{TRACKS * bytes_in / 1e9:.0f}",
                         "MB/s in": f"{most}{clips * bytes_in / 1e6:.0f}",
                         "GB out": f"{TRACKS * bytes_out / 1e9:.0f}",
                         "MB/s out": f"{most}{clips * bytes_out / 1e6:.0f}"})
    report.table(f"On paper: FMA-full, {TRACKS:,} clips of 30 s, float64", rows)
    print("Bounds, not measurements: as many processes as cores, each as fast as here; for more than one the measured "
          f"efficiency of two processes, which more will hardly reach; not more than the {handed:.0f} "
          "clips/s that one client hands out through Dask. Not counted: the wait for a disk or network that is slower "
          "than the MB/s of the table. float32 halves what is written.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=40, help="MP3 files")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each way; the median counts")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a clip")
    parser.add_argument("--folder", type=Path, help="where to write (about 2 MB a clip and run)")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        sounds_folder = folder / "sounds"
        sounds_folder.mkdir()
        items = draw(GENRES, -(-options.clips // len(GENRES)), 1, seed=77)[:options.clips]
        spread(partial(encode, folder=sounds_folder, seconds=options.seconds), items, 2, "encoded")
        sounds = sorted(sounds_folder.iterdir())

        report.section("Speed")
        runs = {(reading, workers): [] for reading in READINGS for workers in (1, 2)}
        for number in range(options.repeats):
            for (reading, workers), rates in runs.items():
                with tempfile.TemporaryDirectory(dir=folder) as out:
                    rates.append(rate(sounds, Path(out), Options(reading, None, 1.0, "float64"), workers))
                    sizes = [path.stat().st_size for path in Path(out, "measured").glob("*.npy")]
            print(f"round {number + 1} of {options.repeats}", file=sys.stderr)
        found = {reading: tuple(float(np.median(runs[reading, workers])) for workers in (1, 2))
                 for reading in READINGS}
        bytes_in = float(np.mean([file.stat().st_size for file in sounds])) * 30 / options.seconds
        bytes_out = sum(sizes) / len(sounds) * 30 / options.seconds
        alone, handed = reading_alone(sounds), handing_out(folder)

    rows = []
    for reading, (one, two) in found.items():
        report.facts |= {f"clips_a_second_{reading}_1": one, f"clips_a_second_{reading}_2": two}
        rows.append({"reading": reading, "one process (clips/s)": f"{one:.2f}", "ms a clip": f"{1000 / one:.0f}",
                     "of it decoding": f"{alone:.0f}", "two processes (clips/s)": f"{two:.2f}",
                     "efficiency": f"{two / (2 * one):.0%}"})
        report.check(two > 1.5 * one, f"two processes do more than 1.5 times the work of one, {reading}: "
                     f"{two / one:.2f}")
    report.table(f"Clips of {options.seconds:g} s from MP3 to .npy, {len(sounds)} clips, median of {options.repeats}",
                 rows)
    report.facts |= {"bytes_in": bytes_in, "bytes_out": bytes_out, "handed_out_a_second": handed}
    report.table("A clip of 30 s", [
        {"what": "the MP3 file (MB)", "value": f"{bytes_in / 1e6:.2f}"},
        {"what": "its arrays, whole and beat-synchronous, float64 (MB)", "value": f"{bytes_out / 1e6:.2f}"},
        {"what": "handed out by joblib and Dask without work (clips/s)", "value": f"{handed:.0f}"}])
    report.section("All of FMA")
    on_paper(found, bytes_in, bytes_out, handed, report)
    return report.end("extraction" if options.save else "")


if __name__ == "__main__":
    sys.exit(main())
