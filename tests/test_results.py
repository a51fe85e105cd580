"""Committed results: what is written, what is refused, and how they are shown beside a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.bookbuild import build as build_module
from labkit.bookbuild.execute import Record
from labkit.bookbuild.graph import Project, commit_of
from labkit.bookbuild.results import benchmark_tables, results_table, save_benchmark, save_results
from labkit.errors import LabError

RECORD = Record(lesson="a_first", profile="ci", data="0" * 12, data_words="no data", reduced=True, seconds=1.5,
                peak_mib=100, threads=2, cells=3, executed="2026-01-01", python="3.11.7",
                versions={"torch": "2.13.0", "librosa": "0.11.0"}, measured={"album_gap": 0.21}, commit="abc")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: book/index\n")
    (tmp_path / "_config.yml").write_text("title: x\n")
    return Project(tmp_path, lessons=())


def committed(project, name, measured):
    (project.root / "results").mkdir(exist_ok=True)
    run = {"data": "real music", "made": "2026-01-02", "python": "3.11.7", "machine": "2 cores",
           "versions": RECORD.versions,
           "lessons": {"a_first": {"commit": "abc", "seconds": 2.0, "peak_mib": 120, "threads": 1,
                                   "measured": measured}}}
    (project.root / "results" / f"{name}.json").write_text(json.dumps(run))


def test_each_committed_run_is_a_column_beside_this_one(project):
    committed(project, "fma-small", {"album_gap": 0.117, "only_there": 3.0})
    table = results_table(project, [RECORD]).splitlines()
    assert "| | this book | fma-small |" in table
    assert "| album gap | 0.21 | 0.117 |" in table
    assert "| only there |  | 3 |" in table
    assert any(line.startswith("- **fma-small**: real music. Commit `abc`, 2026-01-02") for line in table)


def test_a_lesson_that_a_committed_run_left_out_has_no_column_of_it(project):
    committed(project, "fma-small", {"album_gap": 0.117})
    table = results_table(project, [replace(RECORD, lesson="b_second")])
    assert "| | this book |\n" in table


def test_results_of_a_lesson_that_was_not_executed_are_refused(monkeypatch, tmp_path):
    from mini import make_project

    mini = make_project(tmp_path / "book")
    monkeypatch.setattr(build_module, "describe_data", lambda profile, progress: ("0" * 12, "no data"))
    with pytest.raises(LabError, match=r"a_first has not been executed .* python -m labkit book"):
        save_results(mini, "mine", [], "ci")
    assert not (mini.root / "results").exists()


def test_outside_a_repository_the_commit_is_unknown(tmp_path):
    assert commit_of(tmp_path) == "unknown"


def test_what_the_page_on_real_music_says_is_so():
    """book/real_music.md draws conclusions from the committed runs; this is what they rest on."""
    folder = Path(__file__).resolve().parent.parent / "results"
    runs = {file.stem: json.loads(file.read_text())["lessons"] for file in folder.glob("*.json")}
    assert {"recordings", "fma-small"} <= set(runs)
    assert runs["recordings"]["01_spectrograms"]["measured"]["mel_gap_db"] < 1e-3
    real = runs["fma-small"]["04_dataset"]["measured"]
    assert real["album_gap"] > real["album_gap_half_interval"]
    assert real["nearest_clip_of_same_album"] > 10 * real["same_album_by_chance"]


@pytest.mark.parametrize("name", ["a/b", "../x", "", "a b"])
def test_a_name_that_is_no_file_name_is_refused(project, name):
    with pytest.raises(LabError, match="Expected a name"):
        save_results(project, name, [], "ci")


@pytest.mark.parametrize("content", ["{}", "not json", '{"lessons": {"a_first": {}}}'])
def test_a_damaged_file_is_a_message_and_no_traceback(project, content):
    (project.root / "results").mkdir()
    (project.root / "results" / "x.json").write_text(content)
    with pytest.raises(LabError, match=r"results/ is not as .*Write it again"):
        results_table(project, [RECORD])


def test_a_benchmark_is_kept_and_shown_with_what_made_it(project):
    tables = [("Speed", [{"genre": "Folk", "times": "|a|"}, {"genre": "Rock", "times": 120}])]
    file = save_benchmark(project, "corpus", tables, {"times_real_time": 135.0})
    assert json.loads(file.read_text())["facts"] == {"times_real_time": 135.0}
    shown = benchmark_tables(project, "corpus").splitlines()
    assert shown[0].startswith("Made by `benchmarks/corpus.py`, commit `") and "cores" in shown[0]
    assert shown[2:] == ["**Speed**", "", "| genre | times |", "|---|--:|", "| Folk | \\|a\\| |", "| Rock | 120 |"]


def test_a_long_table_of_a_benchmark_is_folded(project):
    save_benchmark(project, "corpus", [("Many", [{"row": number} for number in range(20)])], {})
    shown = benchmark_tables(project, "corpus")
    assert "````{dropdown} Many\n| row |\n" in shown and shown.endswith("| 19 |\n````")


@pytest.mark.parametrize("content", [None, "not json", "{}", '{"made": "2026"}'])
def test_a_benchmark_that_is_missing_or_damaged_says_what_to_run(project, content):
    if content is not None:
        (project.root / "results" / "benchmarks").mkdir(parents=True)
        (project.root / "results" / "benchmarks" / "corpus.json").write_text(content)
    with pytest.raises(LabError, match=r"results/benchmarks/corpus\.json.*benchmarks/corpus\.py --save.*Run"):
        benchmark_tables(project, "corpus")


def test_what_the_page_on_the_composed_music_says_is_so():
    """book/composed_music.md draws conclusions from the committed benchmarks; this is what they rest on."""
    folder = Path(__file__).resolve().parent.parent / "results" / "benchmarks"
    corpus, realism = (json.loads((folder / f"{name}.json").read_text()) for name in ("corpus", "realism"))
    assert corpus["facts"]["times_real_time"] > 60
    assert 0.35 < corpus["facts"]["accuracy_track"] < 0.75
    assert corpus["facts"]["accuracy_album"] < corpus["facts"]["accuracy_track"] - 0.05
    assert all(0.85 < corpus["facts"][f"ceiling_{axis}"] < 1 for axis in ("valence", "energy", "danceability"))
    assert realism["facts"]["composed_to_real"] > 1.5 / 6  # six genres
    assert realism["facts"]["composed_to_real"] < realism["facts"]["real_to_real"]
    distances = next(row for row in realism["tables"][0]["rows"] if row["descriptor"] == "median distance")
    assert all(float(distances[genre]) < float(distances["two real genres"]) for genre in ("Folk", "Pop", "Rock"))
    taken = {row["real"]: int(row[row["real"]]) for row in realism["tables"][3]["rows"]}
    assert min(taken["Rock"], taken["Hip-Hop"]) > 40 and taken["Pop"] < 100 / 6
    heard = {row["label"]: float(row["ridge, other albums"]) - row["such a model on FMA-small"]
             for table in corpus["tables"] if "noise ceiling" in table["rows"][0] for row in table["rows"]}
    assert heard["danceability"] < -0.15 and abs(heard["valence"]) < 0.15
