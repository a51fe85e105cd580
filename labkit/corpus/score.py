"""Composition: a style and a seed become a score, a list of notes with times in seconds.

The method is the plain one of rule-based accompaniment programs: chords from a progression, accompaniment from rhythm
patterns, a melody that walks along the scale, rests on chord tones on strong beats and repeats its rhythm as a motif
A A' B A. What an album fixes (tempo region, home key, players, mix) is drawn from the album's seed, the rest
from the piece's own.
"""

import zlib
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

import numpy as np

from labkit.corpus.styles import SCALES, STEPS_PER_BEAT, Part, Production, Section, Style, find_style

_ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_STRIKES = {"X": 1.0, "x": 0.8, "o": 0.5}
_DIGIT_VELOCITY = 0.75


@dataclass(frozen=True)
class Note:
    """One note, or one stroke of a drum (pitch 0)."""

    start: float      # seconds
    duration: float   # seconds
    pitch: int        # MIDI number; 60 is middle C
    velocity: float   # how hard, 0 to 1
    instrument: str
    part: str         # the role that plays it: "melody", "chords", "figure", "bass" or "drums"


@dataclass(frozen=True)
class Piece:
    """A composed clip: its score, and every number that its sound and its affect labels depend on."""

    genre: str
    seed: int
    album: int
    seconds: float
    tempo: float                          # beats a minute
    metre: int                            # beats a bar
    tonic: int                            # pitch class of the key, 0 = C
    scale: str                            # a name in styles.SCALES
    dynamics: float                       # how hard they play, 0 to 1
    rubato: float                         # greatest change of the tempo, as a share
    humanise: float                       # standard deviation of the onsets, seconds
    sections: tuple[tuple[str, float], ...]  # (name, its start in seconds)
    beats: tuple[float, ...]              # true times of the beats, seconds
    notes: tuple[Note, ...]
    levels: tuple[tuple[str, float], ...]    # (role, dB)
    production: tuple[tuple[str, float], ...]  # values of the fields of styles.Production
    silence: float                        # seconds before the first sound
    gain_db: float                        # root mean square of the finished clip, dB against full scale


@dataclass(frozen=True)
class _Album:
    """What the pieces of one album have in common."""

    tempo: float
    metre: int
    tonic: int
    mode: int
    players: tuple[tuple[Part, str], ...]
    drums: bool
    swing: float
    density: float
    gate: float
    dynamics: float
    humanise: float
    rubato: float
    levels: dict[str, float]
    production: dict[str, float]


