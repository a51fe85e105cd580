"""Styles and scores: what whoever adds a genre must keep, and the laws of what is composed from it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit.corpus.drums import DRUMS
from labkit.corpus.effects import INSERTS, ROOMS
from labkit.corpus.genres import GENRES, STYLES
from labkit.corpus.instruments import INSTRUMENTS
from labkit.corpus.score import check, chord_tones, compose
from labkit.corpus.styles import ROLES, SCALES, Mood, Part, Production
from labkit.datasets import CLASS_MAPPING

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANY = {"genre": st.sampled_from(GENRES), "seed": st.integers(0, 10_000), "album": st.integers(0, 500)}

# Published means of the echonest labels of the course's tracks (valence, energy, danceability).
PUBLISHED = {
    "Rock": (.42, .64, .39), "Electronic": (.43, .62, .57), "Hip-Hop": (.59, .56, .62), "Folk": (.34, .28, .43),
    "Old-Time": (.54, .18, .44), "Pop": (.47, .50, .56), "Classical": (.23, .07, .31), "Jazz": (.31, .33, .38),
    "International": (.62, .44, .49), "Blues": (.46, .31, .47),
}


def test_the_twenty_genres_are_those_of_the_course():
    assert set(GENRES) == set(CLASS_MAPPING) and len(GENRES) == 20


@pytest.mark.parametrize("genre", GENRES)
def test_a_style_is_consistent(genre):
    """Whoever adds a genre learns here what does not fit, before a clip fails or a part stays silent."""
    style = STYLES[genre]
    assert 40 <= style.tempo[0] < style.tempo[1] <= 260
    check(style)
    for part in style.parts:
        assert set(part.instruments) <= {*INSTRUMENTS, ""}, part
        assert set(part.effects) <= set(INSERTS), part
    for kit in (*style.drums, style.fill):
        for drum, pattern in kit:
            assert drum in DRUMS, (drum, pattern)
    for form in style.forms:
        assert sum(section.share for section in form) == pytest.approx(1.0)
        assert all(set(section.roles) <= {*ROLES, "drums"} for section in form)
    assert set(style.production.rooms) <= set(ROOMS)
    for field in dataclasses.fields(Production):
        if field.name != "rooms":
            low, high = getattr(style.production, field.name)
            assert low <= high, field.name
    for metre in style.metres:
        assert any(len(pattern) == 4 * metre for part in style.parts for pattern in part.patterns), metre
    assert 60 < len(style.listen) < 400 and style.listen.endswith(".")


@pytest.mark.parametrize("genre", GENRES)
def test_the_mood_of_a_style_is_the_published_one_or_says_so(genre):
    mood = STYLES[genre].mood
    means = tuple(getattr(mood, field.name)[0] for field in dataclasses.fields(Mood) if field.name != "assumed")
    assert (means == PUBLISHED[genre] and not mood.assumed) if genre in PUBLISHED else mood.assumed
    if genre not in PUBLISHED:
        assert any(name in mood.assumed for name in PUBLISHED), "from which genre the means are taken"
    for (mean, deviation), (least, most) in zip((mood.valence, mood.energy, mood.danceability),
                                                ((.2, .3), (.08, .28), (.11, .20)), strict=True):
        assert least <= deviation <= most and deviation**2 < mean * (1 - mean)  # a beta distribution needs the latter


def test_an_unknown_genre_names_the_known():
    with pytest.raises(ValueError, match=r"'Polka'.*Classical.*Punk"):
        compose("Polka", 1)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_clip_without_length_is_refused(seconds):
    with pytest.raises(ValueError, match="length above 0"):
        compose("Folk", 1, seconds)


@pytest.mark.parametrize("word, tones", [
    ("I", (0, 4, 7)), ("vi", (9, 12, 16)), ("bVII", (10, 14, 17)), ("V7", (7, 11, 14, 17)), ("ii9", (2, 5, 9, 12, 16)),
    ("IVmaj7", (5, 9, 12, 16)), ("viihdim7", (11, 14, 17, 21)), ("Isus4", (0, 5, 7)), ("bIII", (3, 7, 10))])
def test_chords(word, tones):
    assert chord_tones(word) == tones


@pytest.mark.parametrize("word", ["H", "I8", "iV", "", "b"])
def test_a_word_that_is_no_chord_is_refused(word):
    with pytest.raises(ValueError, match=r"no chord.*roman numeral"):
        chord_tones(word)


@FEW
@given(**ANY)
def test_a_score_is_valid(genre, seed, album):
    piece = compose(genre, seed, 12.0, album)
    style = STYLES[genre]
    assert style.tempo[0] <= piece.tempo <= style.tempo[1]
    assert piece.notes and all(0 <= note.start < piece.seconds and note.duration > 0 for note in piece.notes)
    assert all(0 < note.velocity <= 1 for note in piece.notes)
    assert all(note.instrument in (DRUMS if note.part == "drums" else INSTRUMENTS) for note in piece.notes)
    assert all(20 <= note.pitch <= 108 for note in piece.notes if note.part != "drums")
    assert list(piece.notes) == sorted(piece.notes, key=lambda note: note.start)
    assert np.all(np.diff(piece.beats) > 0)
    assert np.median(np.diff(piece.beats)) == pytest.approx(60 / piece.tempo, rel=0.1)
    assert piece.sections and all(0 <= start < piece.seconds for _, start in piece.sections)


@FEW
@given(**ANY)
def test_the_same_seed_gives_the_same_piece_and_another_one_another(genre, seed, album):
    piece = compose(genre, seed, 6.0, album)
    assert piece == compose(genre, seed, 6.0, album)
    assert piece != compose(genre, seed + 1, 6.0, album)


@FEW
@given(**ANY)
def test_a_change_changes_one_thing(genre, seed, album):
    """What the page `one change at a time` promises."""
    piece = compose(genre, seed, 8.0, album)
    quiet = compose(genre, seed, 8.0, album, drums=False)
    assert [note for note in piece.notes if note.part != "drums"] == list(quiet.notes)
    louder = compose(genre, seed, 8.0, album, dynamics=1.0)
    assert [(note.start, note.pitch, note.instrument) for note in louder.notes] \
        == [(note.start, note.pitch, note.instrument) for note in piece.notes]
    assert all(loud.velocity >= note.velocity for loud, note in zip(louder.notes, piece.notes, strict=True))
    dry = compose(genre, seed, 8.0, album, production={"reverb_mix": 0.0})
    assert dry.notes == piece.notes and dict(dry.production)["reverb_mix"] == 0
    assert {key: value for key, value in dry.production if key != "reverb_mix"} \
        == {key: value for key, value in piece.production if key != "reverb_mix"}
    role = min({note.part for note in piece.notes} - {"drums"})
    alone = compose(genre, seed, 8.0, album, players=dict.fromkeys(set(ROLES) - {role}))
    assert {note.part for note in alone.notes} <= {role, "drums"}


def test_tempo_and_scale_are_what_the_caller_says():
    for tempo in (60.0, 90.0, 180.0):
        piece = compose("Rock", 3, 10.0, tempo=tempo)
        assert len(piece.beats) == pytest.approx(10 * tempo / 60, abs=2)
        assert max(note.start for note in piece.notes) > 7  # it goes on to the end also when it is fast
    for scale in SCALES:
        piece = compose("Rock", 3, 30.0, scale=scale, tonic=2, players={"melody": "flute", "bass": None})
        inside = {(2 + step) % 12 for step in SCALES[scale][0]}
        melody = [note.pitch % 12 in inside for note in piece.notes if note.part == "melody"]
        assert melody and np.mean(melody) > 0.5  # the rest are tones of chords from outside the scale


@pytest.mark.parametrize("changes, match", [
    ({"speed": 100}, r"no 'speed' to change.*tempo"), ({"production": {"gloss": 1}}, r"no 'gloss'.*reverb_mix"),
    ({"players": {"tuba": "horn"}}, r"no 'tuba'.*melody"), ({"scale": "locrian"}, r"no scale 'locrian'.*major"),
    ({"tempo": 0}, "tempo: expected a number from 20 to 400, found 0"), ({"dynamics": 2}, "dynamics: .* from 0 to 1"),
    ({"metre": 5}, r"no patterns for a metre of 5.*3, 4"), ({"effects": {"chords": "fuzz"}}, r"Write \('fuzz',\)")])
def test_a_wrong_change_says_what_there_is(changes, match):
    with pytest.raises(ValueError, match=match):
        compose("Folk", 1, 5.0, **changes)


@pytest.mark.parametrize("changes, match", [
    ({"parts": ()}, "at least one part"), ({"forms": ()}, "at least one form"),
    ({"parts": (Part("tuba", ("horn",)),)}, "found tuba"),
    ({"parts": (Part("bass", ("electric bass",), ("1---?",)),)}, r"found '1---\?'"),
    ({"modes": (("locrian", ("I",)),)}, "found 'locrian'"), ({"modes": (("major", ("I Z",)),)}, "'Z' is no chord"),
    ({"mood": Mood((.5, .6), (.5, .1), (.5, .1))}, "mean 0.5 and the deviation 0.6"), ({"compass": 0}, "at least 4")])
def test_a_style_that_does_not_hold_together_says_why(changes, match):
    with pytest.raises(ValueError, match=match):
        compose(dataclasses.replace(STYLES["Folk"], name="Mine", **changes), 1, 5.0)


@pytest.mark.parametrize("seed, album", [(-1, None), (1, -2)])
def test_negative_seeds_are_refused(seed, album):
    with pytest.raises(ValueError, match="whole numbers >= 0"):
        compose("Folk", seed, 5.0, album)


def test_another_tempo_plays_the_same_notes():
    """What both have time for comes in the same order, at the same beats."""
    for genre in GENRES:
        piece = compose(genre, 3, 10.0)
        slow, fast = (compose(genre, 3, 10.0, tempo=factor * piece.tempo) for factor in (0.7, 1.0))
        def by_role(one, beats):
            at = np.array(one.beats)
            return {role: sorted((int(np.searchsorted(at, note.start + 0.06)), note.pitch) for note in one.notes
                                 if note.part == role and note.start < at[beats] - 0.1)
                    for role in {note.part for note in one.notes}}
        beats = len(slow.beats) - 2
        assert [len(notes) for notes in by_role(slow, beats).values()]
        first, second = by_role(slow, beats), by_role(fast, beats)
        same = [len(set(first[role]) & set(second.get(role, ()))) / max(1, len(set(first[role]))) for role in first
                if first[role]]
        assert np.mean(same) > 0.8, (genre, same)


def test_a_style_of_ones_own_needs_no_entry():
    style = dataclasses.replace(STYLES["Folk"], name="Mine", tempo=(100, 101))
    piece = compose(style, 1, 5.0)
    assert piece.genre == "Mine" and 100 <= piece.tempo <= 101


def test_pieces_of_an_album_share_what_albums_share():
    """Spread of tempo and brightness, and number of bands, over twelve pieces of one album against twelve strangers."""
    found = {True: [], False: []}
    for genre in GENRES:
        for shared in found:
            pieces = [compose(genre, seed, 1.0, album=4 if shared else None) for seed in range(12)]
            found[shared].append((np.std([piece.tempo for piece in pieces]),
                                  np.std([dict(piece.production)["slope"] for piece in pieces]),
                                  len({(piece.metre, piece.effects) for piece in pieces})))
            assert not shared or len({piece.tonic for piece in pieces}) <= 3
    assert np.all(np.mean(found[True], axis=0) < 0.95 * np.mean(found[False], axis=0)), found


def test_what_a_classifier_must_ignore_does_not_depend_on_the_genre():
    """Playback gain, silence at the start, key: their distributions are alike in all genres."""
    found = {genre: [compose(genre, seed, 1.0) for seed in range(120)] for genre in GENRES}
    for value, span in ((lambda piece: piece.gain_db, 14.0), (lambda piece: piece.silence, 0.3),
                        (lambda piece: piece.tonic, 12.0)):
        means = [np.mean([value(piece) for piece in pieces]) for pieces in found.values()]
        # The mean of 120 uniform values scatters by 0.026 of their range; 20 genres span about four of that.
        assert max(means) - min(means) < 0.16 * span
    for pieces in found.values():
        assert len({piece.tonic for piece in pieces}) == 12
