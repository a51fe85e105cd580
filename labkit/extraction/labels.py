"""The tables that say what each sound file is: FMA's own, or two columns of one's own."""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

from labkit.datasets.layout import AFFECT, clip_id, read_label_file
from labkit.profiles import DataError

# What libsndfile reads, and what is often found beside it and cannot be read: that is reported, not passed over.
SOUNDS = frozenset(f".{name}" for name in "wav flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64 "
                                          "m4a aac mp4 wma webm ape wv mpc".split())
SUBSETS = ("small", "medium", "large")  # of FMA; each holds the one before
_TRACKS = {"genre": ("track", "genre_top"), "split": ("set", "split"), "subset": ("set", "subset"),
           "album": ("album", "id"), "artist": ("artist", "id")}
_MOODS = {name: ("echonest", "audio_features", name) for name in AFFECT}
_KINDS = ("FMA's tracks.csv (three header lines, 'track' among the first), 'file,genre' or 'id,genre' with an "
          "optional third column 'group' or 'album', or 'Id,valence,energy,danceability'; comma or tab")


@dataclass
class Table:
    """What is known of the clips, by their ids."""

    what: str                                                   # what was recognised, in words
    genres: dict[str, str] = field(default_factory=dict)
    moods: dict[str, tuple[float, ...]] = field(default_factory=dict)  # valence, energy, danceability
    groups: dict[str, str] = field(default_factory=dict)        # clips that belong on one side of a split
    splits: dict[str, str] = field(default_factory=dict)        # 'train' or 'test', where the table says it
    left_out: dict[str, str] = field(default_factory=dict)      # why a clip of the table has neither genre nor mood
    outside: set[str] = field(default_factory=set)              # clips beyond the subset that was asked for
    with_folder: bool = False                                   # the table names files with their folders


def clip_name(name: str, with_folder: bool = False) -> str:
    """The id of a clip, from the name of its sound file or from what a table calls it.

    The name without its ending; a number is written bare, 000002.mp3 is 2. Other signs than letters, digits, - and _
    become _, because in the course's files an id ends at the first dot. with_folder: folders are part of the id.
    """
    name = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).removeprefix("./")
    name = name if with_folder else name.rpartition("/")[2]
    if name.endswith((".npy", ".npy.gz")):  # a label file of the course
        name = clip_id(name)
    stem, _, ending = name.rpartition(".")
    name = stem if f".{ending.lower()}" in SOUNDS else name
    if name.isdecimal() and len(name) < 1000:  # int reads no more than some thousand digits; no file has such a name
        return str(int(name))
    return re.sub(r"[^\w-]+", "_", name)


def read_tables(labels: str | Path, mood: str | Path | None = None, subset: str | None = None) -> Table:
    """Read what is known of the clips, and say what kind of table it was.

    Parameters
    ----------
    labels : FMA's tracks.csv, a table `file,genre[,group]`, or a label file `Id,valence,energy,danceability`.
    mood : FMA's echonest.csv, or a label file of moods; None takes an echonest.csv that lies beside tracks.csv.
    subset : 'small', 'medium' or 'large' of FMA; None = all.

    Raises
    ------
    DataError : no such file, a header of another kind, a malformed line, or an id that occurs twice.
    """
    labels = Path(labels)
    kind = _kind(labels)
    if subset and kind != "tracks":
        raise DataError(f"Expected FMA's tracks.csv with a subset, found {labels.name}. Leave --subset out, or give "
                        "fma_metadata/tracks.csv.")
    table = _tracks(labels, subset) if kind == "tracks" else _genres(labels) if kind == "genres" else Table(
        f"{labels.name}: moods", moods=_moods(labels, kind))
    if mood is None and kind == "tracks" and (labels.parent / "echonest.csv").is_file():
        mood = labels.parent / "echonest.csv"
    if mood is not None:
        mood = Path(mood)
        kind = _kind(mood)
        if kind not in ("echonest", "moods"):
            raise DataError(f"{mood}: expected moods, FMA's echonest.csv or a file that begins with "
                            f"'Id,{','.join(AFFECT)}', found a table of genres. Give such a file, or leave --mood out.")
        found = _moods(mood, kind)
        table.moods = {clip: values for clip, values in found.items() if clip not in table.outside}
        table.what += f"; moods of {len(table.moods)} clips from {mood.name}"
    return table


