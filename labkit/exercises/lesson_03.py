"""The checks of lesson 3: notes folded into pitch classes, a chromagram transposed, and the turn that fits best."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers
from labkit.profiles import SAMPLE_RATE

HOP = 512
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])


def column_of(pitches: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """What exercise 3.1 asks for."""
    column = np.zeros(12)
    np.add.at(column, np.round(pitches).astype(int) % 12, seconds)
    return column / column.max()


@exercise("3.1", names=("folded",),
          hints=("First the class of each note: round the pitch to a whole number, then take it modulo 12. Then add up "
                 "the seconds of each class, and divide by the largest sum.",
                 "`np.bincount(classes, weights=seconds, minlength=12)` adds up. `column[classes] += seconds` does "
                 "not: of several notes of one class it keeps only the last."),
          praise="Your column has no overtones and no noise in it: each note counts by how long it lasts.")
def check_folded(folded):
    """On three melodies: octaves, repeated notes, notes off the keys of a piano."""
    melodies = (
        ("C4, E4, G4, C5", np.array([60, 64, 67, 72]), np.array([1.0, 1.0, 2.0, 3.0])),
        ("a walk over three octaves", np.array([45, 48, 57, 69, 64, 76, 45, 52]), np.arange(1, 9) / 4),
        ("a choir 0.3 semitones flat", np.array([59.7, 63.7, 66.7, 71.7, 64.7]), np.array([2, 1, 1, 0.5, 1.5])),
    )
    for words, pitches, seconds in melodies:
        what, wanted = f"the column of {words}", column_of(pitches, seconds)
        kept, seen = pitches.copy(), seconds.copy()
        found = numbers(folded(kept, seen), what)
        if not (np.array_equal(kept, pitches) and np.array_equal(seen, seconds)):
            raise NotYet("Your function changes the arrays that it is given. Expected them to stay as they are: begin "
                         "with a new column, np.zeros(12) or np.bincount.")
        classes = np.round(pitches).astype(int) % 12
        last, sums = np.zeros(12), np.zeros(12)
        last[classes] += seconds
        np.add.at(sums, classes, seconds)
        if found.ndim == 1 and found.shape[0] < 12:
            raise NotYet(f"Expected 12 numbers in {what}, found {len(found)}. np.bincount ends with the highest class "
                         "that it meets; give it minlength=12.")
        if found.ndim == 1 and found.shape[0] == 13:
            raise NotYet(f"Expected 12 numbers in {what}, found 13. A pitch of 59.7 is nearest to 60, a C: round "
                         "first, then take it modulo 12.")
        if found.ndim == 1 and found.shape[0] > 13:
            raise NotYet(f"Expected 12 numbers in {what}, found {len(found)}. Take the pitches modulo 12, so that all "
                         "octaves of a note share one number.")
        expect(found, wanted, what, usual=(
            (last / last.max(), "Of several notes of one class only the last is counted: `column[classes] += ...` adds "
                                "each class once. Use np.bincount or np.add.at."),
            (last, "Of several notes of one class only the last is counted: `column[classes] += ...` adds each class "
                   "once. Use np.bincount or np.add.at."),
            (sums, f"These are the seconds; the largest is {sums.max():g}. Divide the column by its largest value."),
            (sums / sums.sum(), "The column adds up to 1. Expected its largest value to be 1: divide by the maximum, "
                                "not by the sum."),
            (column_of(pitches, np.ones(len(pitches))), "This counts the notes. Expected how long they sound: use the "
                                                        "seconds as weights."),
            (column_of(np.floor(pitches), seconds), "Pitches between two keys are cut down to the lower one. Round "
                                                    "them to the nearest before you take whole numbers."),
            (column_of(pitches - 9, seconds), "The column begins with A. Expected C first: pitch 60 is a C, and 60 % "
                                              "12 is 0."),
        ), advice="Work it out for C4, E4, G4, C5 by hand, as in the text.")


def chords(semitones: int = 0) -> np.ndarray:
    """C major, A minor, F major and G major, a second each, so many semitones higher; float32 (n,)."""
    seconds = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    parts = [sum(np.sin(2 * np.pi * 440 * 2 ** ((pitch + semitones - 69) / 12) * part * seconds) / part
                 for pitch in pitches for part in range(1, 7)) * np.exp(-seconds)
             for pitches in ((60, 64, 67), (57, 60, 64), (57, 60, 65), (59, 62, 67))]
    sound = np.concatenate(parts)
    return (0.7 * sound / np.abs(sound).max()).astype(np.float32)


def show_transposed() -> None:
    """The chromagram of the chords, and the same five semitones higher, with their sounds."""
    from labkit import plots
    from labkit.features import chromagram
    from labkit.show import listen

    chroma = chromagram(chords())
    figure, axes = plots.figure(rows=2, height=2.1, sharex=True)
    for axis, title, values in ((axes[0], "chroma", chroma),
                                (axes[1], "transposed(chroma, 5)", np.take(chroma, np.arange(-5, 7), axis=0))):
        plots.chromagram(axis, values, SAMPLE_RATE / HOP, title=title)
    axes[0].set(xlabel="")
    plots.show(figure, alt="The target of exercise 3.2: above the chromagram of four chords, below the same picture "
                           "with each row five places higher; what leaves at the top comes back at the bottom.")
    listen(chords(), "exercise_3_2_chords", "Exercise 3.2: the four chords of the upper picture")
    listen(chords(5), "exercise_3_2_higher", "The four chords played five semitones higher")


@exercise("3.2", names=("transposed",), target=show_transposed,
          hints=("Five semitones higher, what was in row 0 is in row 5, and what was in row 11 is in row 4. The rows "
                 "go round in a circle.",
                 "`np.roll(values, steps, axis=0)` turns the rows of an array in a circle. Without `axis=0` it turns "
                 "all numbers in one long line."),
          praise="A transposition is a turn of the circle. Twelve semitones lead back to the beginning, and a minus "
                 "sign turns down.")
def check_transposed(transposed):
    """On chromagrams and a single column, up, down and more than an octave."""
    from labkit.plots import PITCH_CLASSES

    rng = np.random.default_rng(3)
    for shape, words in (((12, 7), "a chromagram (12, 7)"), ((12,), "a column (12,)")):
        for steps in (5, -3, 0, 14):
            chroma, what = rng.random(shape), f"`transposed` of {words} by {steps} semitones"
            given, wanted = chroma.copy(), np.take(chroma, (np.arange(12) - steps) % 12, axis=0)
            answer = transposed(given, steps)
            if not np.array_equal(given, chroma):
                raise NotYet("Your function changes the chromagram that it is given. Expected a new one: np.roll makes "
                             "a copy.")
            up = np.zeros(shape)
            if 0 < steps < 12:
                up[steps:] = chroma[:-steps]
            expect(answer, wanted, what, usual=(
                (chroma, f"{what} comes back unchanged." + (
                    f" A slice by {steps} takes all 12 rows: turn by semitones % 12, here {steps % 12}."
                    if steps > 12 else "")),
                (np.take(chroma, (np.arange(12) - abs(steps)) % 12, axis=0),
                 "Negative semitones move the rows up. They should move them down; np.roll knows negative numbers."),
                (np.take(chroma, (np.arange(12) + steps) % 12, axis=0),
                 f"The rows of {what} move the wrong way. Row 0, C, should go to row {steps % 12}, "
                 f"{PITCH_CLASSES[steps % 12]}."),
                (np.roll(chroma, steps), "Without axis=0 np.roll takes the whole array for one line of numbers, so "
                                         "that columns run into each other. Turn the rows: axis=0."),
                (np.roll(chroma, steps, axis=-1), "Your columns move, which is later in time. Turn the rows: axis=0."),
                (up, "What leaves at the top is lost. Expected it to come back at the bottom: C follows B again."),
            ), advice="Row k goes to row (k + semitones) % 12.")


def cases() -> list[tuple[str, np.ndarray, np.ndarray, int]]:
    """Words, a profile, a column, and by how many semitones the profile has to be turned."""
    rng = np.random.default_rng(4)
    melody = rng.random(12) ** 2
    return [("MAJOR and a column in G", MAJOR, np.roll(MAJOR, 7) ** 2 / 50 + 0.1 * rng.random(12), 7),
            ("MAJOR and a column in C", MAJOR, MAJOR / 6.35 + 0.05 * rng.random(12), 0),
            ("two performances of one song", melody, 0.6 * np.roll(melody, 10) + 0.2 * rng.random(12), 10)]


def fits_of(profile: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The correlation of a column with the profile turned by 0 to 11 semitones, (12,)."""
    return np.array([np.corrcoef(np.take(profile, (np.arange(12) - steps) % 12), column)[0, 1] for steps in range(12)])


