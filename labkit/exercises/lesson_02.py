"""The checks of lesson 2: a tempo, an even row of beats, and what longer and shorter columns keep."""

import functools

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers
from labkit.profiles import SAMPLE_RATE

HOP = 512
FRAMES_PER_SECOND = SAMPLE_RATE / HOP
FACTORS = (0.5, 1, 2, 3, 4)


def rhythm(tempo: float, first: float, offbeat: float = 0.4, level: float = 0.0, seconds: float = 20.0,
           accent: float = 0.0) -> np.ndarray:
    """An onset strength (T,) with peaks of 1 on the beats, the first at frame `first`, and lower ones half-way.

    accent: what the fourth off-beat has more than the others.
    """
    frames, distance = np.arange(round(seconds * FRAMES_PER_SECOND)), 60 * FRAMES_PER_SECOND / tempo
    strength = level + 0.05 * np.random.default_rng(0).random(len(frames))
    for half, place in enumerate(np.arange(first, len(frames), distance / 2)):
        height = (offbeat if half % 2 else 1) + (accent if half == 7 else 0)
        strength += height * np.exp(-0.5 * ((frames - place) / 1.2) ** 2)
    return strength


@functools.cache
def phrase() -> np.ndarray:
    """Twelve seconds, 24 frames a beat: a bass note on each beat, a shaker in each second half; float32 (n,)."""
    rng, beat = np.random.default_rng(2), 24 * HOP   # whole frames, so that an even row does not drift
    seconds = np.arange(beat) / SAMPLE_RATE
    fading = np.minimum(1, np.minimum(seconds / 0.002, (beat / SAMPLE_RATE - seconds) / 0.01))
    audio = 0.003 * rng.standard_normal(12 * SAMPLE_RATE)   # no room is silent
    for number, begin in enumerate(range(14 * HOP, len(audio) - beat, beat)):
        note = (110.0, 130.8, 164.8, 98.0)[number % 4]
        tone = sum(np.sin(2 * np.pi * note * part * seconds) / part for part in range(1, 17))
        struck = 0.5 * rng.standard_normal(beat) * np.exp(-60 * seconds)
        audio[begin:begin + beat] += (0.2 * tone * np.exp(-seconds) + struck) * fading
        shaken = 0.02 * rng.standard_normal(beat // 2) * np.minimum(1, seconds[:beat // 2] / 0.1)
        audio[begin + beat // 2:begin + beat] += shaken
    return audio.astype(np.float32)


@functools.cache
def phrase_strength() -> np.ndarray:
    """The onset strength of the phrase, (T,)."""
    import librosa

    return librosa.onset.onset_strength(y=phrase(), sr=SAMPLE_RATE, hop_length=HOP)


def likeness_of(strength: np.ndarray) -> np.ndarray:
    """How much an onset strength (T,) is like itself so many frames later, (T,)."""
    import librosa

    return librosa.autocorrelate(strength - strength.mean())


def distance_of(strength: np.ndarray, likeness: np.ndarray | None = None) -> int:
    """The distance of 0.3 to 1 second, in frames, at which it is most like itself.

    Used in: notebooks/02_beat_sync
    """
    likeness = likeness_of(strength) if likeness is None else likeness
    first, last = int(0.3 * FRAMES_PER_SECOND), int(FRAMES_PER_SECOND)
    return first + int(likeness[first:last].argmax())


def row_of(strength: np.ndarray, distance: float) -> np.ndarray:
    """What exercise 2.2 asks for, of a distance in frames.

    Used in: notebooks/02_beat_sync
    """
    rows = [np.arange(start, len(strength) - 1, distance).round().astype(int)
            for start in range(int(np.ceil(distance)))]
    return max(rows, key=lambda row: strength[row].mean())


def kept_by(mel: np.ndarray, beats: np.ndarray) -> tuple[int, float]:
    """How many columns the medians between beats make of (F, T), and what share of its variance they keep.

    Used in: notebooks/02_beat_sync
    """
    from labkit.features import synchronise

    edges = np.unique(np.concatenate([[0], beats, [mel.shape[1]]]))
    lost = (mel - np.repeat(synchronise(mel, beats), np.diff(edges), axis=1)) ** 2
    return len(edges) - 1, 1 - lost.sum() / ((mel - mel.mean(axis=1, keepdims=True)) ** 2).sum()


def show_likeness() -> None:
    """The likeness of a rhythm to itself, with the distance of exercise 2.1 marked."""
    from labkit import plots

    strength = rhythm(96, 7)
    likeness, distance = likeness_of(strength), distance_of(strength)
    lags, seconds = np.arange(len(likeness)), distance / FRAMES_PER_SECOND
    figure, (axis,) = plots.figure(height=2.2)
    axis.axvspan(0.3, 1, color="0.93")
    axis.plot(lags[:60] / FRAMES_PER_SECOND, likeness[:60] / likeness[0])
    axis.plot(seconds, likeness[distance] / likeness[0], "o", color=plots.COLOURS[1])
    axis.annotate(f"{distance} frames: {60 / seconds:.1f} beats a minute", (seconds, likeness[distance] / likeness[0]),
                  xytext=(10, 2), textcoords="offset points", fontsize=8.5)
    axis.set(xlabel="distance (s)", ylabel="likeness to itself", ylim=(None, 1.1))
    plots.show(figure, alt="The target of exercise 2.1: likeness of a rhythm to itself against the distance. It is "
                           "largest at no distance at all; within the grey range of 0.3 to 1 second it has its highest "
                           f"peak at {distance} frames, marked with a dot.")


@exercise("2.1", names=("tempo_of",), target=show_likeness,
          hints=("`likeness[k]` tells how much the strength is like itself k frames later. You look for the k of the "
                 "largest value between `first` and `last`; `argmax` of a slice counts from the beginning of the "
                 "slice.",
                 "`first + likeness[first:last].argmax()` is the distance in frames. So many frames last "
                 "`distance / frames_per_second` seconds, and a minute has 60 of those."),
          praise="Your tempo is that of the strongest repetition 0.3 to 1 second away.")
def check_tempo_of(tempo_of):
    """On three rhythms, one of them with a high level; distances are compared, since they are whole frames."""
    for number, strength in enumerate((rhythm(96, 7), rhythm(123, 3), rhythm(72, 11, level=1.0)), start=1):
        what = f"`tempo_of` of our test rhythm {number}"
        distance = distance_of(strength)
        wanted, start = 60 * FRAMES_PER_SECOND / distance, int(0.3 * FRAMES_PER_SECOND)
        found = numbers(tempo_of(strength.copy()), what)
        if found.shape == () and np.isfinite(found) and found > 0:
            if abs(60 * FRAMES_PER_SECOND / found - distance) <= 1:
                continue
        import librosa

        plain = distance_of(strength, librosa.autocorrelate(strength))
        expect(found, wanted, what, usual=(
            (np.inf, "The distance found is 0: everything is most like itself at no distance at all. Search "
                     "likeness[first:last] only."),
            (60 * FRAMES_PER_SECOND / (distance - start),
             f"argmax of likeness[first:last] counts from `first`: 0 there stands for a distance of {start} frames. "
             "Add `first`."),
            (distance, f"{distance} is the distance between two beats in frames. Expected beats a minute: how many "
                       "such distances fit into 60 seconds?"),
            (distance / FRAMES_PER_SECOND, f"{distance / FRAMES_PER_SECOND:.3f} is the seconds between two beats. "
                                           "Expected beats a minute: 60 divided by it."),
            (FRAMES_PER_SECOND / distance, "This is beats a second. Expected beats a minute: multiply by 60."),
            (60 / distance, "A distance in frames is taken for seconds. One second has frames_per_second frames."),
            (60 * FRAMES_PER_SECOND / plain, "The mean of the strength was not subtracted, so that its level counts as "
                                             "likeness at every distance. Take strength - strength.mean()."),
        ), advice="Look for the largest value of likeness[first:last]; the target shows where it is.")


def play_beats() -> None:
    """The phrase of exercise 2.2, and the same with a click on each beat."""
    import librosa

    from labkit.show import listen

    row = row_of(phrase_strength(), distance_of(phrase_strength()))
    clicks = librosa.clicks(times=row / FRAMES_PER_SECOND, sr=SAMPLE_RATE, length=len(phrase()), click_freq=1500)
    mix = 0.7 * phrase() / np.abs(phrase()).max() + 0.3 * clicks
    listen(0.7 * phrase() / np.abs(phrase()).max(), "exercise_2_2_phrase", "Exercise 2.2: a phrase")
    listen(mix / np.abs(mix).max(), "exercise_2_2_beats", "Its target: a click on each beat of the best even row")


def steady_cases() -> list[tuple[np.ndarray, float]]:
    """Rhythms with their tempi: three plain ones, a loudest onset off the beat, and a row with one beat less."""
    plain = [(rhythm(tempo, first), tempo) for tempo, first in ((96.7, 9), (131.0, 14), (70.4, 25))]
    return [*plain, (rhythm(88.3, 6, accent=2.0), 88.3), (rhythm(70.4, 30, 0.8, level=3.0, seconds=8.0), 70.4)]


@exercise("2.2", names=("steady_beats",), target=play_beats,
          hints=("Only the start is unknown. Make one row of beats for each whole frame from 0 to the distance, and "
                 "keep the row on which the mean of `strength` is largest.",
                 "`np.arange(start, len(strength) - 1, distance).round().astype(int)` is one row; "
                 "`strength[row].mean()` is its score."),
          praise="Your row is the best even row at this tempo. The tracker of section 2.3 also follows players whose "
                 "tempo changes a little.")
def check_steady_beats(steady_beats):
    """On five rhythms, at tempi whose distances are no whole numbers of frames; a frame of tolerance."""
    for strength, tempo in steady_cases():
        distance = 60 * FRAMES_PER_SECOND / tempo
        what = f"`steady_beats(strength, {tempo})`"
        beyond = (f"A beat lies beyond the last frame, {len(strength) - 1}, of a strength of {len(strength)} frames. "
                  "A place within half a frame of the end is rounded up to `len(strength)`: let np.arange end at "
                  "`len(strength) - 1`.")
        try:
            answer = steady_beats(strength.copy(), tempo)
        except IndexError as error:
            if f"with size {len(strength)}" in str(error):
                raise NotYet(f"Your code raised IndexError: {error}. {beyond}") from None
            raise
        found, wanted = numbers(answer, what), row_of(strength, distance)
        if found.ndim != 1 or len(found) < 2:
            raise NotYet(f"{what} has the shape {found.shape}. Expected the frames of {len(wanted)} beats, one row of "
                         "numbers: return the best row, not its start or its score.")
        if not np.issubdtype(np.asarray(answer).dtype, np.integer):
            raise NotYet(f"{what} holds {np.asarray(answer).dtype} numbers. Expected whole numbers, since frames are "
                         "used as an index: .round().astype(int).")
        steps = np.diff(found)
        if np.all(steps == steps[0]) and abs(steps[0] - distance) < 1:
            raise NotYet(f"Your beats in {what} are all {steps[0]:.0f} frames apart. Expected {distance:.2f} on "
                         "average: with the distance rounded first, the row drifts away from the music. Round the "
                         "places instead.")
        mean = steps.mean()
        if abs(mean * FRAMES_PER_SECOND - distance) < 1:
            raise NotYet(f"Expected frames in {what}, found seconds: the row ends at {found[-1]:.4g}.")
        if np.abs(steps - distance).max() > 1.01 or abs(found[-1] - found[0] - len(steps) * distance) > 1.5:
            raise NotYet(f"Your beats in {what} are {mean:.4g} frames apart on average, from {steps.min():.4g} to "
                         f"{steps.max():.4g}. Expected an even row, {distance:.2f} frames apart up to rounding.")
        if found[-1] > len(strength) - 1:
            raise NotYet(f"Your row in {what} ends at frame {found[-1]:.0f}. {beyond}")
        away = (found[0] - wanted[0] + distance / 2) % distance - distance / 2
        if abs(away) > 1.01:
            score = strength[found.astype(int)].mean()
            if np.abs(found - strength.argmax()).min() <= 1.01 and strength.argmax() > distance:
                raise NotYet(f"Your row in {what} goes through the loudest onset, frame {strength.argmax()}, which "
                             f"lies off the beat here: the mean on your row is {score:.2f}, on the best one "
                             f"{strength[wanted].mean():.2f}. Try each start from 0 to the distance.")
            if len(found) > len(wanted) and strength[found.astype(int)].sum() > strength[wanted].sum():
                raise NotYet(f"Your row in {what} has the largest sum of `strength`, because it has a beat more. "
                             f"Expected the largest mean, {strength[wanted].mean():.2f}; yours is {score:.2f}.")
            raise NotYet(f"Your row in {what} has the right distance, but lies {abs(away):.0f} frames beside the "
                         f"strong onsets: their mean on it is {score:.2f}, on the best row "
                         f"{strength[wanted].mean():.2f}. Try each start from 0 to the distance, and keep the row with "
                         "the largest mean.")
        if abs(len(found) - len(wanted)) > 1 or found[0] > distance + 1:
            raise NotYet(f"Your row in {what} has {len(found)} beats, from frame {found[0]:.0f} to {found[-1]:.0f}. "
                         f"Expected {len(wanted)}, from {wanted[0]} to {wanted[-1]}: it should go from the start to "
                         "the end.")


def show_shares() -> None:
    """What the columns of the phrase keep at each factor, the target of exercise 2.3."""
    from labkit import plots
    from labkit.features import mel_spectrogram

    mel, distance = mel_spectrogram(phrase()), distance_of(phrase_strength())
    kept = [kept_by(mel, row_of(phrase_strength(), distance / factor)) for factor in FACTORS]
    figure, (axis,) = plots.figure(height=2.4)
    axis.plot(*zip(*kept, strict=True), "o-")
    for factor, (columns, share) in zip(FACTORS, kept, strict=True):
        axis.annotate(f"{factor:g}: {columns} columns, {share:.2f}", (columns, share), fontsize=8.5,
                      xytext=(-6, 8) if factor == 2 else (8, -10), textcoords="offset points")
    axis.set(xlabel="columns", ylabel="share of the variance kept", xlim=(0, 1.35 * kept[-1][0]), ylim=(0, 1),
             title="the phrase of exercise 2.2, at five multiples of its tempo")
    plots.show(figure, alt="The target of exercise 2.3: the share of the variance kept against the number of columns: "
               + "; ".join(f"factor {factor:g}, {columns} columns, {share:.2f}"
                           for factor, (columns, share) in zip(FACTORS, kept, strict=True)) + ".")


@exercise("2.3", names=("columns_and_share", "tempo_of", "steady_beats"), target=show_shares,
          hints=("Three things that you have: `tempo_of` gives the tempo, `steady_beats` the row at `factor` times "
                 "that tempo, and `share_kept` of section 2.5 the share.",
                 "`part_edges(beats, mel.shape[1])` are the edges of the columns; there is one edge more than "
                 "columns."),
          praise="In the phrase two columns a beat keep more than three, since its beat divides in halves: more "
                 "columns help where the music changes.")
def check_columns_and_share(columns_and_share, tempo_of, steady_beats):
    """On the phrase, at several factors, with the student's own tempo and beats once these are right."""
    from labkit.features import mel_spectrogram

    for earlier, checker, answer in (("2.1", check_tempo_of, tempo_of), ("2.2", check_steady_beats, steady_beats)):
        try:
            checker(answer)
        except NotYet:
            raise NotYet(f"It builds on exercise {earlier}, which is not correct yet. Solve that one first.") from None
    mel, strength = mel_spectrogram(phrase()), phrase_strength()
    tempo = tempo_of(strength.copy())

    def kept_at(factor):
        return kept_by(mel, steady_beats(strength.copy(), factor * tempo))

    whole = (mel, strength, "")
    begins = steady_beats(strength.copy(), tempo)[0]   # cut there, the phrase has a beat at frame 0
    cut = (mel[:, begins:], strength[begins:], " of music that begins with a beat at frame 0")
    for (mel, strength, words), factor in (*((whole, factor) for factor in (2, 1, 0.5, 3)), (cut, 1), (cut, 2)):
        what, tempo = f"`columns_and_share(mel, strength, {factor:g})`{words}", tempo_of(strength.copy())
        row = steady_beats(strength.copy(), factor * tempo)
        answer = numbers(columns_and_share(mel.copy(), strength.copy(), factor), what)
        if answer.shape != (2,):
            raise NotYet(f"Expected {what} to be two numbers, the columns and the share, found the shape "
                         f"{answer.shape}. End with `return columns, share`.")
        columns, share = kept_at(factor)
        beats = f"Expected {columns} columns in {what}, found {answer[0]:g}"
        expect(answer, (columns, share), what, rtol=1e-3, usual=(
            ((share, columns), f"{what} gives the share first. Expected the columns, then the share."),
            ((columns, 1 - share), f"The share in {what} is what is lost, {1 - share:.2f}. Expected what is kept, "
                                   f"{share:.2f}."),
            (kept_at(1), f"{beats}, as many as with the factor 1. Multiply the tempo by the factor."),
            (kept_at(1 / factor), f"{beats}. Twice the tempo has twice as many beats: multiply the tempo by the "
                                  "factor, do not divide it."),
            ((len(row) + 1, share), f"{beats}, one more than there are beats. No part lies before a beat at frame 0: "
                                    "count the parts between the edges of part_edges."),
            ((columns - 1, share), f"{beats}, which is the number of beats. What comes before the first beat is a "
                                   "column too: count the parts between the edges of part_edges."),
            ((columns + 1, share), f"{beats}, which is the number of edges. Between n + 1 edges lie n columns."),
        ), advice="[0] is the number of columns, [1] the share that share_kept gives for the beats of that row.")
