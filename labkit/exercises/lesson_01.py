"""The checks of lesson 1: from mel to hertz, triangles on another scale, and the sound of some rows."""

import numpy as np

from labkit.exercises.core import NotYet, earlier_fails, exercise, expect, numbers
from labkit.profiles import SAMPLE_RATE

FRAME, HOP = 2048, 512


def show_scale() -> None:
    """The curve of exercise 1.1, with four of its points."""
    import librosa

    from labkit import plots

    mel, points = np.linspace(0, 2840, 200), np.array([500.0, 1000.0, 2000.0, 2600.0])
    figure, (axis,) = plots.figure(height=2.4)
    axis.plot(mel, librosa.mel_to_hz(mel, htk=True))
    axis.plot(points, librosa.mel_to_hz(points, htk=True), "o", color=plots.COLOURS[1])
    for point in points:
        hertz = librosa.mel_to_hz(point, htk=True)
        axis.annotate(f"{point:.0f} mel: {hertz:.1f} Hz", (point, hertz), xytext=(-8, 6), textcoords="offset points",
                      ha="right", fontsize=8.5)
    axis.set(xlabel="pitch (mel)", ylabel="frequency (Hz)", ylim=(0, None))
    plots.show(figure, alt="The target of exercise 1.1: a curve of hertz against mel that rises ever more steeply, "
                           "with four of its points written beside it.")


@exercise("1.1", names=("hertz_of",), target=show_scale,
          hints=("Write down `m = 2595 log10(1 + f / 700)` and solve it for f: divide by 2595 first, then undo the "
                 "logarithm, then the rest.",
                 "`log10(a) = b` means `a = 10 ** b`. So `1 + f / 700 = 10 ** (m / 2595)`."),
          praise="Your scale agrees with librosa's `mel_to_hz(mel, htk=True)`, for one number and for arrays.")
def check_hertz_of(hertz_of):
    """Against librosa, at single pitches and at an array of them."""
    import librosa

    def usual(mel):
        mel = np.asarray(mel, dtype=float)
        formula = "The formula is m = 2595 log10(1 + f / 700)."
        return ((2595 * np.log10(1 + mel / 700), f"This is the formula itself, from hertz to mel. {formula} Solve it "
                                                 "for f."),
                (700 * (np.exp(mel / 2595) - 1), "This undoes a natural logarithm. The formula has log10; what undoes "
                                                 "it is 10 ** x, not np.exp."),
                (700 * 10 ** (mel / 2595), "The 1 of the formula is missing: 0 mel must be 0 Hz, found 700 Hz. "
                                           "Subtract 1 before you multiply by 700."),
                (10 ** (mel / 2595) - 1, "The 700 of the formula is missing. The last step is to multiply by it."),
                (700 * 10 ** (mel / 2595) - 1, "Subtract the 1 before you multiply by 700, not after: set brackets."),
                (librosa.mel_to_hz(mel), "This is Slaney's scale, librosa's default. The exercise asks for "
                                         f"O'Shaughnessy's. {formula}"))

    for mel in (1000.0, 0.0, 37.5, 2840.0):
        expect(hertz_of(mel), librosa.mel_to_hz(mel, htk=True), f"`hertz_of({mel:g})`", usual(mel),
               advice="Solve m = 2595 log10(1 + f / 700) for f.")
    several = np.array([0.0, 500.0, 2000.0])
    try:
        found = hertz_of(several.copy())
    except TypeError as error:
        raise NotYet(f"One number is right, but an array of them ends with TypeError: {error}. Use numpy's functions "
                     "and operators instead of those of the module math.") from None
    expect(found, librosa.mel_to_hz(several, htk=True), "`hertz_of(np.array([0, 500, 2000]))`", usual(several))