def compose(genre: str, seed: int, seconds: float = 30.0, album: int | None = None) -> Piece:
    """Compose one clip.

    Parameters
    ----------
    genre : a key of `STYLES`.
    seed : integer >= 0; the same arguments give the same piece on every call.
    seconds : length of the clip, more than 0.
    album : integer >= 0; pieces of one genre and album share tempo region, home key, players and mix. None makes an
        album of this piece alone.

    Returns
    -------
    Piece

    Raises
    ------
    ValueError when the genre is unknown or `seconds` is not positive.
    """
    style = find_style(genre)
    if not seconds > 0:
        raise ValueError(f"A clip needs a length above 0 seconds, found {seconds!r}. Give, for example, seconds=30.")
    seed, album = int(seed), int(seed if album is None else album)
    name = zlib.crc32(genre.encode())
    shared = _draw_album(style, np.random.default_rng([album, name, 0]))
    rng = np.random.default_rng([seed, name, 1])

    tempo = float(np.clip(shared.tempo * rng.uniform(0.95, 1.05), *style.tempo))
    tonic = (shared.tonic + int(rng.choice([0, 0, 0, 5, 7]))) % 12
    mode = shared.mode if rng.random() < 0.7 else int(rng.integers(len(style.modes)))
    scale, progressions = style.modes[mode]
    dynamics = float(np.clip(shared.dynamics + rng.normal(0, 0.06), 0.05, 1.0))
    density = float(shared.density * rng.uniform(0.8, 1.25))
    clock = _Clock(tempo, shared.rubato, float(rng.uniform(0, 2 * np.pi)), shared.swing, style.swing_beats)
    silence = float(rng.uniform(0.0, 0.3))
    bars = max(1, int(np.ceil((seconds - silence) * tempo / 60 / shared.metre)))
    plan = _lay_out(style.forms[rng.integers(len(style.forms))], bars)

    notes, sections, bar = [], [], 0
    verse, other = rng.choice(len(progressions), 2)
    for number, (section, length) in enumerate(plan):
        sections.append((section.name, silence + clock.at(bar * shared.metre)))
        progression = progressions[other if section.name in ("break", "episode") else verse]
        chords = [_bar_chords(progression, index) for index in range(length)]
        last = number == len(plan) - 1
        heard = [player for player in shared.players if player[0].role in section.roles]
        if len(heard) < min(2, len(section.roles)):  # this album lacks the players of the section: all play
            heard = list(shared.players)
        for part, instrument in heard:
            if part.role == "melody":
                played = _melody(style, part, chords, SCALES[scale][0], tonic, shared.metre, density, shared.gate, rng)
            else:
                played = _accompany(part, chords, tonic, shared.metre, rng)
            notes += [(bar * shared.metre + beat, length_, pitch, velocity * section.loudness, instrument, part.role,
                       late)
                      for beat, length_, pitch, velocity, late in played]
        if shared.drums and "drums" in section.roles:
            fitting = [kit for kit in style.drums if len(kit[0][1]) == shared.metre * STEPS_PER_BEAT]
            if fitting:
                # Most pieces of an album have its groove, so that they sound alike; some have another of the genre.
                kit = fitting[album % len(fitting)] if rng.random() < 0.7 else fitting[rng.integers(len(fitting))]
                notes += [(bar * shared.metre + beat, 0.25, 0, velocity * section.loudness, drum, "drums", 0.0)
                          for beat, drum, velocity in _drum(kit, () if last else style.fill, length, shared.metre)]
        bar += length

    finished = []
    for beat, length, pitch, velocity, instrument, role, late in notes:
        start = silence + max(0.0, clock.at(beat) + late + float(rng.normal(0, 1)) * shared.humanise)
        if start < seconds:
            loud = float(np.clip(velocity * (0.4 + 0.6 * dynamics) * rng.uniform(0.9, 1.1), 0.02, 1.0))
            finished.append(Note(start, length * 60 / tempo, pitch, loud, instrument, role))
    beats = silence + np.array([clock.at(beat) for beat in range(bars * shared.metre + 1)])
    return Piece(
        genre=genre, seed=seed, album=album, seconds=float(seconds), tempo=tempo, metre=shared.metre, tonic=tonic,
        scale=scale,
        dynamics=dynamics, rubato=shared.rubato, humanise=shared.humanise, sections=tuple(sections),
        beats=tuple(float(beat) for beat in beats[beats < seconds]),
        notes=tuple(sorted(finished, key=lambda note: (note.start, note.part, note.instrument, note.pitch))),
        levels=tuple((role, level + float(rng.normal(0, 0.7))) for role, level in shared.levels.items()),
        production=tuple(shared.production.items()), silence=silence, gain_db=float(rng.uniform(-29.0, -20.0)),
    )


class _Clock:
    """From beats to seconds: an even pulse, with rubato over four bars and swung subdivisions."""

    def __init__(self, tempo: float, rubato: float, phase: float, swing: float, swing_beats: float):
        self.beat = 60 / tempo
        self.depth = rubato * 16 / (2 * np.pi)  # in beats; its slope is then `rubato` at most
        self.phase, self.swing, self.unit = phase, swing, swing_beats

    def at(self, beat: float) -> float:
        whole, rest = divmod(beat / self.unit, 1.0)
        middle = 0.5 + self.swing / 6  # where the second note of a swung pair falls: 2/3 for triplets
        rest = rest * 2 * middle if rest < 0.5 else middle + (rest - 0.5) * 2 * (1 - middle)
        swung = (whole + rest) * self.unit
        bend = self.depth * (np.sin(2 * np.pi * swung / 16 + self.phase) - np.sin(self.phase))
        return float((swung + bend) * self.beat)


