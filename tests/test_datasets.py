"""Labels, clips, splits, batches."""

import gzip
import json
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import write_course
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import datasets
from labkit.datasets import (
    CLASS_MAPPING,
    LabelTransformer,
    PaddingTransform,
    SpectrogramDataset,
    collate_padded,
    groups_of,
    neighbour_leak,
    read_labels,
    read_spectrogram,
    split_indices,
    torch_train_val_split,
)
from labkit.profiles import DataError


@pytest.fixture
def genre(course):
    return course / "fma_genre_spectrograms"


@pytest.fixture
def mood(course):
    return course / "multitask_dataset"


# --- label files -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["1042", "1042.fused.full.npy.gz", "1042.full.fused.npy.gz", "1042.fused.full.npy",
                                  "1042.beatsync.fused.npy.gz", " 1042.npy ", "train/1042.fused.full.npy"])
def test_the_id_stands_before_the_first_dot(name):
    assert datasets.clip_id(name) == "1042"


def write(folder, text, split="train"):
    (folder / f"{split}_labels.txt").write_text(text, newline="")
    return folder


def test_every_faulty_name_of_the_course_is_understood(tmp_path):
    text = ("Id\tGenre\n1.fused.full.npy.gz\tBlues\n2.full.fused.npy.gz\tHip-Hop\n\n"
            "3.beatsync.fused.npy.gz\tJazz\n4\tPop")
    assert read_labels(write(tmp_path, text), "train") == {"1": "Blues", "2": "Hip-Hop", "3": "Jazz", "4": "Pop"}


@pytest.mark.parametrize("text", [
    "Id,valence,energy,danceability\n7,0.578,0.973,0.873\n",
    "\ufeffId,valence,energy,danceability\r\n7,0.578,0.973,0.873\r\n\r\n",
    "Id\tvalence\tenergy\tdanceability\n7.fused.full.npy\t0.578\t0.973\t0.873",
    "Id.fused.full.npy.gz,valence,energy,danceability\n7,0.578,0.973,0.873",
])
def test_mood_labels_by_comma_or_tab(tmp_path, text):
    assert read_labels(write(tmp_path, text), "train") == {"7": (0.578, 0.973, 0.873)}


@pytest.mark.parametrize(("text", "line", "message"), [
    ("", 1, "header"),
    ("1.npy\tBlues\n", 1, "header"),
    ("Id,valence,energy\n1,0.1,0.2\n", 1, "header"),
    ("Id\tGenre\n1\tBlues\n1.x.npy\tRock\n", 3, "already on line 2"),
    ("Id\tGenre\n1\tBlues\tRock\n", 2, "genre"),
    ("Id\tGenre\n1\t\n", 2, "genre"),
    ("Id\tGenre\n\n.npy\tBlues\n", 3, "genre"),
    ("Id,valence,energy,danceability\n1,0.1,0.2\n", 2, "three numbers"),
    ("Id,valence,energy,danceability\n1,0.1,0.2,high\n", 2, "three numbers"),
    ("Id,valence,energy,danceability\n1,0.1,0.2,1.2\n", 2, "three numbers"),
    ("Id,valence,energy,danceability\n1,0.1,0.2,nan\n", 2, "three numbers"),
])
def test_label_faults_name_file_and_line(tmp_path, text, line, message):
    with pytest.raises(DataError, match=message) as error:
        read_labels(write(tmp_path, text), "train")
    assert f"train_labels.txt, line {line}:" in str(error.value)


def test_missing_label_file(tmp_path):
    with pytest.raises(DataError, match=r"test_labels\.txt"):
        read_labels(tmp_path, "test")


# --- clips -----------------------------------------------------------------------------------------------------------

def test_find_clip_by_id_alone(genre):
    assert datasets.find_clip(genre, "train", "100.full.fused.npy.gz").name == "100.fused.full.npy"
    assert datasets.find_clip(genre, "train", "101").name == "101.fused.full.npy.gz"
    with pytest.raises(DataError, match="among 40 clips"):
        datasets.find_clip(genre, "train", "10")


