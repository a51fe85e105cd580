"""Loading in numbers: the course's way, one file a clip, ours from a ready pack, and the floor, side by side.

    python benchmarks/loading.py [--clips 2300] [--repeats 5] [--batch 32] [--folder FOLDER] [--save]

Makes a dataset of random smooth spectrograms in the course's layout, twice, as .npy and as .npy.gz, with its packs
about 10 GB, in --folder or a temporary folder, and removes it afterwards. Every way reads the mel rows of the same
clips, in batches for a network, each time in a fresh process, the ways in turn. What a way reads is read once before it
starts, so that it is in the page cache; this is kind to the ways that read more. Each criterion is printed with PASS or
FAIL; the exit code is 1 when one fails. Needs Linux.
"""

import argparse
import gzip
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

GENRE = "fma_genre_spectrograms"
COURSE = (3069, 765)    # clips of the course's genre dataset, train and test
LIMIT = 6e9             # bytes: what its data may take in any lesson
CONTENTS = 64           # different clips; the files are copies of them
WAYS = {
    "course.npy": "the course's way, .npy", "course.gz": "the course's way, .npy.gz",
    "torch.npy": "one .npy a clip, torch, float32", "torch.gz": "one .npy.gz a clip, torch, float32",
    "ours": "ours, from the pack", "floor": "the floor: the pack's bytes copied",
}


# --- the data -------------------------------------------------------------------------------------------------------

def spectrogram(seed: int) -> np.ndarray:
    """A clip as on disk, (140, T) float64: noise, smoothed over both axes, mel in dB and chroma in [0, 1]."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(size=(140, 1291 + seed % 3)), (2, 3))
    mel = noise[:128] - noise[:128].max()
    tones = np.exp(8 * noise[128:])
    return np.vstack([np.maximum(mel * (-100 / mel.min()), -80), tones / tones.max(axis=0)])


def make(folder: Path, clips: int) -> None:
    """The datasets `npy`, `gz` and `course`, whose clips are those of `npy` under other names."""
    contents = [io.BytesIO() for _ in range(min(CONTENTS, clips))]
    for seed, content in enumerate(contents):
        np.save(content, spectrogram(seed))
    plain = [content.getvalue() for content in contents]
    with ThreadPoolExecutor() as pool:
        packed = list(pool.map(lambda content: gzip.compress(content, 6), plain))

    def write(root: str, split: str, count: int, content) -> None:
        place = folder / root / GENRE / split
        place.mkdir(parents=True)
        names = [f"{100 + number}.fused.full.npy" for number in range(count)]
        for number, name in enumerate(names):
            content(place / name, number)
        lines = "".join(f"{name}.gz\tGenre {number % 10}\n" for number, name in enumerate(names))
        (place.parent / f"{split}_labels.txt").write_text("Id\tGenre\n" + lines)

    write("npy", "train", clips, lambda file, number: file.write_bytes(plain[number % len(plain)]))
    write("gz", "train", clips,
          lambda file, number: file.with_name(f"{file.name}.gz").write_bytes(packed[number % len(packed)]))
    first = sorted((folder / "npy" / GENRE / "train").iterdir())
    for split, count in zip(("train", "test"), COURSE, strict=True):
        write("course", split, count, lambda file, number: os.link(first[number % len(first)], file))


# --- the ways, each in its own process ------------------------------------------------------------------------------

def read_course(file: Path) -> np.ndarray:
    """The mel rows as the course's code gives them: a view, float64, of the whole array."""
    with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
        return np.load(stream)[:128].T


def course(files: list[Path], batch: int):
    """Every clip read into a list; an item is a clip padded to the longest, in float64."""
    from torch.utils.data import DataLoader, Dataset

    from labkit.datasets import PaddingTransform

    class Course(Dataset):
        def __init__(self):
            self.clips = [read_course(file) for file in files]
            self.pad = PaddingTransform(max(len(clip) for clip in self.clips))

        def __len__(self):
            return len(self.clips)

        def __getitem__(self, index):
            return self.pad(self.clips[index]), 0, len(self.clips[index])

    return DataLoader(Course(), batch, shuffle=True)


def plain(files: list[Path], batch: int):
    """Each clip is read when it is asked for, in float32; torch pads a batch."""
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from torch.utils.data import DataLoader, Dataset

    class Plain(Dataset):
        def __len__(self):
            return len(files)

        def __getitem__(self, index):
            clip = torch.from_numpy(read_course(files[index]).astype(np.float32))
            return clip, 0, len(clip)

    def collate(items):
        clips, labels, lengths = zip(*items, strict=True)
        return pad_sequence(clips, batch_first=True, padding_value=-80), torch.tensor(labels), torch.tensor(lengths)

    return DataLoader(Plain(), batch, shuffle=True, collate_fn=collate)


def ours(root: Path, batch: int):
    from torch.utils.data import DataLoader

    from labkit.datasets import SpectrogramDataset

    data = SpectrogramDataset(root / GENRE, class_mapping=None)
    return DataLoader(data, batch, shuffle=True, collate_fn=data.collate)


