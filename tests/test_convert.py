"""`data convert`: what is written, what is kept, and where it refuses."""

import gzip
import json
import os
import shutil

import numpy as np
import pytest
from conftest import write_course

from labkit import cli
from labkit.datasets import convert as module
from labkit.datasets.convert import convert
from labkit.datasets.layout import list_clips, read_array, read_labels, read_meta
from labkit.datasets.verify import verify
from labkit.profiles import DataError

GENRE = "fma_genre_spectrograms"


@pytest.fixture
def data(tmp_path):
    root = write_course(tmp_path / "data", beat=False)
    (root / "groups.txt").write_text("Id\tGroup\n" + "".join(
        f"{clip}\ta\n" for split in ("train", "test") for clip in list_clips(root / GENRE, split)))
    return root


def arrays(root):
    return {(file.parent.relative_to(root).as_posix(), file.name.split(".")[0]): read_array(file)
            for file in root.rglob("*.npy*")}


@pytest.mark.parametrize("suffix", [".npy", ".npy.gz"])
@pytest.mark.parametrize("dtype", [None, "float32", "float16"])
@pytest.mark.parametrize("mel_only", [False, True])
def test_every_form(data, tmp_path, suffix, dtype, mel_only):
    result = convert(data.parent / "data", tmp_path / "out", suffix, dtype, mel_only, progress=False)
    before, after = arrays(data), arrays(tmp_path / "out")
    assert before.keys() == after.keys() and len(after) == 75 == result.clips
    for clip, array in before.items():
        wanted = (array[:128] if mel_only else array).astype(dtype or array.dtype)
        assert after[clip].dtype == wanted.dtype and np.array_equal(after[clip], wanted)
    files = list((tmp_path / "out").rglob("*.npy*"))
    assert all(file.name == f"{file.name.split('.')[0]}.fused.full{suffix}" for file in files)
    assert all((file.read_bytes()[:2] == b"\x1f\x8b") == (suffix == ".npy.gz") for file in files)
    assert result.before == sum(file.stat().st_size for file in data.rglob("*.npy"))
    assert result.after == sum(file.stat().st_size for file in files)
    assert read_labels(tmp_path / "out" / GENRE, "test") == read_labels(data / GENRE, "test")
    assert (tmp_path / "out" / "groups.txt").read_text() == (data / "groups.txt").read_text()
    assert read_meta(tmp_path / "out").rows == (128 if mel_only else 140)
    assert verify(tmp_path / "out").sound


def test_there_and_back_again_is_the_same_to_the_bit(data, tmp_path):
    convert(data, tmp_path / "packed", ".npy.gz", progress=False)
    convert(tmp_path / "packed", tmp_path / "back", progress=False)
    assert all(file.read_bytes() == (tmp_path / "back" / file.relative_to(data)).read_bytes()
               for file in data.rglob("*") if file.is_file())
    convert(data, tmp_path / "again", ".npy.gz", progress=False)  # gzip would put the time into its files
    assert all(file.read_bytes() == (tmp_path / "again" / file.relative_to(tmp_path / "packed")).read_bytes()
               for file in (tmp_path / "packed").rglob("*") if file.is_file())


def test_float16_moves_a_level_by_less_than_the_stated_step(data, tmp_path):
    convert(data, tmp_path / "out", dtype="float16", progress=False)
    before, after = arrays(data), arrays(tmp_path / "out")
    assert 0 < max(np.abs(array - after[clip]).max() for clip, array in before.items()) <= 0.032


def test_meta_keeps_its_values_but_the_rows(data, tmp_path):
    (data / "meta.json").write_text(json.dumps({"frames_per_second": 4.0, "fmax": 8000, "source": "own"}))
    convert(data, tmp_path / "out", mel_only=True, progress=False)
    assert vars(read_meta(tmp_path / "out")) == {"frames_per_second": 4.0, "fmax": 8000, "rows": 128, "source": "own"}


def test_a_clip_that_is_there_twice_is_converted_once(data, tmp_path):
    clip = next((data / GENRE / "train").iterdir())
    (clip.parent / f"{clip.name}.gz").write_bytes(gzip.compress(clip.read_bytes()))
    assert convert(data, tmp_path / "out", progress=False).clips == 75


def test_an_interrupted_conversion_goes_on_and_shows_nothing_before_its_end(data, tmp_path, monkeypatch):
    saved = []

    def save(file, array, real=module._save):
        if len(saved) >= 10:
            raise KeyboardInterrupt
        saved.append(file)
        real(file, array)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_save", save)
        with pytest.raises(KeyboardInterrupt):
            convert(data, tmp_path / "out", dtype="float16", progress=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match=r"to be of the same conversion.*Remove that folder, or give the same options"):
        convert(data, tmp_path / "out", dtype="float32", progress=False)

    finished = {file: file.stat().st_mtime_ns for file in saved}
    changed = next(iter(data.glob(f"{GENRE}/*/{saved[0].name}")))
    np.save(changed, read_array(changed) / 2)  # one whose source changed since is made again
    os.utime(changed, ns=(2 * 10**18, 2 * 10**18))
    convert(data, tmp_path / "out", dtype="float16", progress=False)
    kept = [(tmp_path / "out" / file.relative_to(tmp_path / ".out.partial")).stat().st_mtime_ns == before
            for file, before in finished.items()]
    assert kept == [False, *[True] * 9]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "out"]
    assert np.array_equal(arrays(tmp_path / "out")[f"{GENRE}/{changed.parent.name}", changed.name.split(".")[0]],
                          read_array(changed).astype("float16"))


