"""The result in the course's layout: arrays in their places, label files, and what is told of the run."""

import contextlib
import csv
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from labkit import __version__
from labkit.datasets.layout import AFFECT, SPLITS
from labkit.extraction.clips import Options
from labkit.extraction.journal import GENRE, MOOD, UNUSED, Journal, paths, stored_arrays, write
from labkit.features import HOP, N_CHROMA, N_MELS
from labkit.profiles import SAMPLE_RATE


class Clip(NamedTuple):
    """One clip to have."""

    id: str
    source: Path
    genre: str | None
    mood: tuple[float, ...] | None
    group: str
    split: str

    def homes(self) -> list[str]:
        """Where its arrays belong: in the genre dataset, in the mood dataset, or in both."""
        return [f"{name}/{self.split}" for name, label in ((GENRE, self.genre), (MOOD, self.mood)) if label]


def withdraw(out: Path) -> None:
    """Remove what an earlier run says of the arrays, and the sounds that it copied: they are about to change."""
    try:
        copied = json.loads((out / "extraction.json").read_bytes())["audio"]
    except (OSError, ValueError, KeyError, TypeError):  # none, or not ours
        copied = []
    for name in (GENRE, MOOD):
        for suffix in ("", "_beat"):
            for split in SPLITS:
                (out / f"{name}{suffix}" / f"{split}_labels.txt").unlink(missing_ok=True)
    for place in ("truth/multitask_test.csv", "groups.txt", "notes.csv",
                  *(f"audio/{Path(name).name}" for name in copied), "extraction.json"):
        (out / place).unlink(missing_ok=True)
    for folder in ("truth", "audio"):
        with contextlib.suppress(OSError):  # absent, or the reader keeps something there
            (out / folder).rmdir()


def remove(out: Path, homes: dict[str, Iterable[str]]) -> None:
    """Remove the arrays of clips from these homes."""
    for clip, places in homes.items():
        for path in (path for home in places for path in paths(out, home, clip)):
            path.unlink(missing_ok=True)


def arrange(out: Path, clips: list[Clip], journal: Journal) -> None:
    """Bring every array to where it belongs by now; what is finished and no longer asked for goes to unused/."""
    wanted = {clip.id: clip.homes() for clip in clips}
    for clip, stored in stored_arrays(out).items():
        here = journal.home(clip, stored)
        first, *others = homes = wanted.get(clip, [UNUSED]) if here else [""]
        if here and here != first:
            for old, new in zip(paths(out, here, clip), paths(out, first, clip), strict=True):
                new.parent.mkdir(parents=True, exist_ok=True)
                old.replace(new)
        for home in others:
            for old, new in zip(paths(out, first, clip), paths(out, home, clip), strict=True):
                _twin(old, new)
        remove(out, {clip: stored.keys() - set(homes)})
    for name in (GENRE, MOOD):
        used = any(home.startswith(name) for homes in wanted.values() for home in homes)
        for folder in (out / name, out / f"{name}_beat"):
            for split in SPLITS if used else ():
                (folder / split).mkdir(parents=True, exist_ok=True)
            if not used:
                shutil.rmtree(folder, ignore_errors=True)


def _twin(file: Path, place: Path) -> None:
    """The same file at a second place, as a hard link where the file system has such."""
    old, new = file.stat(), place.stat() if place.exists() else None
    if new and (new.st_size, new.st_mtime_ns) == (old.st_size, old.st_mtime_ns):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(".partial")  # not longer than the name itself, which may be as long as names can be
    partial.unlink(missing_ok=True)
    try:
        os.link(file, partial)
    except OSError:
        shutil.copy2(file, partial)
    partial.replace(place)


def copy_sounds(out: Path, clips: list[Clip], copies: int) -> list[str]:
    """Copy the first training clips of each genre to audio/, where the lessons look for sound. Returns the names."""
    count: Counter[str | None] = Counter()
    chosen = {}
    for clip in clips:
        if clip.split == "train" and count[clip.genre] < copies:
            count[clip.genre] += 1
            chosen[out / "audio" / f"{clip.id}{clip.source.suffix.lower()}"] = clip.source
    for path, source in chosen.items():
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, path.with_name(".partial"))
        path.with_name(".partial").replace(path)
    return [path.name for path in chosen]


