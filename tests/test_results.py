"""Committed results: what is written, what is refused, and how they are shown beside a run."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from scipy.stats import spearmanr

from labkit.bookbuild import build as build_module
from labkit.bookbuild.execute import Record
from labkit.bookbuild.graph import Project, commit_of
from labkit.bookbuild.results import (
    GENRES as PUBLISHED_GENRES,
)
from labkit.bookbuild.results import (
    MOODS as PUBLISHED_MOODS,
)
from labkit.bookbuild.results import (
    benchmark_tables,
    published_table,
    results_table,
    save_benchmark,
    save_results,
)
from labkit.corpus import GENRES, STYLES, score
from labkit.corpus.affect import ANNOTATOR_SHARE, affect, expression, traits
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


def test_this_run_stands_beside_the_published_results(project):
    def measured(lesson):
        return {name: 0.5 for *_, one, name in (*PUBLISHED_GENRES, *PUBLISHED_MOODS) if one == lesson}

    lessons = dict.fromkeys(lesson for *_, lesson, _ in (*PUBLISHED_GENRES, *PUBLISHED_MOODS))
    records = [replace(RECORD, lesson=lesson, measured=measured(lesson)) for lesson in lessons]
    committed(project, "other-lessons", {"album_gap": 0.117})
    table = published_table(project, records).splitlines()
    assert "|  | the report | best found in public | this book |" in table  # a run of other lessons has no column
    assert "| CNN | 0.47 | 0.47 | 0.500 |" in table
    assert "| linear model, mean |  |  | 0.500 |" in table
    without = [replace(one, measured={}) if one.lesson == "07b_cnn_genre" else one for one in records]
    with pytest.raises(LabError, match="asks for cnn_accuracy of 07b_cnn_genre, which no run measured"):
        published_table(project, without)


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
    assert real["nearest_clip_of_same_album"] > 5 * real["same_album_by_chance"]
    heard = runs["fma-small"]["05_lstm_genre"]["measured"]
    assert 2 * heard["accuracy_always_the_most_frequent"] < heard["accuracy_LSTM_mel"] < heard["accuracy_linear_model"]
    assert [name for name in heard if "LSTM" in name] == ["accuracy_LSTM_mel"]


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
    ceilings = {"valence": 0.95, "energy": 0.97, "danceability": 0.96}
    assert all(abs(corpus["facts"][f"ceiling_{axis}"] - said) < 0.006 for axis, said in ceilings.items())
    assert realism["facts"]["composed_to_real"] > 1.5 / 6  # six genres
    assert realism["facts"]["composed_to_real"] < realism["facts"]["real_to_real"]
    rows = {row.pop("descriptor"): row for row in realism["tables"][0]["rows"]}
    over_all = {name: float(value) for name, value in rows["median distance"].items()}
    two, one = over_all.pop("two real genres"), over_all.pop("one real genre")
    assert (min(over_all.values()), max(over_all.values()), two, one) == (0.20, 0.36, 0.42, 0.13)
    wide = [name for name, row in rows.items() if name != "median distance" and median(
        float(row[genre].split("/")[1]) for genre in over_all) > float(row["two real genres"])]
    assert wide == ["bumps around the slope, dB", "dynamic range, dB", "deviation a band, dB",
                    "harmonic to percussive, dB"]
    assert sum(row.startswith("-") for row in rows["bumps around the slope, dB"].values()) == 5
    taken = {row["real"]: int(row[row["real"]]) for row in realism["tables"][3]["rows"]}
    assert min(taken["Rock"], taken["Hip-Hop"]) > 40 and taken["Pop"] < 100 / 6
    moods = {row["label"]: (row["composed to composed"], row["real to real"]) for row in realism["tables"][4]["rows"]}
    assert moods == {"valence": ("0.23", "0.55"), "energy": ("0.53", "0.65"), "danceability": ("0.44", "0.71")}
    every = {row["label"]: (row["ridge, other albums"], row["such a model on FMA-small"]) for table in corpus["tables"]
             if "noise ceiling" in table["rows"][0] for row in table["rows"]}
    assert every == {"valence": ("0.48", 0.55), "energy": ("0.80", 0.71), "danceability": ("0.42", 0.71)}
    confused = {row["genre"]: row["taken for"] for table in corpus["tables"] if "taken for" in table["rows"][0]
                for row in table["rows"]}
    assert all(name in confused["Psych-Rock"] for name in ("Punk", "Metal", "Blues"))
    assert " Rock" not in confused["Psych-Rock"]
    assert confused["Trip-Hop"].startswith("Post-Rock") and confused["Psych-Folk"].startswith("Old-Time")


def test_what_the_page_says_of_the_styles_is_so():
    """The numbers of book/composed_music.md that rest on the code."""
    files = {name: sys.modules[f"labkit.corpus.genres.{name.lower().replace('-', '_')}"].__file__ for name in GENRES}
    assert all(len(Path(file).read_text().splitlines()) < 100 for file in files.values())
    assert score._GUEST == score._ELSEWHERE == 0.55 and ANNOTATOR_SHARE == 0.12
    assert sum(not STYLES[genre].mood.assumed for genre in GENRES) == 10
    assert STYLES["Metal"].mood.energy[0] == pytest.approx(STYLES["Rock"].mood.energy[0] + 0.18)
    middle = traits(score.compose("Rock", 1, 5.0))
    tempi = np.arange(60.0, 180.0)
    dance = [expression(replace(middle, tempo=tempo))[2] for tempo in tempi]
    assert tempi[np.argmax(dance)] == 111

    def sounds(genre):
        style = STYLES[genre]
        return ({name for part in style.parts for name in part.instruments if name}
                | {drum for kit in style.drums for drum, _ in kit})

    def common(one, other):
        return len(sounds(one) & sounds(other)) / len(sounds(one) | sounds(other))

    assert {"fiddle", "banjo"} <= sounds("Folk") & sounds("Old-Time")
    assert common("Trip-Hop", "Hip-Hop") == pytest.approx(0.6, abs=0.01)
    assert common("Psych-Rock", "Rock") == pytest.approx(0.5, abs=0.03)


def test_the_genre_alone_tells_a_part_of_the_moods():
    labels = [(STYLES[genre].mood, affect(score.compose(genre, seed, 5.0))) for genre in GENRES
              for seed in range(10)]
    told = {axis: spearmanr(*zip(*((getattr(mood, axis)[0], getattr(felt, axis)) for mood, felt in labels),
                                 strict=True)).statistic for axis in ("valence", "energy")}
    assert 0.2 < told["valence"] < 0.55 and 0.6 < told["energy"] < 0.85


# --- the page on networks ---------------------------------------------------------------------------------------------

def table_of(name, title):
    """The rows of the table of a kept benchmark whose title begins so, by their first column."""
    rows = next(table["rows"] for table in facts_of(name)["tables"] if table["title"].startswith(title))
    return {row.pop(next(iter(row))): row for row in rows}


def test_what_the_page_says_of_the_lessons_claims_is_so():
    claims = table_of("lessons-ci", "The lessons' claims")
    held = {name for name, row in claims.items() if row["verdict"] == "holds" and row["seeds"] == "5 of 5"}
    assert {name for name in claims if "most frequent genre" in name} <= held
    assert {"the CNN above the LSTM on all frames", "mood: multitask above one network an axis",
            "the CNN above the best LSTM input of the course (beat-synchronous)"} <= held
    for name in ("the beat-synchronous LSTM above the one on all frames", "LSTM, mel above chroma alone",
                 "LSTM, beat-synchronous mel above chroma alone", "LSTM, mel and chroma above chroma alone",
                 "mood: the CNNs above the LSTMs"):
        assert claims[name]["verdict"] == "inside the noise" and claims[name]["seeds"] in ("2 of 5", "3 of 5")
    frozen, new = claims["mood: fine-tuned above frozen"], claims["mood: transfer, fine-tuned, above a new start"]
    assert frozen["verdict"] == new["verdict"] == "inside the noise"
    assert (frozen["seeds"], new["seeds"]) == ("5 of 5", "0 of 5")
    genre, mood = table_of("lessons-ci", "Genre of 44 composed test clips, 10 classes, 187"), \
        table_of("lessons-ci", "Mood of 40 composed test clips, 120")
    best = max(float(row["accuracy"].split()[0]) for name, row in genre.items() if row["seeds"] == 5)
    assert abs(best - float(genre["linear model"]["accuracy"].split()[0])) < 2
    assert int(genre["LSTM, mel"]["seconds"]) > 3 * int(genre["LSTM, beat-synchronous mel"]["seconds"])
    means = {name: float(row["mean"].split()[0]) for name, row in mood.items()}
    assert max(means, key=means.get) == "linear model"


def test_what_the_page_says_of_the_larger_corpus_is_so():
    claims = table_of("lessons-laptop", "The lessons' claims")
    assert all(row["seeds"] in ("1 of 1", "0 of 1") for row in claims.values())
    genre = {name: row["verdict"] for name, row in claims.items() if not name.startswith("mood")}
    assert [name for name, verdict in genre.items() if verdict != "holds"] == ["LSTM, mel above chroma alone"]
    assert {row["verdict"] for name, row in claims.items() if name.startswith("mood")} == {"inside the noise"}
    means = {name: float(row["mean"].split()[0]) for name, row in table_of("lessons-laptop", "Mood of ").items()}
    assert max(means, key=means.get) == "linear model"


def test_what_the_page_says_of_real_music_is_so():
    facts = facts_of("real_music")["facts"]
    assert 0.5 < facts["genre_distance"] / 0.06 < 0.75 and 0.75 < facts["mood_distance"] / 0.06 < 1
    rows = [row for table in facts_of("real_music")["tables"] if table["title"] == "Criteria" for row in table["rows"]]
    assert len(rows) == 6 and all(row["met"] == "yes" for row in rows)
    moods = table_of("real_music", "Mood of ")
    report = moods["the report's CNN, multitask"]["above linear model"]
    assert report.startswith("-") and report.endswith("*")
    genres = table_of("real_music", "Genre of ")
    for lstm in ("the report's LSTM", "the report's LSTM, our data handling"):
        below = genres[lstm]["points above linear model"]
        assert below.startswith("-") and below.endswith("*")
    changes = table_of("real_music", "The small recipe with one thing changed")
    seen = {name: float(row["points above the small recipe"].split()[0]) for name, row in changes.items()
            if row["points above the small recipe"].endswith("*")}
    assert list(seen) == ["raw decibels instead of standardised ones"] and -4 < min(seen.values()) < -2
    cnn = "the report's CNN, our data handling"
    assert -12 < float(genres[cnn]["points above the report's CNN"].split()[0]) < -8
    assert genres[cnn]["points above the report's CNN"].endswith("*") and genres[cnn]["seeds"] == 1
    assert not moods[f"{cnn}, multitask"]["above the report's CNN, multitask"].endswith("*")
    for rows, ours, theirs in ((genres, "ours, several averaged", "the report's CNN"),
                               (moods, "ours, several averaged, fine-tuned", "the report's CNN, multitask")):
        assert rows[ours]["seeds"] == rows[theirs]["seeds"] == 3
        assert int(rows[ours]["seconds"]) < int(rows[theirs]["seconds"])


def test_what_the_page_says_of_speed_is_so():
    facts = facts_of("training")["facts"]
    assert facts["times_busy"] <= 2
    assert facts["times_lstm_full_course"] > 50 and round(facts["times_lstm_beat_course"]) == 3
    assert facts["times_lstm_beat_course"] / facts["share_lstm_beat"] < 6.5  # what the peak would allow
    assert min(facts["times_cnn_128_torch"], facts["times_cnn_323_torch"]) > 2


# --- the page on one's own data --------------------------------------------------------------------------------------

def facts_of(name):
    file = Path(__file__).parent.parent / "results" / "benchmarks" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_what_the_page_says_of_the_readings():
    run = facts_of("features")
    facts, tables = run["facts"], {table["title"]: table["rows"] for table in run["tables"]}
    assert all(row["met"] == "yes" for row in tables["Criteria"])
    assert facts["exact_times_course"] >= 5
    assert facts["fast_times_course"] >= 10
    assert facts["fast_times_plain"] >= 4
    where = next(rows for title, rows in tables.items() if title.startswith("Where the time goes"))
    percussive = next(row for row in where if row["part"] == "percussive part")
    assert float(percussive["librosa (ms)"]) > facts["course_ms"] / 2  # "most of its time"
    differs = {row["measure"]: row for title, rows in tables.items() if title.startswith("What differs")
               for row in rows}
    assert float(differs["chroma: correlation with the exact reading"]["median"]) < 0.8  # "another feature"
    beats = differs["beats: agreement with the exact reading (F)"]
    assert float(beats["median"]) > 0.9  # "on most pieces"
    assert float(beats["lowest"]) < 0.5  # "on a few hardly"


def test_what_the_page_says_of_loading_and_extraction():
    loading, extraction = facts_of("loading"), facts_of("extraction")
    for run in (loading, extraction):
        criteria = next(table["rows"] for table in run["tables"] if table["title"] == "Criteria")
        assert criteria and all(row["met"] == "yes" for row in criteria)
    facts = loading["facts"]
    assert facts["times_torch.npy_later"] >= 8
    assert facts["times_course.npy_start"] >= 8
    assert facts["times_torch.npy_start"] < facts["times_torch.npy_later"]  # "cost more than a later epoch"
    assert facts["memory_share"] <= 0.25
    assert facts["error_db"] <= 1 / 32  # "by at most 1/32 dB"