def floor(root: Path, batch: int):
    """The bytes of the same clips, copied from the memory map to memory that is there already."""
    from labkit.datasets.packs import open_pack

    frames = open_pack(root / GENRE, "train").maps["mel"]
    step = batch * 1292
    place = np.empty((step, 128), np.float16)

    class Floor:
        def __iter__(self):
            for first in range(0, len(frames), step):
                part = frames[first:first + step]
                np.copyto(place[:len(part)], part)
                yield place, None, None

    return Floor()


def pages() -> tuple[int, int]:
    """Bytes of anonymous memory and of file-backed pages that this process holds."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(1024 * int(lines[name].split()[0]) for name in ("RssAnon", "RssFile"))


def one_way(folder: Path, batch: int, way: str) -> dict:
    """Seconds until the loader is there and for two epochs of its batches; most memory beyond that of the imports."""
    import labkit.datasets.batches  # noqa: F401, and torch with it

    name, root, files = sources(folder, way)
    before = pages()
    seconds, held = [time.perf_counter()], []
    make_loader = {"course": course, "torch": plain, "ours": ours, "floor": floor}[name]
    loader = make_loader(root if name in ("ours", "floor") else files, batch)
    seconds.append(time.perf_counter())
    for _ in range(2):
        for x, _, _ in loader:
            if name != "floor":
                x = x.float()  # what a network takes
            held.append(pages())
        seconds.append(time.perf_counter())
    ready, first, later = np.diff(seconds)
    anon, file = np.max(held, axis=0) - before
    return {"ready": ready, "first": first, "later": later, "anon": int(anon), "file": int(file)}


def sources(folder: Path, way: str) -> tuple[str, Path, list[Path]]:
    """The name of a way, its dataset's folder, and the files that it reads."""
    name, _, kind = way.partition(".")
    root = folder / (kind or "npy")
    files = (root / GENRE / "train").iterdir() if kind else (folder / "cache" / "packs").glob("*/mel.f16")
    return name, root, sorted(files)


def pack(folder: Path, batch: int, root: str) -> dict:
    """The first use of a dataset: seconds and most memory."""
    import torch  # noqa: F401

    from labkit.datasets.packs import open_pack

    begin = time.perf_counter()
    made = open_pack(folder / root / GENRE, "train")
    taken = time.perf_counter() - begin
    size = sum(file.stat().st_size for file in made.folder.iterdir())
    return {"seconds": taken, "size": size, "peak": peak()}


def whole_course(folder: Path, batch: int) -> dict:
    """The course's genre dataset from the first use on: packs, an epoch of each split, standardisation."""
    from torch.utils.data import DataLoader

    from labkit.datasets import SpectrogramDataset, Standardise

    seconds, clips = {}, 0
    for split in ("train", "test"):
        for what in ("packed", "ready"):
            begin = time.perf_counter()
            data = SpectrogramDataset(folder / "course" / GENRE, class_mapping=None, train=split == "train",
                                      feat_type="fused")
            seconds[f"{split} {what}"] = time.perf_counter() - begin
        begin = time.perf_counter()
        clips += sum(len(x) for x, _, _ in DataLoader(data, batch, shuffle=True, collate_fn=data.collate))
        seconds[f"{split} epoch"] = time.perf_counter() - begin
        if split == "train":
            begin = time.perf_counter()
            Standardise.fit(data)
            seconds["standardisation"] = time.perf_counter() - begin
    return {"seconds": seconds, "clips": clips, "peak": peak()}