def show_fits() -> None:
    """The twelve correlations of the first test of exercise 3.3."""
    from labkit import plots

    _, profile, column, steps = cases()[0]
    fits = fits_of(profile, column)
    figure, (axis,) = plots.figure(height=2.2)
    bars = axis.bar(np.arange(12), fits, color=[plots.COLOURS[int(k == steps)] for k in range(12)])
    axis.bar_label(bars, fmt="%.2f", padding=2, fontsize=7.5)
    axis.axhline(0, color="0.6", linewidth=0.8)
    axis.set(xlabel="the C major profile turned up by so many semitones", ylabel="correlation", xticks=np.arange(12),
             xticklabels=[f"{k}\n{name}" for k, name in enumerate(plots.PITCH_CLASSES)], ylim=(-0.9, 1.2))
    plots.show(figure, alt="The target of exercise 3.3: twelve bars, the correlation of a column in G major with the C "
                           f"major profile turned by 0 to 11 semitones. The largest, {fits[steps]:.2f}, stands at "
                           f"{steps}, G.")


@exercise("3.3", names=("best_turn",), target=show_fits,
          hints=("Turn the profile by 0, 1, 2 up to 11 semitones with `transposed`, and correlate each with the "
                 "column. Which of the twelve is the largest, and how large is it?",
                 "`np.corrcoef(a, b)[0, 1]` is the correlation of a and b; `np.argmax` of the twelve says where the "
                 "largest stands."),
          praise="With a key profile your turn is the tonic; with the column of another performance it is the "
                 "transposition.")
