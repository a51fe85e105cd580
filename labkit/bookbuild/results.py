"""Committed results: what the lessons measured in one run, with everything needed to judge and repeat it."""

import json
import platform
import re
import time
from pathlib import Path

from labkit.bookbuild.execute import Progress, Record, folder_of, read_record
from labkit.bookbuild.graph import Project, commit_of, input_digest, installed_versions
from labkit.errors import LabError
from labkit.files import write_text
from labkit.profiles import cores, load_profile


def save_results(project: Project, name: str, lessons: list[str], profile: str | None = None) -> Path:
    """Write results/<name>.json from the executions that stand in the build folder; returns the file.

    lessons: names; empty takes all of the graph. The profile and the data are those of the environment, as for the
    build. Raises LabError when a lesson has not been executed with them.
    """
    from labkit.bookbuild.build import describe_data  # which imports this module

    if not re.fullmatch(r"[\w-]+", name):
        raise LabError(f"Expected a name of letters, digits, - and _ for the file in results/, found {name!r}.")
    size = load_profile(profile)
    data, words = describe_data(size.name, Progress())
    found: list[Record] = []
    for lesson in [project.lesson(one) for one in lessons] or project.lessons:
        record = read_record(folder_of(project, lesson, input_digest(project, lesson, size.name, data)))
        if record is None:
            raise LabError(f"{lesson.name} has not been executed with the profile {size.name} on these data. Run: "
                           f"python -m labkit book --profile {size.name}")
        found.append(record)
    if len({(one.python, tuple(one.versions.items())) for one in found}) > 1:
        raise LabError("These lessons were executed with different versions of Python or the libraries. Remove "
                       "_build/executed and build again, so that one file tells of one environment.")
    content = {
        "data": words, "data_digest": data, "profile": size.name,
        "made": time.strftime("%Y-%m-%d", time.gmtime()), "python": found[0].python, "versions": found[0].versions,
        "machine": f"{platform.system()}, {platform.machine()}, {cores()} cores, no GPU used",
        "lessons": {one.lesson: {"commit": one.commit, "seconds": one.seconds, "peak_mib": one.peak_mib,
                                 "threads": one.threads, "measured": one.measured} for one in found},
    }
    folder = project.root / "results"
    folder.mkdir(exist_ok=True)
    write_text(folder / f"{name}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return folder / f"{name}.json"


def results_table(project: Project, records: list[Record]) -> str:
    """The committed results beside this run, as Markdown: what was run, then a table for each lesson.

    Raises LabError for a file that is not as `save_results` writes it.
    """
    try:
        return tables(project, records)
    except (KeyError, TypeError, ValueError) as error:
        raise LabError(f"A file in results/ is not as `python -m labkit results NAME` writes it ({error!r}). Write it "
                       "again, or remove it.") from None


def tables(project: Project, records: list[Record]) -> str:
    """`results_table`, for files that are as they should be."""
    files = sorted((project.root / "results").glob("*.json"))
    committed = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    lines = []
    for name, run in committed.items():
        commits = ", ".join(dict.fromkeys(f"`{one['commit']}`" for one in run["lessons"].values()))
        lines.append(f"- **{name}**: {run['data']}. Commit {commits}, {run['made']}, Python {run['python']}, "
                     f"torch {run['versions']['torch']}, librosa {run['versions']['librosa']}; {run['machine']}.")
    for record in records:
        columns = {"this book": {"seconds": record.seconds, "peak memory (MiB)": record.peak_mib} | record.measured}
        for name, run in committed.items():
            if record.lesson in run["lessons"]:
                one = run["lessons"][record.lesson]
                columns[name] = {"seconds": one["seconds"], "peak memory (MiB)": one["peak_mib"]} | one["measured"]
        rows = dict.fromkeys(row for column in columns.values() for row in column)
        lines += ["", f"## What {record.lesson} measured", "",
                  "| | " + " | ".join(columns) + " |", "|---|" + "--:|" * len(columns)]
        for row in rows:
            values = " | ".join(f"{column[row]:.4g}" if row in column else "" for column in columns.values())
            lines.append(f"| {row.replace('_', ' ')} | {values} |")
    return "\n".join(lines)


# What was published on the course's data (the report; the best of 13 public repositories), and where a run of the
# lessons has its like: (row, the report, best found, lesson, number).
GENRES = (
    ("LSTM, mel", "0.31", "0.35", "05_lstm_genre", "accuracy_LSTM_mel"),
    ("LSTM, beat-synchronous mel", "0.37", "0.39", "05_lstm_genre", "accuracy_LSTM_beat_synchronous_mel"),
    ("LSTM, chroma", "0.20", "0.24", "05_lstm_genre", "accuracy_LSTM_chroma"),
    ("LSTM, mel and chroma", "0.34", "0.37", "05_lstm_genre", "accuracy_LSTM_mel_and_chroma"),
    ("CNN", "0.47", "0.47", "07b_cnn_genre", "cnn_accuracy"),
)
MOODS = (
    ("LSTM, valence", "0.422", "", "08_emotion", "spearman_LSTM_valence"),
    ("LSTM, energy", "0.715", "", "08_emotion", "spearman_LSTM_energy"),
    ("LSTM, danceability", "0.604", "", "08_emotion", "spearman_LSTM_danceability"),
    ("LSTM, mean", "0.580", "", "08_emotion", "spearman_LSTM_mean"),
    ("CNN, valence", "0.569", "0.659", "08_emotion", "spearman_CNN_valence"),
    ("CNN, energy", "0.757", "0.763", "08_emotion", "spearman_CNN_energy"),
    ("CNN, danceability", "0.621", "0.678", "08_emotion", "spearman_CNN_danceability"),
    ("CNN, mean", "0.649", "0.700", "08_emotion", "spearman_CNN_mean"),
    ("transfer, energy", "0.702", "0.807", "09a_transfer", "fine_tuned"),
    ("multitask, mean", "0.715", "0.744", "09b_multitask", "spearman_CNN_three_heads"),
    ("linear model, mean", "", "", "08_emotion", "spearman_linear_model_mean"),
)


def published_table(project: Project, records: list[Record]) -> str:
    """The published results beside this run and the committed ones, as Markdown: accuracies, then correlations.

    Raises LabError as `results_table`, and for a number that no run has under that name.
    """
    runs = {"this book": {one.lesson: one.measured for one in records}}
    try:
        for file in sorted((project.root / "results").glob("*.json")):
            lessons = json.loads(file.read_text(encoding="utf-8"))["lessons"]
            runs[file.stem] = {name: one["measured"] for name, one in lessons.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise LabError(f"{file.name} in results/ is not as `python -m labkit results NAME` writes it ({error!r}). "
                       "Write it again, or remove it.") from None
    wanted = {lesson for *_, lesson, _ in (*GENRES, *MOODS)}
    runs = {name: lessons for name, lessons in runs.items() if wanted & set(lessons)}
    lines = []
    for title, rows in (("Accuracy of genre", GENRES), ("Spearman's correlation of mood", MOODS)):
        lines += ["", f"**{title}**", "", _table_row(["", "the report", "best found in public", *runs]),
                  "|---|" + "--:|" * (len(runs) + 2)]
        for row, report, best, lesson, name in rows:
            found = [run.get(lesson, {}).get(name) for run in runs.values()]
            if any(lesson in run for run in runs.values()) and set(found) == {None}:
                raise LabError(f"The page of published results asks for {name} of {lesson}, which no run measured. "
                               "Call measured() in that lesson by this name, or correct the table in results.py.")
            lines.append(_table_row([row, report, best, *("" if one is None else f"{one:.3f}" for one in found)]))
    return "\n".join(lines)


def save_benchmark(project: Project, name: str, tables: list[tuple[str, list[dict]]], facts: dict[str, float]) -> Path:
    """Write results/benchmarks/<name>.json, which a page shows with the marker `<!-- benchmark NAME -->`.

    tables: (title, rows), each row a dict from column to text or number, the columns alike. facts: numbers by name, on
    which a test of what the book says may rest. Returns the file.
    """
    content = {
        "made": time.strftime("%Y-%m-%d", time.gmtime()), "commit": commit_of(project.root),
        "python": platform.python_version(),
        "versions": installed_versions(),
        "machine": f"{platform.system()}, {platform.machine()}, {cores()} cores, no GPU used",
        "tables": [{"title": title, "rows": rows} for title, rows in tables], "facts": facts,
    }
    folder = project.root / "results" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{name}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return folder / f"{name}.json"


def benchmark_tables(project: Project, name: str) -> str:
    """The committed tables of a benchmark as Markdown, with what they were made by.

    Raises LabError when results/benchmarks/ has no such file, or one that `save_benchmark` did not write.
    """
    file = project.root / "results" / "benchmarks" / f"{name}.json"
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
        script = f"benchmarks/{name.partition('-')[0]}.py"  # one script may make several tables: NAME-profile
        lines = [f"Made by `{script}`, commit `{run['commit']}`, {run['made']}, Python {run['python']}, "
                 f"librosa {run['versions']['librosa']}, scikit-learn {run['versions']['scikit-learn']}; "
                 f"{run['machine']}."]
        for table in run["tables"]:
            columns = list(table["rows"][0])
            made = [_table_row(columns), "|---|" + "--:|" * (len(columns) - 1),
                    *(_table_row([row[column] for column in columns]) for row in table["rows"])]
            if len(table["rows"]) > _LONG:
                lines += ["", f"````{{dropdown}} {table['title']}", *made, "````"]
            else:
                lines += ["", f"**{table['title']}**", "", *made]
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise LabError(f"{file.relative_to(project.root)} is missing or not as benchmarks/{name}.py --save writes it "
                       f"({error!r}). Run that script with --save again.") from None
    return "\n".join(lines)


_LONG = 8  # rows; a longer table is folded on the page


def _table_row(cells: list) -> str:
    """One line of a Markdown table; a bar within a cell is no end of it."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