def test_two_files_of_one_id(tmp_path):
    (tmp_path / "train").mkdir()
    for name in ("1.a.npy", "1.a.npy.gz", ".DS_Store", "._1.b.npy", "readme.txt"):
        (tmp_path / "train" / name).touch()
    assert datasets.find_clip(tmp_path, "train", "1").name == "1.a.npy"
    (tmp_path / "train" / "1.b.npy").touch()
    with pytest.raises(ValueError, match=r"1\.a\.npy and 1\.b\.npy"):
        datasets.list_clips(tmp_path, "train")


def test_spectrogram_rows(genre):
    file = datasets.find_clip(genre, "train", "100")
    array = np.load(file)
    fused = datasets.read_fused_spectrogram(file)
    assert fused.shape == (array.shape[1], 140)
    assert fused.dtype == np.float32
    np.testing.assert_allclose(fused, array.T, rtol=1e-6)
    np.testing.assert_array_equal(datasets.read_mel_spectrogram(file), fused[:, :128])
    np.testing.assert_array_equal(datasets.read_chromagram(file), fused[:, 128:])
    np.testing.assert_array_equal(read_spectrogram(file, "chroma"), fused[:, 128:])
    assert datasets.clip_shape(file) == array.shape


def test_compressed_files_under_either_name(course, tmp_path):
    compressed = datasets.find_clip(course / "fma_genre_spectrograms", "train", "101")
    plain = datasets.find_clip(course / "fma_genre_spectrograms_beat", "train", "101")
    np.testing.assert_array_equal(read_spectrogram(compressed, "fused"), read_spectrogram(plain, "fused"))
    assert datasets.clip_shape(compressed) == datasets.clip_shape(plain)
    shutil.copy(compressed, tmp_path / "101.npy")
    np.testing.assert_array_equal(read_spectrogram(tmp_path / "101.npy"), read_spectrogram(plain))


def test_clip_faults(tmp_path):
    def fault(array, feat_type="mel", **options):
        np.save(tmp_path / "1.npy", array, **options)
        with pytest.raises(ValueError, match=r"1\.npy: expected") as error:
            read_spectrogram(tmp_path / "1.npy", feat_type)
        return str(error.value)

    assert "mel only" in fault(np.zeros((128, 5)), "chroma")
    assert "mel only" in fault(np.zeros((128, 5)), "fused")
    assert "(139, 5)" in fault(np.zeros((139, 5)))
    assert "transpose" in fault(np.zeros((5, 140)))
    assert "(140,)" in fault(np.zeros(140))
    assert "(140, 0)" in fault(np.zeros((140, 0)))
    assert "NaN" in fault(np.full((140, 5), np.nan))
    assert "finite" in fault(np.zeros((140, 5), dtype=complex))
    assert "pickled" in fault(np.full((140, 5), None), allow_pickle=True)
    for content in (b"", b"no array", b"\x1f\x8bno gzip", b"\x93NUMPY\x01\x00"):
        (tmp_path / "2.npy").write_bytes(content)
        with pytest.raises(ValueError, match="Copy the file again"):
            read_spectrogram(tmp_path / "2.npy")
    with pytest.raises(DataError, match="Check the id"):
        read_spectrogram(tmp_path / "3.npy")
    with pytest.raises(ValueError, match="feat_type"):
        read_spectrogram(tmp_path / "1.npy", "mfcc")


@pytest.mark.parametrize("compressed", [False, True])
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_the_data(tmp_path_factory, compressed, data):
    """The readers of numpy and zlib raise a dozen kinds of errors on damaged bytes."""
    file = tmp_path_factory.getbasetemp() / f"damaged{compressed}.npy"
    np.save(file, np.zeros((128, 3)))
    content = bytearray(gzip.compress(file.read_bytes(), mtime=0) if compressed else file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(140, len(content) - 1)))
        content[place] = data.draw(st.one_of(st.sampled_from(b"0123456789(',}{"), st.integers(0, 255)))
    file.write_bytes(content[:data.draw(st.integers(0, len(content)))])
    for read in (read_spectrogram, datasets.clip_shape):
        try:
            read(file)
        except DataError as error:
            assert file.name in str(error)
            assert len(str(error)) < 600


