"""Profiles and folders."""

import os
from pathlib import Path

import pytest

from labkit.bookbuild.execute import kernel_environment
from labkit.profiles import DataError, cache_root, data_root, folder_variables


def test_relative_folders_mean_the_same_in_every_process(monkeypatch, tmp_path):
    (tmp_path / "music").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_DATA", "music")
    monkeypatch.setenv("LAB_CACHE", "cache")
    assert data_root() == tmp_path / "music" and cache_root() == tmp_path / "cache"
    expected = {"LAB_DATA": str(tmp_path / "music"), "LAB_CACHE": str(tmp_path / "cache")}
    assert folder_variables() == expected
    assert expected.items() <= kernel_environment("a", 1).items()


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"LAB_DATA is set to .*none.*unset LAB_DATA"):
        data_root()


def test_a_lesson_imports_the_package_that_builds(monkeypatch):
    import labkit

    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    first, second = kernel_environment("a", 1)["PYTHONPATH"].split(os.pathsep)
    assert Path(first) == Path(labkit.__file__).resolve().parent.parent and second == "elsewhere"
