"""The file for Kaggle: written, checked, scored here, and sent."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch.utils.data import DataLoader, Subset

from labkit.datasets import collate_padded
from labkit.datasets.layout import AFFECT
from labkit.errors import LabError
from labkit.evaluation import bootstrap, mean_spearman, predict, resampled, spearman
from labkit.models import Classifier, LSTMBackbone, ModelError, MultitaskRegressor, Regressor
from labkit.profiles import DataError
from labkit.submission import (
    HEADERS,
    SUFFIX,
    SubmissionError,
    kaggle_submission,
    leaderboard,
    upload,
    validate_submission,
)


def regressor(seed=0):
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(FEATURES, 8, dropout=0))


# --- submission ------------------------------------------------------------------------------------------------------

def test_the_file_for_kaggle(tmp_path):
    torch.manual_seed(0)
    data, model = TinyClips(11, "all", first=500), MultitaskRegressor(LSTMBackbone(FEATURES, 4))
    file = kaggle_submission(model, data, tmp_path / "solution.txt")
    lines = file.read_text().splitlines()
    assert lines[0] == "Id,valence,energy,danceability"
    assert [line.split(",")[0] for line in lines[1:]] == data.ids
    expected, _ = predict(model, data.loader(11))
    found = np.array([line.split(",")[1:] for line in lines[1:]], dtype=np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    shuffled = kaggle_submission(model, data.loader(4, shuffle=True), tmp_path / "shuffled.txt")
    np.testing.assert_allclose(np.loadtxt(shuffled, delimiter=",", skiprows=1)[:, 1:], found, rtol=1e-5)
    part = kaggle_submission(model, Subset(data, [3, 1]), tmp_path / "part.txt")
    assert [line.split(",")[0] for line in part.read_text().splitlines()] == ["Id", "503", "501"]


def test_submissions_that_are_refused(tmp_path):
    data, model = TinyClips(5, "all"), MultitaskRegressor(LSTMBackbone(FEATURES, 4))
    file = tmp_path / "solution.txt"
    with pytest.raises(ModelError, match=r"output of shape \(N, 3\) for valence, energy, danceability, found \(5,\)"):
        kaggle_submission(regressor(), data, file)
    with pytest.raises(ModelError, match="ids that are missing or occur twice"):
        kaggle_submission(model, Subset(data, [1, 1]), file)
    with pytest.raises(ModelError, match="ids that are missing"):
        kaggle_submission(model, DataLoader([data[0]], collate_fn=collate_padded), file)
    data.clips[2] = data.clips[2] * math.nan
    with pytest.raises(ModelError, match="found none for 1 of them, the first '2'"):
        kaggle_submission(model, data, file)
    three = {"valence": regressor(), "energy": regressor(), "dance": regressor()}
    for wrong, message in ((three, "for each of valence, energy, danceability, found valence, energy, dance"),
                           ([regressor()], "3 Regressors, .*, found 1"),
                           ([regressor(), regressor(), model], r"output of shape \(N,\), .*, found \(5, 3\)")):
        with pytest.raises(ModelError, match=message):
            kaggle_submission(wrong, TinyClips(5, "all"), file)
    for options in ({"header": "id"}, {"ids": "long"}):
        with pytest.raises(ValueError, match=r"Expected header 'Id' or 'Id.fused.full.npy.gz' and ids 'bare' or"):
            kaggle_submission(model, TinyClips(5, "all"), file, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("ids", ["bare", "suffixed"])
def test_both_headers_and_both_forms_of_the_ids(tmp_path, header, ids):
    data, model = TinyClips(4, "all", first=500), MultitaskRegressor(LSTMBackbone(FEATURES, 4))
    file = kaggle_submission(model, data, tmp_path / "solution.txt", header=header, ids=ids)
    first, line, *_ = file.read_text().splitlines()
    assert first == f"{header},valence,energy,danceability"
    assert line.split(",")[0] == ("500.fused.full.npy.gz" if ids == "suffixed" else "500")
    for expected in (data.ids, [f"{clip}{SUFFIX}" for clip in data.ids]):
        found = validate_submission(file, expected)
        assert found.ids == tuple(data.ids)
        np.testing.assert_allclose(found.values, predict(model, data.loader())[0], rtol=1e-6)


def test_three_regressors_in_the_order_of_the_axes(tmp_path):
    data, models = TinyClips(6, "all"), [regressor(seed) for seed in range(3)]
    expected = np.stack([predict(model, data.loader())[0] for model in models], axis=1)
    named = dict(reversed(list(zip(AFFECT, models, strict=True))))
    for given in (models, tuple(models), named):
        file = kaggle_submission(given, data, tmp_path / "solution.txt")
        np.testing.assert_allclose(validate_submission(file, data.ids).values, expected, rtol=1e-6)


def test_a_classifier_of_three_genres_is_refused(tmp_path):
    classifier = Classifier(LSTMBackbone(FEATURES, 4), 3)  # its output has the shape of a mood
    for model in (classifier, [regressor(), regressor(), classifier]):
        with pytest.raises(ModelError, match="found a Classifier, whose outputs are genres"):
            kaggle_submission(model, TinyClips(4, "all"), tmp_path / "solution.txt")


def test_batches_are_made_as_the_dataset_says(tmp_path):
    class Said(TinyClips):
        def collate(self, batch):
            sizes.append(len(batch))
            return collate_padded(batch)

    data, sizes, model = Said(7, "all"), [], MultitaskRegressor(LSTMBackbone(FEATURES, 4))
    sampled = DataLoader(data, batch_sampler=[[0, 1], [2]], collate_fn=collate_padded)  # which has no batch_size
    part = Subset(Subset(data, [6, 2, 1]), [0, 1])
    for given, expected in ((data.loader(3), [3, 3, 1]), (part, [2]), (sampled, [7])):
        sizes.clear()
        kaggle_submission(model, given, tmp_path / "new" / "folder" / "solution.txt")
        assert sizes == expected


# --- checking --------------------------------------------------------------------------------------------------------

HEADER = "Id,valence,energy,danceability"
GOOD = ["7,0.1,0.2,0.3", "8,0.2,0.1,0.9", "19,0.5,0.7,0.4"]
IDS = ["7", "8", "19"]


def written(folder, lines=GOOD, header=HEADER, ends="\n", encoding="utf-8"):
    file = folder / "solution.txt"
    file.write_bytes((ends.join([header, *lines]) + ends).encode(encoding))
    return file


def test_a_sound_file_in_any_order(tmp_path):
    for lines, ends in ((GOOD, "\n"), (GOOD[::-1], "\r\n"), ([*GOOD, ""], "\n"), ([f'"{GOOD[0][0]}",0.1,2e-1,.3',
                                                                                *GOOD[1:]], "\n")):
        found = validate_submission(written(tmp_path, lines, ends=ends), IDS)
        assert dict(zip(found.ids, found.values.tolist(), strict=True)) == {
            "7": [0.1, 0.2, 0.3], "8": [0.2, 0.1, 0.9], "19": [0.5, 0.7, 0.4]}
        assert found.notes == ()


def test_what_is_no_fault_is_noted(tmp_path):
    found = validate_submission(written(tmp_path, ["7,-0.1,0.2,0.3", *GOOD[1:]], encoding="utf-8-sig"), IDS)
    mark, outside = found.notes
    assert "byte order mark" in mark
    assert outside.startswith("1 of 3 predictions of valence lie outside [0, 1], from -0.1 to 0.5.")
    found = validate_submission(written(tmp_path, ["7,0,0.2,1.5", "8,1,0.1,0.9", GOOD[2]]), IDS)
    (outside,) = found.notes
    assert outside.startswith("1 of 3 predictions of danceability lie outside [0, 1], from 0.4 to 1.5.")


@pytest.mark.parametrize("lines, message", [
    (GOOD[:2], "expected all 3 test clips, found no line for '19'. Predict the whole test split"),
    ([], "found no line for '7' and 2 more"),
    ([*GOOD, "20,0,0,0"], "expected only the 3 test clips, found the unknown id '20'. Predict the test split"),
    ([*GOOD, GOOD[1]], "expected each clip once, found '8' on lines 3 and 5. Keep one line"),
    ([*GOOD[:2], f"7{SUFFIX},0,0,0", GOOD[2]], "expected each clip once, found '7' on lines 2 and 4"),
    ([f"7{SUFFIX},0,0,0", *GOOD[1:]], "expected ids all bare or all with a suffix, found 1 of 3 with one"),
    (["7,0.1,nan,0.3", *GOOD[1:]], "expected three finite numbers for each clip, found '0.1,nan,0.3' on line 2."),
    (["7,0.1,inf,0.3", "8,,0,0", GOOD[2]], "found '0.1,inf,0.3' on line 2 and 1 more"),
    (["7,0.1,1_0,0.3", *GOOD[1:]], "found '0.1,1_0,0.3' on line 2"),
    (["7,0.1,0.2", *GOOD[1:]], "1042.fused.full.npy.gz and three numbers, found '7,0.1,0.2' on line 2. Write a comma"),
    (["7;0.1;0.2;0.3", *GOOD[1:]], "found '7;0.1;0.2;0.3' on line 2"),
    (["7,0,1,0,2,0,3", *GOOD[1:]], "found '7,0,1,0,2,0,3' on line 2. Write a comma between two fields and a point"),
    (["7 ,0.1,0.2,0.3", *GOOD[1:]], "found '7 ,0.1,0.2,0.3' on line 2"),
    (["7.mp3,0.1,0.2,0.3", *GOOD[1:]], "found '7.mp3,0.1,0.2,0.3' on line 2"),
    ([",0.1,0.2,0.3", *GOOD[1:]], "found ',0.1,0.2,0.3' on line 2"),
    (["7,0.5,0.2,0.3", "8,0.5,0,0", GOOD[2]], "predictions of valence that differ, found 0.5 for all clips"),
])
def test_what_kaggle_would_refuse(tmp_path, lines, message):
    with pytest.raises(SubmissionError) as error:
        validate_submission(written(tmp_path, lines), IDS)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "solution.txt"))


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(SubmissionError) as error:
        validate_submission(written(tmp_path, ["7,0.1,x,0.3", "9,0.1,0.2,0.3"]), IDS)
    told = str(error.value).splitlines()
    assert [line.split(": expected ")[1].split(",")[0] for line in told] == [
        "three finite numbers for each clip", "only the 3 test clips", "all 3 test clips",
        "predictions of valence that differ", "predictions of danceability that differ"]
    assert validate_submission(written(tmp_path)).ids == tuple(IDS), "without ids, none is unknown"


@pytest.mark.parametrize("header, message", [
    ("Id;valence;energy;danceability", "found 'Id;valence;.*Write commas between the fields in place of semicolons"),
    (HEADER.replace(",", "\t"), "in place of tabs"),
    ("Id,energy,valence,danceability", "found 'Id,energy,valence,danceability'. Name the columns in this order"),
    ("Id, valence, energy, danceability", "Name the columns"),
    ("id,valence,energy,danceability", "expected the first line Id,valence,energy,danceability or Id.fused.full"),
    ("", "found ''"),
])
def test_the_first_line(tmp_path, header, message):
    with pytest.raises(SubmissionError, match=message):
        validate_submission(written(tmp_path, header=header), IDS)


def test_what_is_no_table(tmp_path):
    with pytest.raises(SubmissionError, match=r"found no file. Write it with kaggle_submission"):
        validate_submission(tmp_path / "none.txt")
    for content in (HEADER.encode("utf-16"), b"\xff\xfe\x00", f"{HEADER}\n7,{'1' * 200_000},0,0".encode()):
        (tmp_path / "solution.txt").write_bytes(content)
        with pytest.raises(SubmissionError, match="expected lines of text in UTF-8"):
            validate_submission(tmp_path / "solution.txt")
    with pytest.raises(SubmissionError, match="expected a line for each clip, found none"):
        validate_submission(written(tmp_path, []))
    assert issubclass(SubmissionError, LabError)


# --- scoring ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def competition(tmp_path):
    """A submission, the truth of its clips, and both as arrays in the order of the ids."""
    random = np.random.default_rng(0)
    labels = random.random((100, 3)).round(3)
    answers = labels + random.normal(0, [0.5, 0.2, 0.1], (100, 3))
    lines = [",".join([str(90 + number), *map(str, row)]) for number, row in enumerate(answers)]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join([HEADER, *(",".join([str(90 + number), *map(str, row)])
                                          for number, row in enumerate(labels))]) + "\n")
    return written(tmp_path, lines), truth, answers, labels


def test_the_leaderboard_is_spearman_on_two_parts(competition):
    file, truth, answers, labels = competition
    order = np.random.default_rng(0).permutation(100)
    found = leaderboard(file, truth)
    for part, rows in ((found.public, order[:30]), (found.private, order[30:])):
        expected = spearman(answers[rows], labels[rows])
        assert (part.clips, part.axes, part.mean) == (len(rows), expected.axes, expected.mean)
        low, high = bootstrap(mean_spearman, answers[rows], labels[rows], samples=2000)[1:]
        assert part.error == pytest.approx((high - low) / 3.92, rel=0.2)
        assert part.error < max(part.errors) < 1.2 / math.sqrt(part.clips - 1)
        assert part.errors[2] < part.errors[0], "the higher a correlation, the smaller its error"
    assert found.private.error < found.public.error
    head, public, private, last = str(found).splitlines()
    assert head.split() == ["clips", *AFFECT, "mean"]
    assert public.split()[:2] == ["public", "30"] and f"{found.private.mean:.3f} ± {found.private.error:.3f}" in private
    assert f"{1 / math.sqrt(29):.3f} and {1 / math.sqrt(69):.3f}" in last


def test_what_is_public_hangs_on_the_ids_alone(competition, tmp_path):
    file, truth, _, _ = competition
    before = leaderboard(file, truth)
    head, *lines = file.read_text().splitlines()
    file.write_text("\n".join([head, *(line.replace(",", f"{SUFFIX},", 1) for line in lines[::-1])]) + "\n")
    head, *lines = truth.read_text().splitlines()
    truth.write_text("\n".join([head, *lines[::-1]]) + "\n")
    assert leaderboard(file, truth) == before
    assert leaderboard(file, truth, seed=1).public != before.public


@pytest.mark.parametrize("clips", [100, 99, 33, 32])
def test_the_draw_and_the_errors_come_from_the_seed(competition, clips):
    file, truth, answers, labels = competition
    for each in (file, truth):
        each.write_text("\n".join(each.read_text().splitlines()[:1 + clips]) + "\n")
    found = leaderboard(file, truth, seed=5, samples=40)
    order, cut = np.random.default_rng(5).permutation(clips), round(0.3 * clips)
    for part, rows in ((found.public, order[:cut]), (found.private, order[cut:])):
        assert part.axes == spearman(answers[rows], labels[rows]).axes
        pairs = [*zip(answers[rows].T, labels[rows].T, strict=True), (answers[rows], labels[rows])]
        errors = [resampled(mean_spearman, *pair, samples=40, seed=5).std() for pair in pairs]
        assert [*part.errors, part.error] == pytest.approx(errors)


def test_fewer_than_ten_clips_have_no_error(competition):
    file, truth, _, _ = competition
    for clips, public, known in ((7, 2, False), (30, 9, False), (32, 10, True)):  # 7 are the fewest
        lines = [each.read_text().splitlines()[:1 + clips] for each in (file, truth)]
        files = [each.with_name(f"{clips}-{each.name}") for each in (file, truth)]
        for each, text in zip(files, lines, strict=True):
            each.write_text("\n".join(text) + "\n")
        found = leaderboard(*files, samples=50)
        assert (found.public.clips, found.private.clips) == (public, clips - public)
        assert math.isfinite(found.public.error) is math.isfinite(found.public.errors[0]) is known
        assert math.isfinite(found.private.error) is (clips > 7)


def test_draws_without_an_order_are_left_out_of_the_error(competition):
    file, truth, _, _ = competition
    order = np.random.default_rng(0).permutation(100)
    head, *lines = truth.read_text().splitlines()
    for row, line in enumerate(lines):  # one clip of each part differs in valence: a third of the draws lack it
        clip, _, *others = line.split(",")
        lines[row] = ",".join([clip, "0.9" if row in (order[0], order[-1]) else "0.5", *others])
    truth.write_text("\n".join([head, *lines]) + "\n")
    found = leaderboard(file, truth, samples=50)
    for part in (found.public, found.private):
        assert 0 < part.errors[0] < 1
        assert 0 < part.error < 1


def test_an_error_without_any_relation_is_that_of_the_docstring(tmp_path):
    random = np.random.default_rng(2)
    rows = [random.random((600, 3)) for _ in range(2)]
    files = [tmp_path / name for name in ("solution.txt", "truth.csv")]
    for file, values in zip(files, rows, strict=True):
        file.write_text("\n".join([HEADER, *(",".join([str(n), *map(str, row)]) for n, row in enumerate(values))]))
    for part in vars(leaderboard(*files)).values():
        assert part.errors == pytest.approx([1 / math.sqrt(part.clips - 1)] * 3, rel=0.25)
        assert part.error == pytest.approx(1 / math.sqrt(3 * (part.clips - 1)), rel=0.25)


def test_what_cannot_be_scored(competition, tmp_path):
    file, truth, _, _ = competition
    lines = truth.read_text().splitlines()
    for content, error, message in (
        ("\n".join(lines[:7]), SubmissionError, "at least 7 clips, found 6 lines of mood"),
        ("Id\tGenre\n" + "\n".join(f"{n}\tRock" for n in range(9)), SubmissionError, "found 9 lines of genre"),
        ("\n".join(lines[:50]), SubmissionError, "expected only the 49 test clips, found the unknown id '139' and 50"),
        ("nothing", DataError, "expected the header"),
    ):
        truth.write_text(content)
        with pytest.raises(error, match=message):
            leaderboard(file, truth)


# --- sending, to a stand-in ------------------------------------------------------------------------------------------

class Kaggle:
    """A stand-in for the client: it keeps what it is called with and answers, or raises, what it is told to."""

    def __init__(self, answer):
        self.answer, self.calls = answer, []

    def authenticate(self):
        if self.answer is None:
            raise SystemExit(1)

    def competition_submit(self, file_name, message, competition, quiet=False):
        self.calls.append((file_name, message, competition))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", ["Successfully submitted", SimpleNamespace(message="Successfully submitted")])
def test_an_upload(tmp_path, monkeypatch, answer):
    client, file = Kaggle(answer), written(tmp_path)
    monkeypatch.setitem(sys.modules, "kaggle", SimpleNamespace(api=client))
    assert upload(file, "some-lab", "first try") == "Successfully submitted"
    assert client.calls == [(str(file), "first try", "some-lab")]
    with pytest.raises(SubmissionError, match="finite numbers"):
        upload(written(tmp_path, ["7,0,0,nan"]), "some-lab", "second try")
    assert len(client.calls) == 1, "a faulty file is not sent"


@pytest.mark.parametrize("answer", [OSError("403 Client Error: Forbidden"),
                                    SimpleNamespace(message="Could not submit to competition")])
def test_an_upload_that_fails(tmp_path, monkeypatch, answer):
    monkeypatch.setitem(sys.modules, "kaggle", SimpleNamespace(api=Kaggle(answer)))
    with pytest.raises(SubmissionError, match=r"for some-lab, found (OSError: 403|Could not).* accept its rules"):
        upload(written(tmp_path), "some-lab", "try")


def test_an_upload_without_client_or_credentials(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaggle", None)  # as if it were not installed
    with pytest.raises(SubmissionError, match=r"Expected the package kaggle, found no module .* python -m pip install"):
        upload(written(tmp_path), "some-lab", "try")
    monkeypatch.delitem(sys.modules, "kaggle")
    (tmp_path / "kaggle.py").write_text("raise SystemExit(1)\n")  # as version 1 ends without credentials
    monkeypatch.syspath_prepend(tmp_path)
    for client in (None, SimpleNamespace(api=Kaggle(None))):  # the second as version 2
        if client:
            monkeypatch.setitem(sys.modules, "kaggle", client)
        with pytest.raises(SubmissionError, match=r"Expected credentials .* found none \(.*\)\. Make a token"):
            upload(written(tmp_path), "some-lab", "try")