def test_the_shape_alone_is_checked_as_well(tmp_path):
    for shape in ((140,), (5, 140), (139, 5), (140, 0)):
        np.save(tmp_path / "1.npy", np.zeros(shape))
        with pytest.raises(DataError, match=r"1\.npy: expected an array of shape"):
            datasets.clip_shape(tmp_path / "1.npy")
    with pytest.raises(DataError, match=r"2\.npy: expected an array of numbers"):
        datasets.clip_shape(tmp_path / "2.npy")


def test_meta(tmp_path):
    assert datasets.read_meta(tmp_path) == datasets.Meta(22050 / 512, 11025, 140, "")
    values = {"frames_per_second": 4.5, "fmax": 22050, "rows": 128, "source": "elsewhere"}
    (tmp_path / "meta.json").write_text(json.dumps(values))
    assert datasets.read_meta(tmp_path) == datasets.Meta(**values)
    for text in ("{", "[]", '{"fmax": "high"}', '{"rows": 12}', '{"frames_per_second": 0}'):
        (tmp_path / "meta.json").write_text(text)
        with pytest.raises(ValueError, match=r"meta\.json: expected"):
            datasets.read_meta(tmp_path)


# --- the class mapping and the labels --------------------------------------------------------------------------------

def test_class_mapping_is_the_courses():
    assert len(CLASS_MAPPING) == 20
    assert Counter(CLASS_MAPPING.values())[None] == 5
    assert set(filter(None, CLASS_MAPPING.values())) == {
        "Blues", "Classical", "Electronic", "Folk", "Hip-Hop", "Jazz", "Metal", "Pop", "Rock", "Trip-Hop"}
    merged = {old: new for old, new in CLASS_MAPPING.items() if new not in (None, old)}
    assert merged == {"Psych-Rock": "Rock", "Post-Rock": "Rock", "Psych-Folk": "Folk", "Punk": "Metal",
                      "Chiptune": "Electronic"}


def test_class_mapping_gives_the_courses_counts():
    counts = dict.fromkeys(CLASS_MAPPING, 160) | {"Metal": 153, "Post-Rock": 95, "Soundtrack": 124, "Trip-Hop": 137}
    mapped = Counter()
    for before, count in counts.items():
        mapped[CLASS_MAPPING[before]] += count
    assert sum(counts.values()) == 3069
    del mapped[None]
    assert mapped == {"Blues": 160, "Classical": 160, "Electronic": 320, "Folk": 320, "Hip-Hop": 160, "Jazz": 160,
                      "Metal": 313, "Pop": 160, "Rock": 415, "Trip-Hop": 137}


@given(st.lists(st.sampled_from(sorted(CLASS_MAPPING)), min_size=1))
def test_label_transformer_round_trip(labels):
    transformer = LabelTransformer().fit(labels)
    assert transformer.classes_ == sorted(set(labels))
    indices = transformer.transform(labels)
    assert transformer.inverse(indices) == labels
    assert transformer.inverse(transformer.transform(labels[0])) == labels[0]
    assert set(indices) == set(range(len(set(labels))))


def test_label_transformer_refuses_the_unknown():
    transformer = LabelTransformer().fit(["Rock", "Jazz"])
    with pytest.raises(ValueError, match="'Polka'"):
        transformer.transform("Polka")
    for index in (-1, 2):
        with pytest.raises(ValueError, match="from 0 to 1"):
            transformer.inverse(index)


# --- padding ---------------------------------------------------------------------------------------------------------

@given(length=st.integers(0, 30), max_length=st.integers(1, 30), value=st.floats(-80, 1, width=32))
def test_padding_laws(length, max_length, value):
    clip = np.random.default_rng(length).normal(size=(length, 3)).astype(np.float32)
    padded = PaddingTransform(max_length, value)(clip)
    kept = min(length, max_length)
    assert padded.shape == (max_length, 3)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[:kept], clip[:kept])
    assert np.all(padded[kept:] == np.float32(value))


def test_silence_is_not_zero_decibels():
    assert np.all(PaddingTransform(4)(np.zeros((1, 128)))[1:] == -80)
    fused = PaddingTransform(4, datasets.silence(140))(np.zeros((1, 140)))
    assert np.all(fused[1:, :128] == -80)
    assert np.all(fused[1:, 128:] == 0)
    assert np.all(datasets.silence(12) == 0)
    with pytest.raises(ValueError, match="padding_value"):
        datasets.silence(64)
    with pytest.raises(ValueError, match="max_length"):
        PaddingTransform(0)