def _draw_album(style: Style, rng: np.random.Generator) -> _Album:
    players = tuple((part, part.instruments[rng.integers(len(part.instruments))])
                    for part in style.parts if rng.random() < part.chance)
    levels = {part.role: part.level + float(rng.normal(0, 2.0)) for part, _ in players}
    levels["drums"] = style.drum_level + float(rng.normal(0, 2.0))
    production = {item.name: float(rng.uniform(*getattr(style.production, item.name)))
                  for item in dataclass_fields(Production)}
    # A broad bump or dip of the whole mix, different for each album, as microphones, rooms and engineers leave it.
    production["peak_hz"] = float(np.exp(rng.uniform(np.log(200), np.log(5000))))
    production["peak_db"] = float(rng.uniform(-6, 6))
    return _Album(
        tempo=float(rng.uniform(*style.tempo)), metre=int(rng.choice(style.metres)),
        tonic=int(rng.choice(style.tonics)),
        mode=int(rng.integers(len(style.modes))), players=players, drums=bool(rng.random() < style.drum_chance),
        swing=float(rng.uniform(*style.swing)), density=float(rng.uniform(*style.density)),
        gate=float(rng.uniform(*style.gate)),
        dynamics=float(rng.uniform(*style.dynamics)), humanise=float(rng.uniform(*style.humanise)),
        rubato=float(rng.uniform(*style.rubato)), levels=levels, production=production,
    )


def _lay_out(form: tuple[Section, ...], bars: int) -> list[tuple[Section, int]]:
    """Share the bars among the sections; a clip too short for a form is all of its longest section."""
    if bars < 2 * len(form):
        return [(max(form, key=lambda section: section.share), bars)]
    edges = np.rint(np.cumsum([0] + [section.share for section in form]) * bars).astype(int)
    edges[-1] = bars
    return [(section, int(count)) for section, count in zip(form, np.diff(edges), strict=True) if count > 0]


def _chord(word: str) -> tuple[int, ...]:
    """Semitones above the tonic of one roman numeral: root first, then third, fifth and perhaps seventh."""
    flat, rest = word.startswith("b"), word.removeprefix("b")
    seventh, rest = rest.endswith("7"), rest.removesuffix("7")
    minor = rest.islower()
    root = _ROMAN[rest.upper()] - flat
    return (root, root + (3 if minor else 4), root + 7) + ((root + 10,) if seventh else ())


def _bar_chords(progression: str, index: int) -> list[tuple[int, ...]]:
    words = progression.split()
    return [_chord(word) for word in words[index % len(words)].split("/")]


def _stack(chord: tuple[int, ...], tonic: int, register: int) -> list[int]:
    """The chord's notes as MIDI numbers over three octaves, from its root at or above `register` upward."""
    root = register + (tonic + chord[0] - register) % 12
    return [root + tone - chord[0] + 12 * octave for octave in range(3) for tone in chord]


def _voice(part: Part, chord: tuple[int, ...], tonic: int) -> list[int]:
    """The notes of a whole chord as this part plays it."""
    stack = _stack(chord, tonic, part.register)
    if part.power:
        return [stack[0], stack[0] + 7, stack[0] + 12]
    # The inversion that begins lowest above the register: successive chords then lie close together.
    return [pitch for pitch in sorted(stack + [pitch - 12 for pitch in stack]) if pitch >= part.register][:part.voices]


