"""`data verify`: each planted fault is found with its words, a sound dataset has none, and the record is kept."""

import gzip
import hashlib
import importlib
import json
import pickle
import shutil
from collections import Counter

import numpy as np
import pytest
from conftest import fused, write_course

from labkit import cli
from labkit.datasets import verify as module
from labkit.datasets.layout import CLASS_MAPPING, FOLDERS
from labkit.datasets.verify import COURSE_CLIPS, COURSE_GENRES, verify
from labkit.profiles import DataError, cache_root

GENRE = "fma_genre_spectrograms"
CLIP = f"{GENRE}/train/100.fused.full.npy"


def loud(array):
    """With its loudest cell at 0 dB, as the course's extraction leaves it."""
    array[:128] -= array[:128].max()
    return array.clip(-80, None)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A tiny dataset without fault or warning; never written into."""
    root = write_course(tmp_path_factory.mktemp("sound") / "data")
    for file in root.rglob("*.npy"):
        array = np.load(file)
        array[:128] = loud(array[:128]) if "_beat" not in str(file) else loud(array[:128] - 0.5)
        np.save(file, array)
    return root


@pytest.fixture
def data(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "data")


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_sound_dataset_has_neither_fault_nor_warning(sound):
    report = verify(sound.parent)  # one data/ above is accepted
    assert (report.root, report.sound, dict(report.faults), dict(report.warnings)) == (sound, True, {}, {})
    text = str(report)
    assert "Not the course's dataset, since it has 50 clips in fma_genre_spectrograms where the course has 3834" in text
    assert "fma_genre_spectrograms_beat       40     10  140" in text
    assert "5 genres, train/test: Blues 8/4, Psych-Rock 8/4, Punk 8/2, Rock 8/0, Soundtrack 8/0." in text
    assert "classes after CLASS_MAPPING, 32/10: Blues 8/4, Metal 8/2, Rock 16/4." in text
    assert "20 clips with mood labels: valence 0.10 to 0.20" in text
    assert text.endswith("\nSound.")


def test_a_file_compressed_as_in_older_copies_is_sound(data):
    file = data / CLIP
    (file.parent / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    for quick in (False, True):
        assert not verify(data, quick=quick).faults


def save(array):
    return lambda file: np.save(file, array(np.load(file)))


def put(value, row=5):
    def change(array):
        array[row, 3] = value
        return array
    return save(change)


def cut(bytes_left):
    return lambda file: file.write_bytes(file.read_bytes()[:bytes_left])


def turn_gz(change):
    return lambda file: file.write_bytes(change(bytearray(gzip.compress(file.read_bytes()))))


def flip(data):
    data[len(data) // 2] ^= 0xFF
    return data


def pickled(file):
    file.write_bytes(pickle.dumps([1, 2]))


def objects(file):
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(("plant", "words", "quick"), [
    (lambda file: file.write_bytes(b""), "an empty file", True),
    (lambda file: file.write_bytes(b"no array at all"), "cannot be read as an array", True),
    (lambda file: file.write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': ((("), "cannot be read", True),
    (cut(100), "cannot be read as an array", True),
    (cut(4000), "truncated", True),
    (turn_gz(lambda data: data[:-200]), "cannot be read as an array", False),
    (turn_gz(flip), "cannot be read as an array", False),
    (pickled, "a pickle", True),
    (objects, "pickled objects", True),
    (save(lambda array: array.astype("S4")), "not numbers", True),
    (save(lambda array: array.astype(complex)), "not numbers", True),
    (save(lambda array: array.T), "time x frequency, transpose it", True),
    (save(lambda array: array[:130]), "neither (140, T) nor (128, T)", True),
    (save(lambda array: array[:, :0]), "neither (140, T) nor (128, T)", True),
    (save(lambda array: array[0]), "neither (140, T) nor (128, T)", True),
    (save(lambda array: array[:128]), "other rows than most clips", True),
    (put(np.nan), "NaN or infinite", False),
    (put(-np.inf), "NaN or infinite", False),
    (put(np.nan, 135), "NaN or infinite", False),
    (put(0.5), "mel outside [-80, 0] dB", False),
    (put(-81), "mel outside [-80, 0] dB", False),
    (put(1.5, 135), "chroma outside [0, 1]", False),
    (put(-0.1, 135), "chroma outside [0, 1]", False),
])
def test_a_faulty_array_is_named(data, plant, words, quick):
    plant(data / CLIP)
    for report in (verify(data), verify(data, quick=True)) if quick else (verify(data),):
        (what, places), = report.faults.items()
        assert words in what + places[0] and places[0].startswith(CLIP) and len(places) == 1
        assert f"FAULT (1): {what}" in " ".join(str(report).split()) and "Not sound: 1 fault to mend" in str(report)


def test_a_header_that_promises_too_much_takes_no_memory(data):
    with open(data / CLIP, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (140, 10**15)})
    assert "truncated" in next(iter(verify(data).faults))


def test_arrays_in_fortrans_order_and_in_other_numbers_are_sound(data):
    np.save(data / CLIP, np.asfortranarray(np.load(data / CLIP)))
    for number, dtype in zip((101, 102, 103, 124), ("float16", "float32", ">f8", "int16"), strict=True):
        file = data / GENRE / "train" / f"{number}.fused.full.npy"
        np.save(file, np.load(file).astype(dtype))
    assert not verify(data).faults


def twice(data):
    shutil.copy(data / CLIP, data / GENRE / "train" / "100.other.npy")


def in_both(data):
    for folder in (GENRE, f"{GENRE}_beat"):
        np.save(data / folder / "test" / "100.fused.full.npy", loud(fused(9, len(folder))))
        with (data / folder / "test_labels.txt").open("a") as file:
            file.write("100.x\tBlues\n")


def swap_labels(data):
    (data / "multitask_dataset" / "train_labels.txt").write_text((data / GENRE / "train_labels.txt").read_text())


@pytest.mark.parametrize(("plant", "words", "place"), [
    (lambda data: (data / CLIP).unlink(), "a label without a file", f"{GENRE}/train_labels.txt: 100"),
    (twice, "two different files carry one id", "100.other.npy"),
    (in_both, "an id is in train and in test", f"{GENRE}: 100"),
    (lambda data: shutil.rmtree(data / GENRE / "test"), "a folder of clips cannot be read", f"{GENRE}/test"),
    (lambda data: (data / GENRE / "train_labels.txt").unlink(), "a label file cannot be used", "found none"),
    (lambda data: (data / GENRE / "train_labels.txt").write_bytes(b"\xff\xfe\x00"), "a label file", "UTF-8"),
    (lambda data: edit(data / GENRE / "train_labels.txt", "Id\t", "Name\t"), "a label file", "line 1: expected"),
    (swap_labels, "a label file of the other kind", "multitask_dataset/train_labels.txt: expected mood labels"),
    (lambda data: edit(data / GENRE / "train_labels.txt", "\tBlues", "\tRock"), "another label in the beat-sync",
     f"{GENRE}/train: 100 is Rock, there Blues"),
    (lambda data: (data / f"{GENRE}_beat/train/100.fused.full.npy").unlink(), "not in its beat-synchronous twin",
     f"{GENRE}/train: 100"),
    (lambda data: (data / "meta.json").write_text("{"), "meta.json cannot be used", "expected a JSON object"),
    (lambda data: (data / "meta.json").write_text('{"rows": 128}'), "other rows than meta.json says", "140, not 128"),
    (lambda data: (data / "groups.txt").write_text("Id\tGroup\n100\n"), "groups.txt cannot be used", "line 2"),
    (lambda data: (data / "groups.txt").write_text("Id\tGroup\n100\ta\n"), "groups.txt cannot be used", "for 49"),
])
def test_a_fault_between_the_files_is_found(data, plant, words, place):
    plant(data)
    faults = verify(data).faults
    what = next(what for what in faults if words in what)
    assert any(place in entry for entry in faults[what]), faults[what]


def remove_test_labels(data):
    for folder in (GENRE, f"{GENRE}_beat"):
        (data / folder / "test_labels.txt").unlink()


def strip_label(data):
    for folder, name in ((GENRE, "full.fused"), (f"{GENRE}_beat", "beatsync.fused")):
        edit(data / folder / "test_labels.txt", f"5000.{name}.npy.gz\tBlues\n", "")


def quieter(file):
    array = np.load(file)
    array[:128] = (array[:128] - 1.25).clip(-80, 0)
    np.save(file, array)


def share_album(data):
    ids = sorted({file.name.split(".")[0] for file in data.rglob("*.npy")})
    (data / "groups.txt").write_text("Id\tGroup\n" + "".join(
        f"{clip}\t{'shared' if clip in ('100', '5000', '5001') else clip}\n" for clip in ids))


@pytest.mark.parametrize(("plant", "words", "place"), [
    (lambda data: quieter(data / CLIP), "the loudest cell is not at 0 dB", f"{CLIP}: -1.25 dB"),
    (strip_label, "a file without a label", f"{GENRE}/test/5000.fused.full.npy"),
    (remove_test_labels, "no test labels", f"{GENRE}/test_labels.txt"),
    (lambda data: (data / GENRE / "train" / "notes.txt").write_text("x"), "not an array file", "train/notes.txt"),
    (lambda data: (data / CLIP).with_name("100.fused.full.npy.gz").write_bytes(
        gzip.compress((data / CLIP).read_bytes())), "as .npy and as .npy.gz", "100.fused.full.npy.gz"),
    (lambda data: shutil.copy(data / CLIP, data / GENRE / "test" / "5000.fused.full.npy"), "in train and test: the ans",
     f"{GENRE}/train/100.fused.full.npy, test/5000.fused.full.npy"),
    (lambda data: [shutil.copy(data / CLIP, data / GENRE / "train" / f"{clip}.fused.full.npy") for clip in (101, 102)],
     "equal content within", "train/100.fused.full.npy, train/102.fused.full.npy and 1 more"),
    (share_album, "albums lie on both sides", f"{GENRE}: 2 of 10 test clips"),
])
def test_a_warning_is_given_and_the_dataset_is_sound(data, plant, words, place):
    plant(data)
    report = verify(data)
    what = next(what for what in report.warnings if words in what)
    assert any(place in entry for entry in report.warnings[what]), report.warnings[what]
    assert report.sound and "Sound, with" in str(report)


def test_every_faulty_line_and_every_orphan_is_collected_and_few_are_shown(data):
    edit(data / GENRE / "train_labels.txt", "100.fused.full.npy.gz\tBlues\n101", "100\tBlues\tRock\n\n103\tBlues\n101")
    for clip in (124, 125, 126, 127):
        (data / GENRE / "train" / f"{clip}.fused.full.npy").unlink()
    report = verify(data)
    lines = report.faults["a label file cannot be used as it is."]
    assert [line.split(":")[0] for line in lines] == [f"{GENRE}/train_labels.txt, line {number}" for number in (2, 7)]
    orphans = report.faults["a label without a file. Complete the folder, or remove the line."]
    assert [orphan.split()[-1] for orphan in orphans] == ["124", "125", "126", "127"]
    assert sum(place in str(report) for place in orphans) == 4  # one more than shown is shown too
    (data / GENRE / "train" / "102.fused.full.npy").unlink()
    assert "... and 2 more" in str(verify(data))


def test_neighbours_are_measured(data):
    for folder in (GENRE, f"{GENRE}_beat"):
        np.save(data / folder / "test" / "203.fused.full.npy", loud(fused(11, len(folder))))
        with (data / folder / "test_labels.txt").open("a") as file:
            file.write("203\tBlues\n")
    text = str(verify(data))
    assert "id +-1   id +-5    album  albums by neighbouring ids" in text
    assert f"{GENRE}             0.0 %    9.1 %    9.1 %" in text


def number_anew(data, name):
    """The clips of the genre folders and their labels under other ids; `name(n)` of the n-th."""
    for folder in (GENRE, f"{GENRE}_beat"):
        count = 0
        for split in ("train", "test"):
            labels = data / folder / f"{split}_labels.txt"
            lines = labels.read_text().split("\n")
            for file in sorted((data / folder / split).iterdir(), key=lambda file: int(file.name.split(".")[0])):
                old = file.name.split(".")[0]
                lines = [f"{name(count)}.x\t{line.split(chr(9))[1]}" if line.startswith(f"{old}.") else line
                         for line in lines]
                file.rename(file.with_name(f"~{name(count)}.fused.full.npy"))
                count += 1
            for file in (data / folder / split).iterdir():
                file.rename(file.with_name(file.name[1:]))
            labels.write_text("\n".join(lines))


@pytest.mark.parametrize("name", [lambda n: n, lambda n: f"song{n}"])
def test_ids_that_tell_no_albums_are_not_reported_as_a_leak(data, name):
    shutil.rmtree(data / "multitask_dataset")
    shutil.rmtree(data / "multitask_dataset_beat")
    number_anew(data, name)
    report = verify(data)
    (what, places), = report.warnings.items()
    assert what.startswith("the ids carry no information on albums") and places == [GENRE] and report.sound
    line, = [line for line in str(report).splitlines() if line.startswith(f"{GENRE} ") and "%" in line]
    assert line.endswith("%  unknown")

    clips = [name(n) for n in range(50)]
    (data / "groups.txt").write_text("Id\tGroup\n" + "".join(f"{clip}\ta{clip}\n" for clip in clips))
    report = verify(data)
    assert not any("no information" in what for what in report.warnings) and "unknown" not in str(report)


def test_an_id_of_any_length_is_read(data):
    shutil.rmtree(data / "multitask_dataset")
    shutil.rmtree(data / "multitask_dataset_beat")
    number_anew(data, lambda n: 20231231235959123456 + 30 * n)
    report = verify(data)
    assert report.sound and f"{GENRE}             0.0 %    0.0 %    0.0 %" in str(report)


# --- the course's own counts -----------------------------------------------------------------------------------------

def test_the_published_counts_agree_with_each_other():
    assert [sum(counts) for counts in zip(*COURSE_GENRES.values(), strict=True)] == list(COURSE_CLIPS["genre"])
    kept = Counter()
    for genre, (train, test) in COURSE_GENRES.items():
        kept += Counter({"train": train, "test": test}) if CLASS_MAPPING[genre] else {}
    assert (kept["train"], kept["test"]) == (2305, 575)


def test_the_composed_corpus_has_the_counts_that_are_verified():
    plan = importlib.import_module("labkit.corpus.plan")  # the package has a function of that name
    published = {genre: plan.COURSE_COUNTS.get(genre, plan.USUAL_COUNTS) for genre in COURSE_GENRES}
    assert published == COURSE_GENRES
    assert plan.COURSE_MULTITASK == COURSE_CLIPS["multitask"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The course's counts without the beat-synchronous twins; one tiny array, linked, stands for every clip."""
    root = tmp_path_factory.mktemp("whole")
    first = root / "first.npy"
    np.save(first, loud(fused(1, 1)).astype(np.float16))
    clip = iter(range(0, 10**7, 20))
    ids = {"genre": [[(next(clip), genre) for genre, counts in COURSE_GENRES.items() for _ in range(counts[side])]
                     for side in (0, 1)],
           "multitask": [[(next(clip), "0.5,0.5,0.5") for _ in range(count)] for count in COURSE_CLIPS["multitask"]]}
    for dataset in ids:
        name = FOLDERS[dataset]
        for split, clips in zip(("train", "test"), ids[dataset], strict=True):
            (root / name / split).mkdir(parents=True)
            for clip_id, _ in clips:
                (root / name / split / f"{clip_id}.fused.full.npy").hardlink_to(first)
            if dataset == "genre" or split == "train":
                header, tab = ("Id\tGenre", "\t") if dataset == "genre" else ("Id,valence,energy,danceability", ",")
                (root / name / f"{split}_labels.txt").write_text(
                    "\n".join([header, *(f"{clip_id}{tab}{label}" for clip_id, label in clips)]) + "\n")
    first.unlink()
    return root


