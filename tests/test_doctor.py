"""Each check of the doctor is driven into its failing state, and says how to mend it."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from labkit import WAITING, doctor
from labkit.environment import ROOT

Version = namedtuple("Version", "major minor micro releaselevel serial")


def versions(monkeypatch, **changed):
    """Let importlib.metadata report other versions; None = not installed."""
    real = metadata.version

    def version(name):
        found = changed.get(name.replace("-", "_"), real(name))
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(doctor.metadata, "version", version)


def test_python_too_old(monkeypatch):
    assert doctor.check_python().ok
    monkeypatch.setattr(sys, "version_info", Version(3, 10, 4, "final", 0))
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.4")
    finding = doctor.check_python()
    assert finding.ok is False
    assert "3.10.4" in finding.message
    assert "3.11 or newer" in finding.fix and "PYTHON=" in finding.fix


def test_package_out_of_range_or_missing(monkeypatch):
    versions(monkeypatch, numpy="1.26.4", jupytext=None)
    finding = doctor.check_packages()
    assert finding.ok is False
    assert "numpy 1.26.4 (expected <3,>=2.0)" in finding.message
    assert "jupytext missing" in finding.message
    pins = doctor.pinned()
    assert finding.fix == f'python -m pip install "numpy=={pins["numpy"]}" "jupytext=={pins["jupytext"]}"'


def test_package_of_another_version_in_range_is_a_note(monkeypatch):
    versions(monkeypatch, numpy="2.0.1")
    finding = doctor.check_packages()
    assert finding.ok is None
    assert f"numpy 2.0.1 (tested: {doctor.pinned()['numpy']})" in finding.message
    assert "-c constraints.txt" in finding.fix


def test_package_of_the_book_missing_is_a_note(monkeypatch):
    versions(monkeypatch, papermill=None)
    finding = doctor.check_packages()
    assert finding.ok is None
    assert "papermill" in finding.message and ".[dev]" in finding.fix


def test_the_build_of_torch_does_not_matter(monkeypatch):
    versions(monkeypatch, torch=f"{doctor.pinned()['torch']}+cu126")
    assert "torch" not in doctor.check_packages().message


@pytest.mark.parametrize("lacking", ["MP3", "OGG", "VORBIS"])
def test_sound_format_missing(monkeypatch, lacking):
    import soundfile

    assert doctor.check_sound().ok
    formats, subtypes = soundfile.available_formats(), soundfile.available_subtypes("OGG")
    formats.pop(lacking, None)
    subtypes.pop(lacking, None)
    monkeypatch.setattr(soundfile, "available_formats", lambda: formats)
    monkeypatch.setattr(soundfile, "available_subtypes", lambda format: subtypes)
    finding = doctor.check_sound()
    assert finding.ok is False
    assert lacking in finding.message
    assert "pip install --force-reinstall soundfile" in finding.fix and "conda install" in finding.fix


def test_font_missing(monkeypatch):
    from matplotlib import font_manager

    assert doctor.check_fonts().ok
    manager = font_manager.FontManager.__new__(font_manager.FontManager)  # a machine without any font
    manager.__dict__.update(vars(font_manager.fontManager), ttflist=[])
    monkeypatch.setattr(font_manager, "findfont", manager.findfont)
    finding = doctor.check_fonts()
    assert finding.ok is False
    assert "not found" in finding.message and "--force-reinstall matplotlib" in finding.fix


def test_font_without_the_sharp_sign(monkeypatch):
    monkeypatch.setattr(doctor, "SHARP", 0x10FFFD)  # a code point that no font draws
    finding = doctor.check_fonts()
    assert finding.ok is False
    assert "sharp sign" in finding.message and "matplotlib" in finding.fix


def test_disk_full(monkeypatch):
    usage = namedtuple("usage", "total used free")
    assert doctor.check_disk().ok
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(2**40, 2**40 - 2**30, 2**30))
    finding = doctor.check_disk()
    assert finding.ok is False
    assert "1.0 GB free for the cache" in finding.message
    assert "2 GB are needed" in finding.fix and "LAB_CACHE" in finding.fix


def test_disk_full_for_the_cache_only(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(doctor.shutil, "disk_usage",
                        lambda folder: usage(0, 0, 0 if Path(folder) == tmp_path else 50 * doctor.GIB))
    finding = doctor.check_disk()
    assert finding.ok is False
    assert "0.0 GB free for the cache, 50.0 GB free for the checkout" in finding.message


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "file" / "cache"))
    finding = doctor.check_disk()
    assert finding.ok is False
    assert "cannot be written" in finding.message and "LAB_CACHE" in finding.fix


@pytest.mark.parametrize("total, available, limit, ok", [
    (16, 8, None, True), (16, 1.5, None, False), (3, 2.5, None, False), (64, 60, 2, False), (64, 60, 8, True),
])
def test_memory(monkeypatch, total, available, limit, ok):
    psutil = pytest.importorskip("psutil")
    memory = namedtuple("memory", "total available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(total * doctor.GIB, available * doctor.GIB))
    monkeypatch.setattr(doctor, "memory_limit", lambda: limit and limit * doctor.GIB)
    finding = doctor.check_memory()
    assert finding.ok is ok
    assert "4 GB in all and 2 GB free" in finding.fix and "JOBS=1" in finding.fix


def test_memory_without_psutil(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    finding = doctor.check_memory()
    assert finding.ok is None
    assert "pip install psutil" in finding.fix


@pytest.mark.parametrize("changed, ok", [({}, True), ({"OMP_WAIT_POLICY": "passive"}, True),
                                         ({"OMP_WAIT_POLICY": "ACTIVE"}, False), ({"GOMP_SPINCOUNT": "1e6"}, False),
                                         ({"GOMP_SPINCOUNT": None}, False)])
def test_threads(monkeypatch, changed, ok):
    for name, value in (WAITING | changed).items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
        assert value is None or value in doctor.check_threads().message
    finding = doctor.check_threads()
    assert finding.ok is ok
    assert "not set" not in finding.message or None in changed.values()
    assert finding.fix == ("unset OMP_WAIT_POLICY and GOMP_SPINCOUNT: labkit then sets OMP_WAIT_POLICY=PASSIVE and "
                           "GOMP_SPINCOUNT=250")


def test_gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    finding = doctor.check_gpu()
    assert finding.ok is None and "nothing in the book needs one" in finding.message
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert doctor.check_gpu().message == "GPU: Apple (mps)"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Some GPU")
    assert doctor.check_gpu().message == "GPU: Some GPU"


@pytest.mark.parametrize("make", [False, True])
def test_data_wrong_folder(monkeypatch, tmp_path, make):
    folder = tmp_path / "songs"
    if make:  # a folder, but with nothing that a lesson can use
        folder.mkdir()
        (folder / "notes.txt").write_text("")
    monkeypatch.setenv("LAB_DATA", str(folder))
    finding = doctor.check_data()
    assert finding.ok is False
    assert str(folder) in finding.message
    assert "set LAB_DATA to a folder in the course's layout, or unset it" in finding.fix


def test_data_with_a_damaged_label_file(monkeypatch, course, tmp_path):
    copy = tmp_path / "course"
    shutil.copytree(course, copy)
    monkeypatch.setenv("LAB_DATA", str(copy))
    finding = doctor.check_data()
    assert finding.ok is True and "40 training clips of 5 genres" in finding.message
    (copy / "fma_genre_spectrograms" / "train_labels.txt").write_text("Id\tGenre\nonly one word\n")
    finding = doctor.check_data()
    assert finding.ok is False
    assert "train_labels.txt" in finding.message and "LAB_DATA" in finding.fix


def test_data_of_an_unknown_profile(monkeypatch):
    monkeypatch.setenv("LAB_PROFILE", "huge")
    finding = doctor.check_data()
    assert finding.ok is False
    assert "huge" in finding.message and "LAB_PROFILE" in finding.fix


def test_data_composed_or_not_yet(monkeypatch, tmp_path):
    from labkit.corpus import digest
    from labkit.profiles import load_profile

    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    finding = doctor.check_data()
    assert finding.ok is None
    assert "made by the first lesson" in finding.message and "python -m labkit data compose" in finding.fix
    folder = tmp_path / "corpus" / digest(load_profile())
    folder.mkdir(parents=True)
    assert doctor.check_data().ok is None  # begun, not complete
    (folder / "complete.json").write_text("{}")
    assert doctor.check_data().ok is None  # of another corpus
    monkeypatch.setattr("labkit.corpus.is_made", lambda profile: True)
    assert doctor.check_data().ok is True


def test_compile_cache_cold(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    finding = doctor.check_compile_cache()
    assert finding.ok is False
    assert finding.fix.startswith("python -m labkit warm") and "NUMBA_CACHE_DIR" in finding.fix


def test_compile_cache_of_another_python_or_an_older_librosa(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "librosa_0").mkdir()
    (tmp_path / "librosa_0" / "beat.__beat_track_dp-558.py39.nbi").write_bytes(b"")
    assert doctor.check_compile_cache().ok is False
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    index = tmp_path / "librosa_0" / f"beat.__beat_track_dp-558.{tag}.nbi"
    index.write_bytes(b"")
    assert doctor.check_compile_cache().ok is True
    os.utime(index, (0, 0))  # compiled before this librosa was installed
    assert doctor.check_compile_cache().ok is False


@pytest.mark.slow
def test_warming_makes_the_cache_warm():
    """Also the guard for a new librosa or numba whose cache files have other names."""
    doctor.warm_librosa()
    assert doctor.check_compile_cache().ok is True


def test_browser_absent(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    finding = doctor.check_browser()
    assert finding.ok is None
    assert "install chromium" in finding.fix and "LAB_CHROMIUM" in finding.fix
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setenv("LAB_CHROMIUM", str(tmp_path / "my-browser"))
    finding = doctor.check_browser()
    assert finding.ok is True and "my-browser" in finding.message


def check_that_raises():
    raise OSError("libsomething.so: cannot open\nshared object file")


def check_that_lacks_a_package():
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def good():
    return doctor.Finding("a", True, "a is well", "never shown")


def note():
    return doctor.Finding("b", None, "b is absent", "get b")


def test_examine_prints_and_counts(monkeypatch):
    lines = []
    monkeypatch.setattr(doctor, "CHECKS", (good, note))
    assert doctor.examine(lines.append) == 0
    assert lines == ["[ok]   a is well", "[note] b is absent", "       fix: get b", "\n2 checks, 0 failed"]


def test_examine_goes_on_after_a_check_that_raises(monkeypatch):
    lines = []
    monkeypatch.setattr(doctor, "CHECKS", (check_that_raises, check_that_lacks_a_package, good))
    assert doctor.examine(lines.append) == 1
    assert lines[0] == ("[fail] that raises: the check stopped with OSError: libsomething.so: cannot open shared "
                        "object file")
    assert "python -m labkit setup" in lines[1]
    assert lines[2] == "[fail] that lacks a package: the package torch is not installed"
    assert "python -m labkit setup" in lines[3]
    assert lines[4:] == ["[ok]   a is well", "\n3 checks, 2 failed"]


def test_every_check_is_run_and_every_failure_has_a_fix():
    checks = {value for name, value in vars(doctor).items() if name.startswith("check_")}
    assert checks == set(doctor.CHECKS)


def test_a_run_in_this_environment():
    lines = []
    failed = doctor.examine(lines.append)
    marks = {line[:6].strip() for line in lines[:-1] if not line.startswith("       fix: ")}
    assert marks <= {"[ok]", "[note]", "[fail]"}
    assert lines[0].startswith("[ok]   Python 3.")
    for check in (doctor.check_packages, doctor.check_sound, doctor.check_fonts, doctor.check_threads):
        assert doctor.run_check(check).ok is not False, check().message
    assert failed == int(any(line.startswith("[fail]") for line in lines))


def test_the_doctor_of_a_bare_interpreter_fails_with_fixes():
    """`-S` leaves out site-packages: nothing is installed, and every finding is still a line."""
    done = subprocess.run([sys.executable, "-S", "-m", "labkit", "doctor"], cwd=ROOT, capture_output=True, text=True,
                          env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "[ok]   Python" in done.stdout
    assert f"is not installed\n       fix: {sys.executable} -m labkit setup" in done.stdout