def write_texts(out: Path, clips: list[Clip], source: str, options: Options) -> None:
    """The label files as the course has them, groups.txt and meta.json."""
    for split in SPLITS:
        part = [clip for clip in clips if clip.split == split]
        for suffix in ("", "_beat"):
            # The course's files name arrays that lie under other names on disk, differently in each file.
            ending = "beatsync.fused" if suffix else "fused.full" if split == "train" else "full.fused"
            lines = ["Id\tGenre", *(f"{clip.id}.{ending}.npy.gz\t{clip.genre}" for clip in part if clip.genre)]
            if any(clip.genre for clip in clips):
                write(out / f"{GENRE}{suffix}" / f"{split}_labels.txt", "\n".join(lines) + "\n")
        lines = [f"Id,{','.join(AFFECT)}", *(",".join([clip.id, *(f"{value:.3f}" for value in clip.mood)])
                                             for clip in part if clip.mood)]
        if any(clip.mood for clip in clips):
            for path in ([out / "truth" / "multitask_test.csv"] if split == "test" else
                         [out / f"{MOOD}{suffix}" / "train_labels.txt" for suffix in ("", "_beat")]):
                path.parent.mkdir(exist_ok=True)
                write(path, "\n".join(lines) + "\n")
    write(out / "groups.txt", "\n".join(["Id\tGroup", *(f"{clip.id}\t{clip.group}" for clip in clips)]) + "\n")
    meta = {"frames_per_second": SAMPLE_RATE / HOP, "fmax": SAMPLE_RATE / 2, "rows": N_MELS + N_CHROMA,
            "source": source, "reading": options.reading}
    write(out / "meta.json", json.dumps(meta, indent=1, ensure_ascii=False) + "\n")


def table_text(rows: list[tuple[str, ...]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def summarise(clips: list[Clip], journal: Journal, extracted: int, wall: float, skipped: int,
              options: Options) -> dict:
    """What extraction.json tells."""

    def counts(name: str) -> dict[str, int]:
        return {split: sum(f"{name}/{split}" in clip.homes() for clip in clips) for split in SPLITS}

    genres = {split: dict(sorted(Counter(clip.genre for clip in clips if clip.genre and clip.split == split).items()))
              for split in SPLITS}
    return {"clips": len(clips), "counts": {GENRE: counts(GENRE), MOOD: counts(MOOD)}, "genres": genres,
            "skipped": skipped, "sound_seconds": round(sum(journal.records[clip.id]["seconds"] for clip in clips), 1),
            "last_run": {"files": extracted, "wall_seconds": round(wall, 1),
                         "files_per_second": round(extracted / wall, 2)},
            "options": options._asdict(), "features": journal.head["features"],
            "versions": {"labkit": __version__, **journal.head["libraries"]}}


def words(summary: dict, notes: int, out: Path) -> str:
    """The same for the reader of a screen."""
    parts = [f"{name}: {count['train']} train, {count['test']} test" for name, count in summary["counts"].items()
             if any(count.values())]
    lines = [f"{summary['clips']} clips in {out}", *parts]
    if summary["skipped"]:
        lines.append(f"{summary['skipped']} sound files were left out; skipped.csv there says why")
    if notes:
        lines.append(f"{notes} notes on the others in notes.csv")
    if any(count["train"] == 0 or count["test"] == 0 for count in summary["counts"].values() if any(count.values())):
        lines.append("A part without clips: the lessons need both. Give more clips, or a table that names other parts")
    if 0 < len(set().union(*summary["genres"].values())) < 2:
        lines.append("Only one genre: the lessons on genres need at least two")
    return "\n".join([*lines, f"To use them in the lessons, set LAB_DATA={out}"])