def peak() -> int:
    """The most bytes that this process held, file-backed pages among them."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(lines["VmHWM"].split()[0])


# --- the comparison -------------------------------------------------------------------------------------------------

def in_process(options: argparse.Namespace, *words: str) -> dict:
    """What a fresh process prints for these words."""
    command = [sys.executable, __file__, "--folder", options.folder, "--batch", str(options.batch), "--run", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {
        "LAB_CACHE": str(options.folder / "cache")})
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def error(options: argparse.Namespace) -> float:
    """The greatest difference in dB between a clip of ours and its file."""
    from labkit.datasets import SpectrogramDataset

    os.environ["LAB_CACHE"] = str(options.folder / "cache")
    data = SpectrogramDataset(options.folder / "npy" / GENRE, class_mapping=None)
    return max(float(np.abs(data[index][0].numpy() - read_course(data.files[index])).max())
               for index in range(min(CONTENTS, len(data))))


def compare(options: argparse.Namespace) -> int:
    from _music import Report

    report = Report()
    report.section(f"Loading {options.clips} clips")
    make(options.folder, options.clips)
    first = {root: in_process(options, "pack", root) for root in ("npy", "gz")}
    runs = {way: [] for way in WAYS}
    for number in range(options.repeats):
        for way, found in runs.items():
            _, root, files = sources(options.folder, way)
            for file in files:
                file.read_bytes()
            for file in (root / GENRE / "train").iterdir():  # ours looks at each, to see whether it has changed
                file.stat()
            found.append(in_process(options, "way", way))
        print(f"repeat {number + 1} of {options.repeats}", file=sys.stderr, flush=True)
    for one in itertools.chain.from_iterable(runs.values()):
        one["start"] = one["ready"] + one["first"]
    mid = {way: {key: float(np.median([run[key] for run in found])) for key in found[0]} for way, found in runs.items()}
    off = error(options)
    times = {way: {key: one[key] / mid["ours"][key] for key in ("start", "later")} for way, one in mid.items()}
    rows = [{"way": words, "open (s)": f"{one['ready']:.3f}", "first epoch (s)": f"{one['first']:.3f}",
             "open + first, times ours": f"{times[way]['start']:.1f}", "later epoch (s)": f"{one['later']:.3f}",
             "later, times ours": f"{times[way]['later']:.1f}", "anonymous (MB)": f"{one['anon'] / 1e6:.0f}",
             "file-backed (MB)": f"{one['file'] / 1e6:.0f}",
             "error (dB)": f"{off:.4f}" if way in ("ours", "floor") else "0" if "course" in way else "0.0000"}
            for (way, words), one in zip(WAYS.items(), mid.values(), strict=True)]
    report.table(f"{options.clips} clips of 30 s, mel, in batches of {options.batch}: medians of {options.repeats} "
                 "fresh processes each, page cache warm; the most memory of two epochs, beyond that of the imports",
                 rows)
    print("The first epoch of a process also pays for memory that is touched for the first time, whichever the way.")
    rows = [{"source": f".{root}" if root == "npy" else ".npy.gz", "seconds": f"{one['seconds']:.1f}",
             "clips a second": f"{options.clips / one['seconds']:.0f}", "size (MB)": f"{one['size'] / 1e6:.0f}",
             "peak memory (MB)": f"{one['peak'] / 1e6:.0f}"} for root, one in first.items()]
    report.table("First use: the pack is made, once", rows)
    course_size = in_process(options, "course")
    report.table(f"The course's genre dataset, {COURSE[0]} + {COURSE[1]} clips, fused, from the first use on",
                 [{"step": name, "seconds": f"{taken:.2f}"} for name, taken in course_size["seconds"].items()])

    memory = (mid["ours"]["anon"] + mid["ours"]["file"]) / mid["course.npy"]["anon"]
    report.facts |= {f"times_{way}_{key}": value for way, two in times.items() for key, value in two.items()}
    report.facts |= {"memory_share": memory, "seconds_start": mid["ours"]["start"],
                     "seconds_later": mid["ours"]["later"], "error_db": off,
                     "course_peak_mb": course_size["peak"] / 1e6}
    print(f"Opened and through the first epoch, ours is {times['torch.npy']['start']:.1f} times faster than one .npy a "
          "clip in plain torch, which has nothing to open.")
    for way, key, words in (("course.npy", "start", "opened and through the first epoch, the course's way"),
                            ("torch.npy", "later", "an epoch, plain torch")):
        report.check(times[way][key] >= 8,
                     f"{words}: at least 8 times faster than one .npy a clip: {times[way][key]:.1f}")
    least = min(times["torch.gz"]["start"], times["torch.gz"]["later"], times["course.gz"]["start"])
    report.check(least >= 20, "opened and through the first epoch, or later: at least 20 times faster than .npy.gz, "
                 f"the course's way or torch's: {least:.0f}")
    report.check(mid["ours"]["start"] < 1,
                 f"opened and through the first epoch in under a second: {mid['ours']['start']:.2f} s")
    report.check(memory <= 0.25, "at most a quarter of the course's bytes after an epoch, anonymous and file-backed "
                 f"together: {100 * memory:.1f} %")
    report.check(off <= 0.032, f"at most 0.032 dB off: {off:.4f} dB")
    report.check(first["npy"]["peak"] < 1e9, f"a pack is made within 1 GB: {first['npy']['peak'] / 1e6:.0f} MB")
    report.check(course_size["clips"] == sum(COURSE) and course_size["peak"] < LIMIT / 2,
                 f"the course's data pass in far less than 6 GB: {course_size['peak'] / 1e6:.0f} MB at the peak, "
                 "file-backed pages included")
    return report.end("loading" if options.save else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2300)
    parser.add_argument("--repeats", type=int, default=5, help="of each way, the ways in turn")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--folder", type=Path, help="where the data are made; a temporary folder without it")
    parser.add_argument("--save", action="store_true", help="keep the tables in results/benchmarks/")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, *words = options.run
        found = {"way": one_way, "pack": pack, "course": whole_course}[what](options.folder, options.batch, *words)
        print(json.dumps(found))
        return 0
    options.folder = Path(tempfile.mkdtemp(prefix="loading-", dir=options.folder))
    try:
        return compare(options)
    finally:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    sys.exit(main())