def test_the_courses_dataset_is_recognised_and_its_counts_compared(whole):
    report = verify(whole, quick=True)
    assert report.sound and "Taken for the course's dataset" in str(report)
    assert "Trip-Hop 137/34" in str(report)
    assert "10 classes after CLASS_MAPPING, 2305/575: Blues 160/40, Classical 160/40, Electronic 320/80, Folk 320/80," \
        in " ".join(str(report).split())

    lost = next((whole / GENRE / "test").iterdir())
    labels = whole / GENRE / "train_labels.txt"
    text = labels.read_text()
    try:
        lost = lost.rename(whole / "lost.npy")
        labels.write_text(text.replace("\tMetal", "\tRock", 1))
        faults = verify(whole, quick=True).faults
    finally:
        lost.rename(whole / GENRE / "test" / "1.fused.full.npy")
        labels.write_text(text)
    assert faults["not the count that the course publishes. Download the dataset again."] == [
        f"{GENRE}/train, Metal: 152 labels, published 153", f"{GENRE}/train, Rock: 161 labels, published 160",
        f"{GENRE}/test: 764 clips, published 765"]


def test_mood_folders_alone_can_be_the_courses_unless_they_name_another_source(whole, tmp_path):
    (tmp_path / "multitask_dataset").symlink_to(whole / "multitask_dataset")
    assert "Taken for the course's dataset" in str(verify(tmp_path, quick=True))
    (tmp_path / "meta.json").write_text(json.dumps({"source": "composed corpus"}))
    assert "since meta.json names its source (composed corpus)" in " ".join(str(verify(tmp_path, quick=True)).split())