def test_a_resumed_conversion_keeps_nothing_whose_source_is_gone(data, tmp_path, monkeypatch):
    def stop(file, text, real=module.write_text):
        if file.name == "meta.json":  # the last that is written
            raise KeyboardInterrupt
        real(file, text)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_text", stop)
        with pytest.raises(KeyboardInterrupt):
            convert(data, tmp_path / "out", mel_only=True, progress=False)
    assert (tmp_path / ".out.partial" / GENRE / "train" / "100.fused.full.npy").is_file()
    (data / GENRE / "train" / "100.fused.full.npy").unlink()
    (data / "groups.txt").unlink()
    shutil.rmtree(data / "multitask_dataset")
    assert convert(data, tmp_path / "out", mel_only=True, progress=False).clips == 49
    assert arrays(tmp_path / "out").keys() == arrays(data).keys()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [GENRE, "meta.json"]


@pytest.mark.parametrize(("value", "refused"), [(128, False), (-128.5, True), (1e6, True)])
def test_float16_holds_what_it_can_hold_well(data, tmp_path, value, refused):
    file = data / GENRE / "train" / "100.fused.full.npy"
    array = read_array(file)
    array[3, 3] = value
    np.save(file, array)
    if refused:
        with pytest.raises(DataError, match=r"100\.fused\.full\.npy: expected values from -128 to 128 for float16"):
            convert(data, tmp_path / "out", dtype="float16", progress=False)
        assert not (tmp_path / "out").exists()
        convert(data, tmp_path / "other", dtype="float32", progress=False)
    else:
        convert(data, tmp_path / "out", dtype="float16", progress=False)


def test_an_empty_folder_is_taken(data, tmp_path):
    (tmp_path / "out").mkdir()
    assert convert(data, tmp_path / "out", progress=False).folder == tmp_path / "out"


def occupied(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "homework.txt").write_text("")
    return tmp_path / "out"


def a_file(tmp_path):
    (tmp_path / "out").write_text("")
    return tmp_path / "out"


@pytest.mark.parametrize(("out", "words"), [
    (occupied, "Expected OUT to be absent or an empty folder"),
    (a_file, "Expected OUT to be absent or an empty folder"),
    (lambda tmp_path: tmp_path / "data" / "out", "Expected a folder outside"),
    (lambda tmp_path: tmp_path / "data", "Expected a folder outside"),
    (lambda tmp_path: tmp_path / "data" / ".." / "data" / "out", "Expected a folder outside"),
])
def test_a_place_that_is_not_free_is_refused(data, tmp_path, out, words):
    place = out(tmp_path)
    before = sorted(file for file in tmp_path.rglob("*"))
    with pytest.raises(DataError, match=words):
        convert(data, place, progress=False)
    assert sorted(file for file in tmp_path.rglob("*")) == before


def test_a_link_into_the_data_is_inside_it(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    with pytest.raises(DataError, match="Expected a folder outside"):
        convert(data, tmp_path / "link" / "out", progress=False)


def test_a_damaged_clip_is_named_and_nothing_appears(data, tmp_path):
    (data / GENRE / "train" / "100.fused.full.npy").write_bytes(b"x")
    with pytest.raises(DataError, match=r"100\.fused\.full\.npy: expected an array"):
        convert(data, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_and_what_is_finished_is_kept(data, tmp_path, monkeypatch):
    def full(file, array):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(module, "_save", full)
    with pytest.raises(DataError, match=r"No space left on device at .*\.out\.partial.* give the same command again"):
        convert(data, tmp_path / "out", progress=False)


@pytest.mark.parametrize(("options", "words"), [
    ({"suffix": ".npz"}, "Expected suffix to be one of .npy, .npy.gz, found '.npz'"),
    ({"dtype": "int8"}, "Expected dtype to be one of float32, float16 or None, found 'int8'"),
])
def test_wrong_arguments(data, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        convert(data, tmp_path / "out", **options)


def test_the_command_prints_the_sizes(data, tmp_path, capsys):
    shutil.rmtree(data / "multitask_dataset")
    assert cli.main(["data", "convert", str(data), str(tmp_path / "out"), "--dtype", "float16", "--mel-only"]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'out'}\n50 clips, 0.")
    assert cli.main(["data", "convert", str(data), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("\nExpected OUT to be absent")