def _accompany(part: Part, bars: list, tonic: int, metre: int, rng: np.random.Generator) -> list[tuple]:
    """Play the part's pattern in every bar: (beat, length in beats, pitch, velocity, delay in seconds)."""
    steps = metre * STEPS_PER_BEAT
    fitting = [pattern for pattern in part.patterns if len(pattern) == steps]
    if not fitting:
        return []
    pattern = fitting[rng.integers(len(fitting))]
    played = []
    for bar, chords in enumerate(bars):
        for step, sign in enumerate(pattern):
            if sign in "-.":
                continue
            length = 1
            while step + length < steps and pattern[step + length] == "-":
                length += 1
            chord = chords[step * len(chords) // steps]
            if sign.isdigit():
                pitches, velocity = [_stack(chord, tonic, part.register)[int(sign) - 1]], _DIGIT_VELOCITY
            else:
                pitches, velocity = _voice(part, chord, tonic), _STRIKES[sign]
            velocity *= 1.1 if step == 0 else 1.0
            played += [(bar * metre + step / STEPS_PER_BEAT, length / STEPS_PER_BEAT, pitch, velocity,
                        order * part.strum)
                       for order, pitch in enumerate(pitches)]
    return played


def _melody(style: Style, part: Part, bars: list, scale: tuple[int, ...], tonic: int, metre: int, density: float,
            gate: float, rng: np.random.Generator) -> list[tuple]:
    """Invent a melody: two rhythms of a bar, A and B, in the order A A B A; pitches walk along the scale."""
    steps = metre * STEPS_PER_BEAT
    weight = np.array([1.0, 0.12, 0.5, 0.12] * metre)
    weight[0] = 1.6
    count = int(np.clip(round(density * metre), 1, steps - 2))
    rhythms = [np.sort(rng.choice(steps, count, replace=False, p=weight / weight.sum())) for _ in range(2)]
    moves = [rng.choice([-1, 1], count) * np.where(rng.random(count) < style.leaps, rng.integers(2, 5, count), 1)
             for _ in range(2)]
    ladder = np.array([pitch for pitch in range(part.register - 10,
                                                part.register + 11) if (pitch - tonic) % 12 in scale])
    place = len(ladder) // 2
    played = []
    for bar, chords in enumerate(bars):
        motif = 1 if bar % 4 == 2 else 0
        rhythm = rhythms[motif]
        if bar % 4 == 3:  # breathe at the end of the phrase
            rhythm = rhythm[rhythm < steps * 3 // 4]
        onsets = [*rhythm, steps]
        for index, step in enumerate(rhythm):
            chord = chords[step * len(chords) // steps]
            move = int(moves[motif][index])
            if not 0 <= place + move < len(ladder):
                move = -move
            place = int(np.clip(place + move, 0, len(ladder) - 1))
            pitch = int(ladder[place])
            if step % (2 * STEPS_PER_BEAT) == 0 or index == len(rhythm) - 1:  # rest on a chord tone
                tones = {(tonic + tone) % 12 for tone in chord}
                near = [p for p in range(pitch - 4, pitch + 5) if p % 12 in tones]
                pitch = min(near, key=lambda p: (abs(p - pitch), p))
                place = int(np.argmin(np.abs(ladder - pitch)))
            length = min(onsets[index + 1] - step, 2 * STEPS_PER_BEAT) * gate
            velocity = 0.85 if step % STEPS_PER_BEAT == 0 else 0.7
            played.append((bar * metre + step / STEPS_PER_BEAT, length / STEPS_PER_BEAT, pitch, velocity, 0.0))
    return played


def _drum(kit: tuple, fill: tuple, bars: int, metre: int) -> list[tuple[float, str, float]]:
    """The strokes of a drum pattern: (beat, drum, velocity); the last bar plays the fill over its second half."""
    played = []
    for bar in range(bars):
        last = bar == bars - 1 and bool(fill) and bars > 1
        for drum, pattern in kit:
            half = len(pattern) // 2
            played += [(bar * metre + step / STEPS_PER_BEAT, drum, _STRIKES[sign]) for step, sign in enumerate(pattern)
                       if sign != "." and not (last and step >= half and "kick" not in drum)]
        if last:
            played += [(bar * metre + step / STEPS_PER_BEAT, drum, _STRIKES[sign]) for drum, pattern in fill
                       for step, sign in enumerate(pattern) if sign != "." and step >= len(pattern) // 2]
    return played