# --- what is recorded ------------------------------------------------------------------------------------------------

def test_a_sound_verify_records_and_the_next_one_compares(data):
    first = verify(data)
    record, = [file for file in (cache_root() / "manifests").iterdir() if str(file) in " ".join(str(first).split())]
    lines = dict(reversed(line.split("  ")) for line in record.read_text().splitlines())
    assert lines[CLIP] == hashlib.sha256((data / CLIP).read_bytes()).hexdigest()
    assert f"{GENRE}/train_labels.txt" in lines and len(lines) == 150 + 6
    assert "Compared with the checksums" in str(verify(data)) and "recorded in" not in str(verify(data))
    assert "SHA256SUMS" not in {file.name for file in data.iterdir()}

    quieter(data / CLIP)
    (data / "multitask_dataset/test/5000.fused.full.npy").unlink()
    (data / "multitask_dataset_beat/test/5000.fused.full.npy").unlink()
    np.save(data / "multitask_dataset/test/9000.fused.full.npy", loud(fused(8, 1)))
    np.save(data / "multitask_dataset_beat/test/9000.fused.full.npy", loud(fused(7, 2)))
    report = verify(data)
    (what, places), = report.faults.items()
    assert what.startswith("not as recorded on 20") and str(record) in what
    assert places == [f"{CLIP}: changed", "multitask_dataset/test/5000.fused.full.npy: gone",
                      "multitask_dataset_beat/test/5000.fused.full.npy: gone"]
    assert any("not among the recorded" in what for what in report.warnings)

    record.unlink()  # the change is meant
    assert verify(data).sound and verify(data).sound