def check_best_turn(best_turn):
    """On two keys and on two performances."""
    for words, profile, column, steps in cases():
        what, fits = f"`best_turn` of {words}", fits_of(profile, column)
        found = numbers(best_turn(profile.copy(), column.copy()), what)
        if found.shape == (12,):
            raise NotYet(f"{what} gives twelve numbers. Expected two: which of the twelve turns fits best, and how "
                         "well.")
        if found.shape != (2,):
            raise NotYet(f"Expected {what} to be two numbers, the semitones and the correlation, found the shape "
                         f"{found.shape}. End with `return steps, correlation`.")
        products = [np.take(profile, (np.arange(12) - k) % 12) @ column for k in range(12)]
        best = fits[steps]
        expect(found, (steps, best), what, usual=(
            ((best, steps), f"{what} gives the correlation first. Expected the semitones, then the correlation."),
            ((-steps % 12, best), f"{what} finds {-steps % 12}, expected {steps}: this turns the column onto the "
                                  "profile. Turn the profile up, as in guess_key."),
            ((steps - 12, best), f"{what} finds {steps - 12}, expected {steps}. It is the same turn; count it from 0 "
                                 "to 11."),
            ((steps + 1, best), "The semitones are counted from 1. Expected 0 for a profile that fits without a turn."),
            ((np.argmin(fits), fits.min()), "This is the turn that fits worst. Expected the largest correlation."),
            ((steps, max(products)), "The turn is right, and the second number is a sum of products. Expected the "
                                     "correlation, which cannot be more than 1: np.corrcoef."),
            ((steps, best**2), "The turn is right, and the second number is the squared correlation. Expected it as it "
                               "is."),
        ), rtol=1e-3, advice="[0] is the number of semitones, [1] the correlation there; compare with the target.")