def _kind(file: Path) -> str:
    """'tracks', 'echonest', 'genres' or 'moods', from the first line. Raises DataError on another one."""
    if not file.is_file():
        raise DataError(f"Expected a table of labels at {file}, found none. Check the name and the folder.")
    cells = [cell.strip().lower() for cell in next(_rows(file), [])]
    if cells[:1] == [""] and ("track" in cells or "echonest" in cells):
        return "tracks" if "track" in cells else "echonest"
    if cells[:1] and cells[0] in ("id", "file"):
        if tuple(cells[1:]) == AFFECT and cells[0] == "id":
            return "moods"
        if cells[1:2] == ["genre"] and cells[2:] in ([], ["group"], ["album"]):
            return "genres"
    raise DataError(f"{file}, line 1: expected {_KINDS}; found {', '.join(cells)[:80]!r}. "
                    "Put one of these headers on the first line.")


def _rows(file: Path) -> Iterator[list[str]]:
    """The rows of a table, comma or tab separated, one after the other; a quoted cell may hold line ends."""
    limit = csv.field_size_limit(2**31 - 1)  # the biography of an artist can be longer than the 128 KiB of the default
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            separator = "\t" if "\t" in lines.readline() else ","
            lines.seek(0)
            yield from csv.reader(lines, delimiter=separator)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: expected a table as UTF-8 text, found something that cannot be read as one "
                        f"({error}). Save it as CSV, UTF-8.") from None
    finally:
        csv.field_size_limit(limit)


def _levels(file: Path, wanted: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, dict[str, str]]]:
    """(id, values by name) of a table of FMA, whose columns are named by several header lines one above the other."""
    rows = _rows(file)
    header, first = [], None
    for row in islice(rows, 6):
        if row and row[0].strip().isdecimal():
            first = row
            break
        header.append([cell.strip() for cell in row])
    names = [tuple(cell for cell in column if cell) for column in zip_longest(*header, fillvalue="")]
    missing = [name for name in wanted.values() if name not in names]
    if first is None or missing:
        raise DataError(f"{file}: expected the columns {', '.join('/'.join(name) for name in wanted.values())}, each "
                        f"named by the header lines one above the other, and then a line for each track; found no "
                        f"{', '.join('/'.join(name) for name in missing) or 'track'} "
                        f"below {len(header)} header lines. Take the file from fma_metadata.zip as it is.")
    places = {name: names.index(column) for name, column in wanted.items()}
    most = max(places.values())
    for row in (first, *rows):
        if len(row) > most and row[0].strip().isdecimal():
            yield clip_name(row[0]), {name: row[place].strip() for name, place in places.items()}


def _tracks(file: Path, subset: str | None) -> Table:
    table = Table("")
    inside = SUBSETS[:SUBSETS.index(subset) + 1] if subset else ()
    for clip, row in _levels(file, _TRACKS):
        if subset and row["subset"] not in inside:
            table.outside.add(clip)
            continue
        album, artist = ("" if row[name] in ("-1", "nan") else row[name] for name in ("album", "artist"))
        table.groups[clip] = f"album-{album}" if album else f"artist-{artist}" if artist else f"track-{clip}"
        table.splits[clip] = "test" if row["split"] == "test" else "train"
        if row["genre"]:
            table.genres[clip] = row["genre"]
        else:
            table.left_out[clip] = f"{file.name} names no genre_top"
    table.what = (f"{file.name}: FMA's tracks{f' of the subset {subset}' if subset else ''}, "
                  f"{len(table.genres)} with a genre and {len(table.left_out)} without")
    return table


def _genres(file: Path) -> Table:
    rows = _rows(file)
    grouped = len(next(rows)) == 3
    lines = [(number, [" ".join(cell.split()) for cell in row]) for number, row in enumerate(rows, start=2) if any(row)]
    table = Table("", with_folder=any("/" in row[0] or "\\" in row[0] for _, row in lines))
    seen = {}
    for number, row in lines:
        if len(row) != 2 + grouped or not all(row):
            raise DataError(f"{file}, record {number}: expected {2 + grouped} filled cells, found "
                            f"{', '.join(row)[:80]!r}. Correct or remove it.")
        clip = clip_name(row[0], table.with_folder)
        if clip in seen:
            raise DataError(f"{file}, record {number}: expected each clip once, found {row[0]!r} already in record "
                            f"{seen[clip]}. Remove one of the two.")
        seen[clip], table.genres[clip] = number, row[1]
        if grouped:
            table.groups[clip] = row[2]
    table.what = f"{file.name}: {len(table.genres)} clips with a genre{' and a group' if grouped else ''}"
    return table


def _moods(file: Path, kind: str) -> dict[str, tuple[float, ...]]:
    if kind == "moods":
        return {clip_name(clip): values for clip, values in read_label_file(file).items()}
    found = {}
    for clip, row in _levels(file, _MOODS):
        try:
            values = tuple(float(row[name]) for name in AFFECT)
        except ValueError:  # an empty cell
            continue
        if all(0 <= value <= 1 for value in values):  # so NaN is left out as well
            found[clip] = values
    return found