def test_the_manifest_beside_the_data_is_written_only_on_demand_and_rules(data):
    assert verify(data, write_manifest=True).sound
    manifest = (data / "SHA256SUMS").read_bytes()
    for line in manifest.decode().splitlines():  # as `sha256sum -c` reads it
        value, name = line.split("  ")
        assert hashlib.sha256((data / name).read_bytes()).hexdigest() == value
    assert verify(data).sound and not verify(data).warnings
    quieter(data / CLIP)
    report = verify(data, write_manifest=True)
    (what, places), = report.faults.items()
    assert str(data / "SHA256SUMS") in what and places == [f"{CLIP}: changed"]
    assert (data / "SHA256SUMS").read_bytes() == manifest


def test_a_faulty_dataset_is_not_recorded(data):
    (data / CLIP).write_bytes(b"")
    before = set((cache_root() / "manifests").glob("*"))
    assert not verify(data, write_manifest=True).sound
    assert not (data / "SHA256SUMS").exists() and set((cache_root() / "manifests").glob("*")) == before


def test_a_manifest_that_cannot_be_read_is_a_fault(data):
    (data / "SHA256SUMS").write_text("# a comment\nnonsense\n" + "0" * 64 + "  ../outside\n")
    faults = verify(data).faults
    assert len(faults["a line of the recorded checksums cannot be read. Remove that file."]) == 2