def test_collate_pads_with_silence_and_counts():
    batch = [(torch.zeros(3, 140), torch.tensor(1), 3), (torch.zeros(5, 140), torch.tensor(0), 5)]
    x, y, lengths = collate_padded(batch)
    assert x.shape == (2, 5, 140)
    assert x.dtype == torch.float32
    assert torch.all(x[0, 3:, :128] == -80)
    assert torch.all(x[0, 3:, 128:] == 0)
    assert y.tolist() == [1, 0]
    assert lengths.tolist() == [3, 5]


# --- groups and splits -----------------------------------------------------------------------------------------------

def test_groups_by_neighbouring_ids(tmp_path):
    ids = ["121", "100", "110", "x7", "x8", "120", "132"]
    assert groups_of(ids, tmp_path) == ["100", "100", "100", "x7", "x8", "100", "132"]  # 11 apart: a new group


def test_groups_from_the_file(tmp_path):
    (tmp_path / "groups.txt").write_text("Id\tGroup\n1\tA\n2\tB\n\n900\tA\n")
    assert groups_of(["900", "1", "2"], tmp_path) == ["A", "A", "B"]
    with pytest.raises(ValueError, match="none for 1, the first '3'"):
        groups_of(["1", "3"], tmp_path)
    (tmp_path / "groups.txt").write_text("Id\tGroup\n1\n")
    with pytest.raises(ValueError, match="line 2"):
        groups_of(["1"], tmp_path)
    (tmp_path / "groups.txt").write_text("1\tA\n")
    with pytest.raises(ValueError, match="header"):
        groups_of(["1"], tmp_path)


def test_neighbour_leak():
    assert neighbour_leak(["10", "20", "x"], ["11", "25", "26", "x"]) == {1: 0.25, 5: 0.5}
    assert neighbour_leak(["10"], ["17"], distance=7) == {1: 0, 7: 1}
    assert neighbour_leak([], ["1"]) == {1: 0, 5: 0}
    assert neighbour_leak(["20231231235959123456"], ["20231231235959123457"]) == {1: 1, 5: 1}  # beyond 64 bits


def test_album_leak_without_a_list_of_albums(tmp_path):
    """The names of groups come from all ids together: train and test asked for one by one would share none."""
    train, test = ["100", "103", "300"], ["101", "302", "900"]
    assert not set(datasets.groups_of(train, tmp_path)) & set(datasets.groups_of(test, tmp_path))
    assert datasets.album_leak(train, test, tmp_path) == pytest.approx(2 / 3)
    (tmp_path / "groups.txt").write_text("Id\tGroup\n100\ta\n103\tb\n300\tc\n101\td\n302\tc\n900\te\n")
    assert datasets.album_leak(train, test, tmp_path) == pytest.approx(1 / 3)
    assert np.isnan(datasets.album_leak(train, [], tmp_path))


def test_a_mere_numbering_tells_no_albums(tmp_path):
    ids = [str(number) for number in range(1, 101)]
    assert datasets.groups_of(ids, tmp_path) == ids
    assert datasets.album_leak(ids[:80], ids[80:], tmp_path) == 0
    albums = [str(100 * album + track) for album in range(10) for track in range(4)]
    assert len(set(datasets.groups_of(albums, tmp_path))) == 10


@settings(max_examples=100, deadline=None)
@given(data=st.data(), val_size=st.floats(0.05, 0.95), seed=st.integers(0, 99), shuffle=st.booleans())
def test_split_laws(data, val_size, seed, shuffle):
    groups = data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda drawn: len(set(drawn)) > 1))
    labels = data.draw(st.none() | st.lists(st.sampled_from("abc"), min_size=len(groups), max_size=len(groups)))
    arguments = dict(val_size=val_size, seed=seed, shuffle=shuffle, labels=labels, groups=groups)
    train, val = split_indices(len(groups), **arguments)
    assert len(train) > 0
    assert len(val) > 0
    assert sorted([*train, *val]) == list(range(len(groups)))
    assert not {groups[i] for i in train} & {groups[i] for i in val}
    again = split_indices(len(groups), **arguments)
    assert np.array_equal(train, again[0])
    assert np.array_equal(val, again[1])


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(5, 60), min_size=1, max_size=6), val_size=st.floats(0.1, 0.5),
       seed=st.integers(0, 9))
