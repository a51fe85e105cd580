"""What is finished: a line for each clip, and where its arrays lie."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import labkit.features
from labkit.datasets.layout import FOLDERS, SPLITS
from labkit.extraction import clips
from labkit.extraction.clips import ExtractionError, Options
from labkit.files import code_digest, write_whole

FORMAT = 1  # of the journal
LIBRARIES = ("librosa", "numba", "numpy", "scipy", "soundfile", "soxr")
JOURNAL = "journal.jsonl"
GENRE, MOOD, UNUSED = FOLDERS["genre"], FOLDERS["multitask"], "unused"


class Journal:
    """The record of each finished clip, in memory and on disk."""

    def __init__(self, out: Path, options: Options):
        self.file = out / JOURNAL
        here = {"format": FORMAT, **options._asdict(), "features": _features_digest(),
                "libraries": {name: version(name) for name in LIBRARIES}}
        lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines() if self.file.is_file() else []
        head, *read = [_parsed(line) for line in lines] or [here]
        libraries = head.get("libraries") if isinstance(head.get("libraries"), dict) else {}
        for what, there, now, remedy in (
                ("options", head, options._asdict(), "Use the same"),
                ("version of labkit", head, {name: here[name] for name in ("format", "features")}, "Use that version"),
                ("versions of the libraries", libraries, here["libraries"],
                 "Install those, as constraints.txt of that time names them")):
            if differing := [f"{name} {there.get(name)} there and {value} now" for name, value in now.items()
                             if there.get(name) != value]:
                raise ExtractionError(f"Expected the {what} with which {out} was begun, found others: "
                                      f"{'; '.join(differing)}. {remedy}, or give another folder.")
        self.head = here
        self.records: dict[str, dict] = {}
        self._keep(read)

    def __enter__(self) -> "Journal":
        self.stream = None
        return self

    def __exit__(self, *_) -> None:
        if self.stream:
            self.stream.close()

    def _keep(self, records: Iterable[dict]) -> None:
        self.records |= {record["id"]: record for record in records
                         if record.keys() >= {"id", "key", "sizes", "seconds", "notes"}}

    def take_up(self, running: Path) -> None:
        """Note what workers finished after a run was killed. What else is there tells how often a clip was tried."""
        for path in running.glob("*.done"):
            self._keep([_parsed(path.read_text(encoding="utf-8"))])
            path.unlink()

    def forget(self, ids: Iterable[str]) -> None:
        """Strike out what is extracted again, and the line at which a killed run broke off; `add` is possible now."""
        for clip in ids:
            self.records.pop(clip, None)
        write(self.file, "".join(map(_line, (self.head, *self.records.values()))))
        self.stream = self.file.open("ab", buffering=0)

    def add(self, record: dict) -> None:
        """Keep what was extracted."""
        self.records[record["id"]] = record
        self.stream.write(encoded(_line(record)))

    def home(self, clip: str, stored: dict[str, list[int]], key: str | None = None) -> str | None:
        """Where the arrays of a finished clip lie whole; None where it has to be extracted.

        stored: what `stored_arrays` found of the clip. key: of its sound file as it is now.
        """
        record = self.records.get(clip)
        if record is None or key not in (None, record["key"]):
            return None
        return next((home for home, sizes in stored.items() if sizes == record["sizes"]), None)


def _line(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _parsed(line: str) -> dict:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _features_digest() -> str:
    """Of the code that decides the arrays: `clips.analyse` and the features, but not their plain form in course.py."""
    files = [path for path in Path(labkit.features.__file__).parent.glob("*.py") if path.name != "course.py"]
    return code_digest([*sorted(files), Path(clips.__file__)])[:12]


def source_key(source: Path) -> str:
    """What a sound file was when it was extracted; its folder may change."""
    try:
        state = source.stat()
    except OSError:  # a link to nowhere; reading it will say so
        return ""
    return hashlib.sha256(f"{state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]


def paths(out: Path, home: str, clip: str) -> tuple[Path, Path]:
    """The whole and the beat-synchronous array of a clip; home: such as fma_genre_spectrograms/train, or unused."""
    name, _, split = home.partition("/")
    return tuple(out / f"{name}{suffix}" / split / f"{clip}.fused.full.npy" for suffix in ("", "_beat"))


def stored_arrays(out: Path) -> dict[str, dict[str, list[int]]]:
    """Of each clip the homes in which files of it lie, with the sizes of both; -1 for a missing one."""
    found: dict[str, dict[str, list[int]]] = {}
    for home in (*(f"{name}/{split}" for name in (GENRE, MOOD) for split in SPLITS), UNUSED):
        for number, path in enumerate(paths(out, home, "any")):
            with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as entries:
                for entry in entries:
                    if entry.name.endswith(".fused.full.npy"):
                        sizes = found.setdefault(entry.name.partition(".")[0], {}).setdefault(home, [-1, -1])
                        sizes[number] = entry.stat().st_size
    return found


def encoded(text: str) -> bytes:
    """UTF-8; of a file name that is none, `\\udce9` and the like stand in."""
    return text.encode(errors="backslashreplace")


def write(path: Path, content: str | bytes) -> None:
    """A file, whole or not at all."""
    write_whole(path, lambda file: file.write(encoded(content) if isinstance(content, str) else content))