def test_every_changed_file_is_shown(data):
    verify(data)
    changed = [data / GENRE / "train" / f"{clip}.fused.full.npy" for clip in (100, 101, 102, 103, 124, 125, 126)]
    for file in changed:
        quieter(file)
    text = str(verify(data))
    assert all(f"    {GENRE}/train/{file.name}: changed" in text for file in changed)


def test_checksums_as_of_binary_files_are_read(data):
    verify(data, write_manifest=True)
    text = (data / "SHA256SUMS").read_text()
    (data / "SHA256SUMS").unlink()
    (data / "checksums.txt").write_text(text.replace("  ", " *"))  # as sha256sum -b writes them
    report = verify(data)
    assert report.sound and not report.warnings and f"in {data / 'checksums.txt'}" in " ".join(str(report).split())
    quieter(data / CLIP)
    assert list(verify(data).faults.values()) == [[f"{CLIP}: changed"]]


@pytest.mark.parametrize("own", ["d41d8cd98f00b204e9800998ecf8427e  train.zip\n", "What I did on Monday\n",
                                 "0" * 64 + "  train.zip\n", b"\xff\x00", "SHA256 (a.npy) = " + "0" * 64])
def test_somebodys_own_checksums_are_a_warning_and_the_record_is_kept_all_the_same(data, own):
    (data / "checksums.txt").write_bytes(own if isinstance(own, bytes) else own.encode())
    for _ in range(2):
        report = verify(data)
        assert report.sound and list(report.warnings.values()) == [[str(data / "checksums.txt")]]
    quieter(data / CLIP)
    assert list(verify(data).faults.values()) == [[f"{CLIP}: changed"]]
    assert (data / "checksums.txt").is_file()