def test_split_keeps_the_shares_of_the_classes(counts, val_size, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    _, val = split_indices(len(labels), val_size, seed=seed, labels=labels)
    for label, count in enumerate(counts):
        assert abs(np.sum(labels[val] == label) - val_size * count) <= 1.5


def test_split_of_albums_keeps_the_shares_nearly():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), rng.integers(1, 9, 200))
    labels = rng.integers(0, 8, 200)[groups]
    _, val = split_indices(len(groups), 0.2, labels=labels, groups=groups)
    shares = np.bincount(labels[val], minlength=8) / np.bincount(labels, minlength=8)
    assert np.all(np.abs(shares - 0.2) < 0.06)


def test_split_of_classes_too_small_for_a_share_still_fills_validation():
    labels = np.repeat(np.arange(20), 2)
    _, val = split_indices(40, 0.2, labels=labels)
    assert 5 <= len(val) <= 8
    assert len(set(labels[val])) == len(val)


def test_split_faults():
    with pytest.raises(ValueError, match="val_size"):
        split_indices(5, 0)
    with pytest.raises(ValueError, match="two items"):
        split_indices(1)
    with pytest.raises(ValueError, match="groups=None"):
        split_indices(5, groups=["a"] * 5)
    with pytest.raises(ValueError, match="5 labels"):
        split_indices(5, labels=["a"])


def test_loaders(genre):
    data = SpectrogramDataset(genre)
    train, val = torch_train_val_split(data, 8, 16, groups=data.groups)
    ids = [{data.ids[i] for i in loader.dataset.indices} for loader in (train, val)]
    assert not ids[0] & ids[1]
    assert len(ids[0] | ids[1]) == len(data)
    assert neighbour_leak(list(ids[0]), list(ids[1])) == {1: 0, 5: 0}
    x, y, lengths = next(iter(train))
    assert x.shape == (8, lengths.max(), 128)
    assert y.dtype == torch.long


# --- the package -----------------------------------------------------------------------------------------------------