def show_triangles() -> None:
    """The triangles of exercise 1.2, every fourth of 40."""
    import librosa

    from labkit import plots

    filters = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FRAME, n_mels=40, htk=True, norm=None)
    figure, (axis,) = plots.figure(height=2.0)
    axis.plot(np.arange(FRAME // 2 + 1) * SAMPLE_RATE / FRAME, filters[3::4].T, linewidth=1)
    axis.set(xlabel="frequency (Hz)", ylabel="weight", title="triangles(40)[3::4]: every fourth of 40 triangles")
    plots.show(figure, alt="The target of exercise 1.2: ten triangles along the frequency axis, all of about the "
                           "height 1, narrow at low frequencies and ever wider towards high ones.")


@exercise("1.2", names=("triangles",), target=show_triangles,
          hints=("Each triangle begins at one edge, has its top at the next and ends at the one after. Equal steps in "
                 "mel, from 0 to `top`, give the edges once `hertz_of` has turned them into hertz.",
                 "`np.linspace(0, top, bands + 2)` are the edges in mel. A triangle is the smaller of its two slopes, "
                 "and nothing below 0."),
          praise="Your triangles are those of librosa with `htk=True` and `norm=None`; between the first and the last "
                 "centre they add up to 1 at every frequency.")
def check_triangles(triangles):
    """Against librosa, for 40 and for 12 bands."""
    import librosa

    def built(edges):
        frequencies = np.arange(FRAME // 2 + 1) * SAMPLE_RATE / FRAME
        lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
        return np.minimum((frequencies - lower) / (centre - lower), (upper - frequencies) / (upper - centre))

    for bands in (40, 12):
        what, settings = f"`triangles({bands})`", {"sr": SAMPLE_RATE, "n_fft": FRAME, "n_mels": bands}
        wanted = librosa.filters.mel(**settings, htk=True, norm=None)
        found = numbers(triangles(bands), what)
        if found.shape == (bands - 2, FRAME // 2 + 1):
            raise NotYet(f"{what} has {bands - 2} rows. Expected {bands}: a triangle needs three edges, so that "
                         "`bands` triangles need bands + 2 edges.")
        if found.shape == wanted.T.shape:
            raise NotYet(f"{what} has the shape {found.shape}. Expected {wanted.shape}: one row a triangle. "
                         "Transpose it.")
        top = librosa.hz_to_mel(SAMPLE_RATE / 2, htk=True)
        mel = np.linspace(0, top, bands + 2)
        edges = librosa.mel_to_hz(mel, htk=True)
        usual = [
            (built(edges), "The weights fall below 0 outside the triangles. Cut them there: np.maximum(0, ...)."),
            (np.maximum(0, built(np.linspace(0, SAMPLE_RATE / 2, bands + 2))),
             "The triangles are equally spaced in hertz. Expected equal steps in mel: space the edges in mel, then "
             "turn them into hertz with hertz_of."),
            (librosa.filters.mel(**settings, htk=False, norm=None),
             "The triangles are equally spaced on Slaney's scale. Use your hertz_of instead of librosa.mel_to_hz."),
            (librosa.filters.mel(**settings, htk=True, norm="slaney"),
             "The triangles have unit area. Expected the height 1 for each: leave out the factor 2 / (upper - lower)."),
            (np.maximum(0, built(mel)),
             "The edges are left in mel, so that all triangles lie below 2840 Hz. `frequencies` is in Hz; put the "
             "edges through hertz_of."),
            (built(mel), "The edges are left in mel, and `frequencies` is in Hz: put the edges through hertz_of. Then "
                         "cut the weights at 0: np.maximum(0, ...)."),
        ]
        try:
            expect(found, wanted, what, usual, rtol=0, atol=1e-4,
                   advice="In a cell of your own, `import matplotlib.pyplot as plt` first; then look at "
                          "`plt.plot(frequencies, triangles(40)[3::4].T)` beside the target.")
        except NotYet:
            if earlier_fails(triangles, "hertz_of", check_hertz_of):
                raise NotYet(f"{what} is not right yet, and nor is `hertz_of` of exercise 1.1. Solve that one "
                             "first.") from None
            raise


def phrase() -> np.ndarray:
    """Four seconds of a bass line with a hiss on every half second, float32 (n,)."""
    rng, seconds = np.random.default_rng(1), np.arange(SAMPLE_RATE) / SAMPLE_RATE
    bars = []
    for note in (110.0, 130.8, 146.8, 98.0):
        tone = sum(np.sin(2 * np.pi * note * part * seconds) / part for part in range(1, 7))
        hiss = rng.standard_normal(SAMPLE_RATE) * np.exp(-40 * (seconds % 0.5))
        bars.append(0.25 * tone * np.exp(-2 * seconds) + 0.08 * hiss)
    return np.concatenate(bars).astype(np.float32)


def rows_of(audio: np.ndarray, rows, bands: int = 40) -> np.ndarray:
    """What exercise 1.3 asks for."""
    import librosa

    gain = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FRAME, n_mels=bands, htk=True, norm=None)[rows].sum(axis=0)
    spectrum = librosa.stft(audio, n_fft=FRAME, hop_length=HOP)
    return librosa.istft(spectrum * gain[:, None], hop_length=HOP, length=len(audio))


def play_rows() -> None:
    """The sound of exercise 1.3: before, the ten lowest rows, the twenty highest."""
    from labkit.show import listen

    audio = phrase()
    listen(audio, "exercise_1_3_whole", "Exercise 1.3: the whole sound, a bass line with a hiss")
    listen(rows_of(audio, slice(0, 10)), "exercise_1_3_low", "Its target: rows 0 to 9 of 40")
    listen(rows_of(audio, slice(20, 40)), "exercise_1_3_high", "Its target: rows 20 to 39 of 40")


@exercise("1.3", names=("sound_of",), target=play_rows,
          hints=("The triangles say how much of each frequency belongs to a row. Add up those of the wanted rows: that "
                 "is one factor for each of the 1025 frequencies.",
                 "`triangles(bands)[rows].sum(axis=0)` are the factors. Multiply the spectrum by them as `[:, None]`, "
                 "and give `librosa.istft` the hop and `length=len(audio)`."),
          praise="You hear exactly what those rows of the picture show, as long as the sound you began with.")
def check_sound_of(sound_of):
    """Against librosa on a phrase, for several choices of rows."""
    import librosa

    audio = phrase()[:SAMPLE_RATE + 300]
    spectrum = librosa.stft(audio, n_fft=FRAME, hop_length=HOP)
    for rows, words, bands in ((slice(0, 10), "slice(0, 10)", 40), ([3, 4, 17], "[3, 4, 17]", 40),
                               (slice(8, 20), "slice(8, 20), bands=20", 20)):
        what = f"`sound_of(audio, {words})`"
        found = numbers(sound_of(audio.copy(), rows, bands), what)
        wanted, gain = rows_of(audio, rows, bands), librosa.filters.mel(
            sr=SAMPLE_RATE, n_fft=FRAME, n_mels=bands, htk=True, norm=None)[rows].sum(axis=0)
        if found.ndim == 1 and len(found) != len(audio) and abs(len(found) - len(audio)) < HOP:
            raise NotYet(f"{what} has {len(found)} samples. Expected {len(audio)}, as many as the sound has: give "
                         "librosa.istft the argument length=len(audio).")
        average = gain / len(np.arange(bands)[rows])
        usual = (
            (librosa.istft(spectrum * average[:, None], hop_length=HOP, length=len(audio)),
             "The sound is too quiet, by the number of the rows. Add the triangles up, do not average: sum(axis=0)."),
            (audio, "The sound comes back unchanged. Multiply its spectrum by the factors of the rows before you turn "
                    "it back."),
            (audio - wanted, "This is what the other rows show. The factors are the sum of the wanted triangles, not 1 "
                             "minus it."),
            (librosa.istft(np.abs(spectrum) * gain[:, None], hop_length=HOP, length=len(audio)),
             "The phases are lost: the magnitudes alone do not give the sound back. Multiply the complex spectrum."),
            (librosa.istft(spectrum * gain[:, None] ** 2, hop_length=HOP, length=len(audio)),
             "The factors are applied twice, or squared. Multiply the complex spectrum by them once."),
        )
        try:
            expect(found, wanted, what, usual, rtol=0, atol=2e-4,
                   advice="Look at the factors, one for each frequency: they are the wanted triangles, added up.")
        except NotYet:
            if earlier_fails(sound_of, "triangles", check_triangles):
                raise NotYet(f"{what} is not right yet, and nor is `triangles` of exercise 1.2. Solve that one "
                             "first.") from None
            raise