def test_nothing_is_written_into_the_data(data):
    before = {file: file.stat().st_mtime_ns for file in data.rglob("*")} | {data: data.stat().st_mtime_ns}
    verify(data)
    verify(data, quick=True)
    assert {file: file.stat().st_mtime_ns for file in data.rglob("*")} | {data: data.stat().st_mtime_ns} == before


# --- the command line ------------------------------------------------------------------------------------------------

def test_the_command_prints_the_report_and_returns_what_it_says(data, capsys):
    assert cli.main(["data", "verify", str(data)]) == 0
    assert "Sound." in capsys.readouterr().out
    (data / CLIP).write_bytes(b"")
    assert cli.main(["data", "verify", "--quick", str(data)]) == 1
    printed = capsys.readouterr()
    assert "FAULT (1): an empty file" in printed.out and "Traceback" not in printed.err


def test_an_interrupt_reads_no_further(data, monkeypatch, capsys):
    read = []

    def stop(file):
        read.append(file)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_contents_of", stop)
    assert cli.main(["data", "verify", str(data)]) == 130
    assert len(read) < 100 and "stopped" in capsys.readouterr().err


def test_a_wrong_path_is_told(data, tmp_path):
    for path, words in ((tmp_path / "no", "found nothing"), (data / CLIP, "found a file"),
                        (data / GENRE, "found a dataset folder itself. Give the folder above"),
                        (data / GENRE / "train", "found 100.fused.full.npy")):
        with pytest.raises(DataError, match="Expected a folder that holds one of fma_genre") as error:
            verify(path)
        assert words in str(error.value)
    with pytest.raises(ValueError, match="Leave out quick"):
        verify(data, quick=True, write_manifest=True)