def test_torch_is_loaded_only_with_what_needs_it():
    code = ("import sys, labkit.datasets, labkit.datasets.packs, labkit.cli; assert 'torch' not in sys.modules\n"
            "from labkit.datasets import SpectrogramDataset; assert 'torch' in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_can_be_imported():
    assert len(set(datasets.__all__)) == len(datasets.__all__)
    assert all(hasattr(datasets, name) for name in datasets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'read_wav'"):
        datasets.read_wav  # noqa: B018


# --- the dataset -----------------------------------------------------------------------------------------------------

def test_genre_items(genre):
    data = SpectrogramDataset(genre, feat_type="fused")
    assert data.label_transformer.classes_ == ["Blues", "Metal", "Rock"]
    assert Counter(data.labels) == {"Blues": 8, "Metal": 8, "Rock": 16}
    assert Counter(data.genres_before) == dict.fromkeys(("Blues", "Psych-Rock", "Punk", "Rock", "Soundtrack"), 8)
    assert len(data) == len(data.ids) == len(data.files) == len(data.labels) == len(data.groups) == 32
    x, y, length = data[4]
    assert x.shape == (length, 140)
    assert x.dtype == torch.float32
    assert y.dtype == torch.long
    assert data.label_transformer.inverse(y) == data.labels[4] == "Rock"
    assert data.feature_rows == 140
    files, labels = data.get_files_labels(genre / "train_labels.txt", {**CLASS_MAPPING, "Blues": None})
    assert len(files) == len(labels) == 24


def test_no_mapping_keeps_every_genre(genre):
    assert set(SpectrogramDataset(genre, class_mapping=None).labels) == {"Blues", "Psych-Rock", "Punk", "Rock",
                                                                         "Soundtrack"}


def test_unknown_genre_names_the_option(genre):
    with pytest.raises(ValueError, match=r"found 'Punk'.*class_mapping=None"):
        SpectrogramDataset(genre, class_mapping={"Blues": "Blues", "Psych-Rock": None})


@pytest.mark.parametrize("feat_type", ["mel", "chroma", "fused"])
def test_feature_types(genre, feat_type):
    data = SpectrogramDataset(genre, feat_type=feat_type)
    assert data[0][0].shape[1] == data.feature_rows == {"mel": 128, "chroma": 12, "fused": 140}[feat_type]


def test_mood_items(mood):
    data = SpectrogramDataset(mood, regression_label_index="energy")
    assert data[0][1].item() == 0.5
    assert SpectrogramDataset(mood, regression_label_index="all")[0][1].shape == (3,)
    assert SpectrogramDataset(mood)[0][1].tolist() == pytest.approx([0.1, 0.5, 1])
    _, y, _ = next(iter(torch_train_val_split(data, 4, 4)[0]))
    assert y.shape == (4,)
    assert y.dtype == torch.float32


def test_unlabelled_clips(mood):
    data = SpectrogramDataset(mood, train=False, regression_label_index=1)
    assert len(data) == 5
    assert data.ids == sorted(data.ids)
    assert torch.isnan(data[0][1])
    assert torch.isnan(SpectrogramDataset(mood, train=False)[0][1]).all()


@pytest.mark.parametrize("index", [3, -1, "arousal", True, 0.5])
def test_wrong_regression_index(mood, index):
    with pytest.raises(ValueError, match="valence, energy, danceability"):
        SpectrogramDataset(mood, regression_label_index=index)


def test_regression_asked_of_genres(genre):
    with pytest.raises(ValueError, match="holds genres"):
        SpectrogramDataset(genre, regression_label_index=0)


def test_mel_only_folders_say_so_when_chroma_is_asked_for(tmp_path):
    genre = write_course(tmp_path, rows=128) / "fma_genre_spectrograms"
    assert SpectrogramDataset(genre)[0][0].shape[1] == 128
    for feat_type in ("chroma", "fused"):
        for packed in (True, False):
            with pytest.raises(DataError, match="mel only"):
                SpectrogramDataset(genre, feat_type=feat_type, packed=packed)[0]


def test_wrong_arguments(genre):
    with pytest.raises(ValueError, match="mel, chroma, fused, found 'mfcc'"):
        SpectrogramDataset(genre, feat_type="mfcc")
    with pytest.raises(ValueError, match="max_length of at least 1 frame, or None, found 0"):
        SpectrogramDataset(genre, max_length=0)


def test_incomplete_folders(course, tmp_path):
    with pytest.raises(DataError, match="Check the path"):
        SpectrogramDataset(tmp_path / "nowhere")
    copy = shutil.copytree(course / "fma_genre_spectrograms", tmp_path / "copy")
    (copy / "train" / "100.fused.full.npy").unlink()
    with pytest.raises(DataError, match="none for 1 of 32, the first '100'"):
        SpectrogramDataset(copy)
    with pytest.raises(ValueError, match="at least one clip"):
        SpectrogramDataset(copy, class_mapping=dict.fromkeys(CLASS_MAPPING))
    shutil.rmtree(copy / "train")
    with pytest.raises(DataError, match="folder of spectrograms"):
        SpectrogramDataset(copy)


def test_limit_takes_whole_albums_the_same_each_time(genre, mood):
    data = SpectrogramDataset(genre, max_per_class=6)
    assert Counter(data.labels) == {"Blues": 4, "Metal": 4, "Rock": 4}
    assert Counter(Counter(data.groups).values()) == {4: 3}
    assert data.ids == SpectrogramDataset(genre, max_per_class=6).ids
    assert Counter(SpectrogramDataset(genre, max_per_class=3).labels) == {"Blues": 3, "Metal": 3, "Rock": 3}
    assert max(Counter(SpectrogramDataset(genre, train=False, max_per_class=6).labels).values()) == 2
    assert len(SpectrogramDataset(mood, max_per_class=2)) == 8
    assert len(SpectrogramDataset(mood, train=False, max_per_class=1)) == 5  # to be predicted: all
    with pytest.raises(ValueError, match="max_per_class"):
        SpectrogramDataset(genre, max_per_class=0)
