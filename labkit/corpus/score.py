"""Composition: a style and a seed become a score, a list of notes with times in seconds.

The method is the plain one of rule-based accompaniment programs: chords from a progression, accompaniment from rhythm
patterns, a melody that walks along the scale, rests on chord tones on strong beats and repeats its rhythm as a motif
A A B A. What an album has of its own (tempo region, home key, players, mix) is drawn from the album's seed, the rest
from the piece's. A piece departs from its album: it may have guests, another recording and another key. Two hidden
numbers of an album are independent of each other: how lively it is moves tempo, density, touch, note lengths and
patterns together, how glad it is moves mode and register together.
"""

import operator
import zlib
from collections import Counter
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

import numpy as np

from labkit.corpus.genres import find_style
from labkit.corpus.styles import ROLES, SCALES, STEPS_PER_BEAT, SUFFIXES, Part, Production, Section, Style

_ROMAN = {"VII": 11, "VI": 9, "IV": 5, "V": 7, "III": 4, "II": 2, "I": 0}  # longer numerals before their beginnings
_STRIKES = {"X": 1.0, "x": 0.8, "o": 0.5}
_DIGIT_VELOCITY = 0.75
_INVENTED = ("melody", "answer")
_DRIVEN = ("distorted", "crunch", "fuzz", "palm-muted")  # guitars that play power chords
# Chance that a player of a piece is not the album's, and that its recording is not: the dials of the album leak.
_GUEST, _ELSEWHERE = 0.55, 0.55
_WHOLE = 60.0  # seconds; the length of the pieces from which clips are cut, or twice the clip's when that is more
_LIMITS = {"tempo": (20, 400), "dynamics": (0, 1), "density": (0, 16), "gate": (0.05, 2), "swing": (0, 1),
           "rubato": (0, 0.9), "drift": (0, 0.2), "humanise": (0, 0.2), "swell": (0, 0.9), "liveliness": (0, 1),
           "silence": (0, 10), "gain_db": (-80, 0), "tonic": (0, 11)}
# Progressions for a scale that a style does not use itself, when `compose` is told to use it all the same.
_PLAIN = {4: ("I V vi IV", "I IV V I"), 3: ("i bVI bIII bVII", "i iv v i")}


@dataclass(frozen=True)
class Note:
    """One note, or one stroke of a drum (pitch 0)."""

    start: float      # seconds
    duration: float   # seconds
    pitch: int        # MIDI number; 60 is middle C
    velocity: float   # how hard, 0 to 1
    instrument: str
    part: str         # who plays it: one of styles.ROLES, or "drums"


@dataclass(frozen=True)
class Piece:
    """A composed clip: its score, and every number that its sound and its affect labels depend on."""

    genre: str
    seed: int
    album: int
    seconds: float
    tempo: float                             # beats a minute
    metre: int                               # beats a bar
    tonic: int                               # pitch class of the key, 0 = C
    scale: str                               # a name in styles.SCALES
    dynamics: float                          # how hard they play, 0 to 1
    density: float                           # melody notes a beat
    gate: float                              # sounding share of a melody note
    swing: float                             # 0 = even, 1 = triplets
    rubato: float                            # greatest change of the tempo in phrases, as a share
    drift: float                             # how far the tempo wanders, as a share
    humanise: float                          # standard deviation of the onsets, seconds
    sections: tuple[tuple[str, float], ...]  # (name, its start in seconds)
    beats: tuple[float, ...]                 # true times of the beats, seconds
    notes: tuple[Note, ...]
    levels: tuple[tuple[str, float], ...]    # (role, dB)
    effects: tuple[tuple[str, tuple[str, ...]], ...]  # (role, names in effects.INSERTS)
    production: tuple[tuple[str, float | str], ...]   # the fields of styles.Production; `room` is one of its rooms
    silence: float                           # seconds before the first sound
    gain_db: float                           # root mean square of the finished clip, dB against full scale


def compose(genre: str | Style, seed: int, seconds: float = 30.0, album: int | None = None, **changes) -> Piece:
    """Compose one clip.

    Parameters
    ----------
    genre : a key of `STYLES`, or a Style of one's own.
    seed : integer >= 0; the same arguments give the same piece on every call.
    seconds : length of the clip, more than 0.
    album : integer >= 0; pieces of one genre and album lie near to each other in tempo, and often, not always, share
        players, key and mix. None makes an album of this piece alone.
    changes : what to set instead of drawing it; all else stays as it would be without. One of tempo, metre, tonic,
        scale, dynamics, density, gate, swing, rubato, drift, humanise, swell, liveliness (0 to 1: how busy the patterns
        are), drums (True or False), players (role -> instrument, or None to leave the player out), effects (role ->
        names), levels (role -> dB), production (field -> value), silence, gain_db.

    Returns
    -------
    Piece

    Raises
    ------
    ValueError : the genre or a change is unknown or out of range, `seconds` is not positive, a seed is negative, or a
        Style of one's own does not hold together.

    Example: `compose("Folk", 3, drums=False)` is `compose("Folk", 3)` without its drums.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change
    """
    if isinstance(genre, Style):
        check(genre)
    style = genre if isinstance(genre, Style) else find_style(genre)
    if not 0 < seconds < np.inf:
        raise ValueError(f"A clip needs a length above 0 seconds, found {seconds!r}. Give, for example, seconds=30.")
    seed, album = operator.index(seed), operator.index(seed if album is None else album)
    if min(seed, album) < 0:
        raise ValueError(f"Seeds and albums are whole numbers >= 0, found seed={seed} and album={album}.")
    settled = _settle(style, seconds, _Dice(album, style.name, "album"), _Dice(seed, style.name, "piece"))
    _apply(style, settled, changes)
    dice = _Dice(seed, style.name, "notes")
    tempo, metre, silence = settled["tempo"], settled["metre"], settled["silence"]
    bars = max(1, int(np.ceil((seconds - silence) * tempo / 60 / metre)))
    clock = _Clock(settled, style.swing_beats, (bars + 2) * metre, dice("clock"))
    plan = _lay_out(style.forms[dice("form").integers(len(style.forms))], settled["bars"])
    cut = settled["cut"]
    missing = cut + bars - settled["bars"]  # a piece that was told to be faster needs more bars
    plan[-1] = (plan[-1][0], plan[-1][1] + max(0, missing))

    raw, sections = [], []  # raw notes: (beat, length in beats, pitch, velocity, instrument, role, delay in seconds)
    chords = _chord_bars(style, settled["scale"], plan, dice("chords"))
    players = {part.role: (part, name) for part in style.parts if (name := settled["players"].get(part.role))}
    bar = 0
    for number, (section, length) in enumerate(plan):
        last = number == len(plan) - 1
        first, bar = bar, bar + length
        if bar <= cut or first >= cut + bars:
            continue
        sections.append((section.name, silence + float(clock.at(np.array([max(0, first - cut) * metre]))[0])))
        roles = [role for role in players if role in section.roles]
        if len(roles) < min(2, len(section.roles)):  # this album lacks the players of the section: all play
            roles = list(players)
        for role in roles:
            part, instrument = players[role]
            play = _invent if role in _INVENTED else _accompany
            raw += [((first - cut) * metre + beat, sounding, pitch, velocity * section.loudness, instrument, role, late)
                    for beat, sounding, pitch, velocity, late
                    in play(style, part, section, chords[number], settled, dice)]
        if settled["drums"] and "drums" in section.roles:
            strokes = _drum(style, () if last else style.fill, section, length, settled, dice)
            raw += [((first - cut) * metre + beat, 0.25, 0, velocity * section.loudness, drum, "drums", 0.0)
                    for beat, drum, velocity in strokes]
    raw = [note for note in raw if 0 <= note[0] < bars * metre]

    notes = []
    for role in dict.fromkeys(note[5] for note in raw):
        own, hands = [note for note in raw if note[5] == role], dice(f"{role} hands")
        late = hands.normal(0, settled["humanise"], len(own)) + np.array([note[6] for note in own])
        starts = silence + np.maximum(0.0, clock.at(np.array([note[0] for note in own])) + late)
        phrases = np.array([note[0] for note in own]) / 32 + dice("swell").uniform()  # of eight bars
        touch = (0.35 + 0.65 * settled["dynamics"]) * dice(f"{role} touch").uniform(0.88, 1.12, len(own))
        touch *= 1 + settled["swell"] * np.sin(2 * np.pi * phrases)
        notes += [Note(float(start), length * 60 / tempo, int(pitch), float(np.clip(velocity * hand, 0.02, 1.0)), name,
                       role)
                  for (_, length, pitch, velocity, name, _, _), start, hand in zip(own, starts, touch, strict=True)
                  if start < seconds]
    beats = silence + clock.at(np.arange(bars * metre + 1))
    plain = {name: settled[name] for name in ("tempo", "metre", "tonic", "scale", "dynamics", "density", "gate",
                                              "swing", "rubato", "drift", "humanise", "silence", "gain_db")}
    return Piece(
        genre=style.name, seed=seed, album=album, seconds=float(seconds), **plain,
        sections=tuple(section for section in sections if section[1] < seconds),
        beats=tuple(beats[beats < seconds].tolist()),
        notes=tuple(sorted(notes, key=lambda note: (note.start, note.part, note.instrument, note.pitch))),
        levels=tuple(settled["levels"].items()), effects=tuple(settled["effects"].items()),
        production=tuple(settled["production"].items()),
    )


def check(style: Style) -> None:
    """Find what in a Style does not hold together, before a piece fails or a part stays silent.

    Raises ValueError that names the style and what to mend.
    """
    def refuse(what: str) -> None:
        raise ValueError(f"The style {style.name!r} does not hold together: {what} See labkit/corpus/styles.py.")

    roles = Counter(part.role for part in style.parts)
    if not roles or max(roles.values()) > 1 or not set(roles) <= set(ROLES):
        refuse(f"expected at least one part, and at most one of each of {', '.join(ROLES)}; found "
               f"{', '.join(roles.elements()) or 'none'}.")
    if not style.forms or not style.modes or not style.metres:
        refuse("expected at least one form, mode and metre.")
    for scale, progressions in style.modes:
        if scale not in SCALES or not progressions:
            refuse(f"expected scales of {', '.join(SCALES)}, each with a progression; found {scale!r}.")
        for word in " ".join(progressions).replace("/", " ").split():
            chord_tones(word)
    rhythms = [(pattern, "Xxow-.123456789") for part in style.parts for pattern in part.patterns]
    rhythms += [(pattern, "Xxo.") for kit in (*style.drums, style.fill) for _, pattern in kit]
    for pattern, signs in rhythms:
        if len(pattern) not in {metre * STEPS_PER_BEAT for metre in style.metres} or not set(pattern) <= set(signs):
            refuse(f"expected patterns of {signs}, four signs a beat of its metres; found {pattern!r}.")
    for mean, deviation in (style.mood.valence, style.mood.energy, style.mood.danceability):
        if not 0 < deviation**2 < mean * (1 - mean):
            refuse(f"no labels in [0, 1] have the mean {mean} and the deviation {deviation}.")
    if style.compass < 4:
        refuse(f"a melody needs a compass of at least 4 semitones, found {style.compass}.")


# --- what is settled before the first note --------------------------------------------------------------------------

class _Dice:
    """Random numbers by topic, so that what one decision draws never shifts another."""

    def __init__(self, seed: int, *names: str):
        self.key = [seed, *(zlib.crc32(name.encode()) for name in names)]

    def __call__(self, topic: str) -> np.random.Generator:
        return np.random.default_rng([*self.key, zlib.crc32(topic.encode())])


def _between(span: tuple[float, float], place: float) -> float:
    """The value at `place`, 0 to 1, of a range."""
    return float(span[0] + (span[1] - span[0]) * np.clip(place, 0, 1))


def _settle(style: Style, seconds: float, album: _Dice, piece: _Dice) -> dict:
    """Draw what band and engineer settle before the first note.

    Tracks of an album are alike, and not the same: some have guests, some were recorded elsewhere.
    """
    consort = album("consort").uniform(0, 1) if style.consort else None
    own = piece("departures")
    session = piece if own.random() < _ELSEWHERE else album
    lively = float(np.clip(album("lively").beta(1.6, 1.6) + own.normal(0, 0.15), 0, 1))
    glad = float(np.clip(album("glad").uniform(0, 1) + own.normal(0, 0.2), 0, 1))

    def follow(name: str) -> float:
        """A value of the style's range of that name that follows the liveliness, with the album's own habit."""
        habit = album(name).uniform(0, 1) + own.normal(0, 0.1)
        return _between(getattr(style, name), 0.5 + 1.3 * (0.55 * lively + 0.45 * habit - 0.5))

    def fixed(span: tuple[float, float], topic: str) -> float:
        return _between(span, session(topic).uniform(0, 1) + own.normal(0, 0.1))

    # A mode is as common as it has progressions; the glad pieces take the brighter ones, the sad the darker ones.
    modes = [scale for scale, _ in style.modes]
    shares = np.array([len(progressions) for _, progressions in style.modes], float)
    if style.consort:
        shares *= np.exp(-((np.arange(len(modes)) + 0.5 - consort * len(modes)) / 2.2) ** 2)
    order = np.argsort([SCALES[scale][1] for scale in modes])
    edges = np.cumsum(shares[order]) / shares.sum()
    scale = modes[order[min(int(np.searchsorted(edges, glad)), len(modes) - 1)]]
    players, levels, effects, registers = {}, {}, {}, {}
    for part in style.parts:
        pick = (piece if own.random() < _GUEST else album)(part.role)
        there, place = pick.random() < part.chance, pick.uniform(0, 1)
        if style.consort:
            place = consort + pick.normal(0, 0.04)
        players[part.role] = part.instruments[_index(place, part.instruments)] if there else ""
        levels[part.role] = part.level + float(pick.normal(0, 1.8) + own.normal(0, 1.2))
        effects[part.role] = tuple(name for name in part.effects if pick.random() < 0.5)
        registers[part.role] = round(pick.normal(0, 3)) if part.role in _INVENTED else 0  # singers differ in height
    _bring_a_lead(style, players)
    levels["drums"] = style.drum_level + float(session("drum level").normal(0, 1.8) + own.normal(0, 1.2))
    # Key, playback gain, silence and this part of the noise say nothing of the genre: a classifier must ignore them.
    nuisance = piece("nuisance")
    recorder_db = nuisance.uniform(-72, -48)
    production = {item.name: fixed(getattr(style.production, item.name), item.name)
                  for item in dataclass_fields(Production) if item.name != "rooms"}
    production["noise_db"] = float(10 * np.log10(10 ** (production["noise_db"] / 10) + 10 ** (recorder_db / 10)))
    production["room"] = style.production.rooms[session("rooms").integers(len(style.production.rooms))]
    # A broad bump or dip of the whole mix, as microphones, rooms and engineers leave it.
    production["peak_hz"] = float(np.exp(session("peak").uniform(np.log(150), np.log(6000)) + own.normal(0, 0.3)))
    production["peak_db"] = float(session("peak height").normal(0, 2.5) + own.normal(0, 2.0))
    humanise = fixed(style.humanise, "humanise")
    tempo, metre = follow("tempo"), int(album("metre").choice(style.metres))
    whole, heard = (int(np.ceil(span * tempo / 60 / metre)) for span in (max(2 * seconds, _WHOLE), seconds))
    return dict(
        # The clip is cut from a longer piece of so many bars: `cut` is the bar with which it begins.
        tempo=tempo, metre=metre, bars=whole, cut=int(piece("cut").uniform() * (whole - heard)), consort=consort,
        density=follow("density"), dynamics=follow("dynamics"), liveliness=lively, glad=glad,
        tonic=(int(album("key").integers(12)) + int(piece("key").choice([0, 0, 0, 5, 7]))) % 12,
        scale=scale, gate=_between(style.gate, 1 - 0.6 * lively - 0.4 * album("gate").uniform(0, 1)),
        swing=fixed(style.swing, "swing"), rubato=fixed(style.rubato, "rubato"), drift=fixed(style.drift, "drift"),
        humanise=humanise, habits=album,
        swell=0.35 * album("swell").uniform() * min(1.0, humanise / 0.008),  # machines do not swell
        drums=bool(style.drums) and bool(album("drums").random() < style.drum_chance),
        players=players, registers=registers, levels=levels, effects=effects, production=production,
        silence=float(nuisance.uniform(0.0, 0.3)), gain_db=float(nuisance.uniform(-36.0, -22.0)),
    )


def _bring_a_lead(style: Style, players: dict[str, str]) -> None:
    """A band of nobody but bass, pad or answer gets the likeliest player of melody, figure or chords."""
    leads = [part for part in style.parts if part.role in ("melody", "figure", "chords") and any(part.instruments)]
    if leads and not any(players[part.role] for part in leads):
        part = max(leads, key=lambda part: part.chance)
        players[part.role] = next(filter(None, part.instruments))


def _apply(style: Style, settled: dict, changes: dict) -> None:
    """Set what the caller wants otherwise."""
    known = sorted(set(settled) - {"habits", "glad", "consort", "bars", "cut", "registers"})
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"There is no {name!r} to change in a piece. Expected one of: {', '.join(known)}.")
        if not isinstance(settled[name], dict):
            low, high = _LIMITS.get(name, (-np.inf, np.inf))
            if name != "scale" and not low <= value <= high:
                raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, found {value!r}.")
            settled[name] = value
            continue
        places = settled[name] if name in ("levels", "production") else dict.fromkeys(ROLES)
        if unknown := set(value) - set(places):
            raise ValueError(f"There is no {min(unknown)!r} in {name!r}. Expected some of: {', '.join(places)}.")
        settled[name] = settled[name] | value
    if settled["scale"] not in SCALES:
        raise ValueError(f"There is no scale {settled['scale']!r}. Expected one of: {', '.join(SCALES)}.")
    if settled["metre"] not in style.metres:
        raise ValueError(f"{style.name} has no patterns for a metre of {settled['metre']!r}. Expected one of "
                         f"{', '.join(map(str, sorted(set(style.metres))))}.")
    for role, names in settled["effects"].items():
        if isinstance(names, str):
            raise ValueError(f"effects of {role!r}: expected a tuple of names, found {names!r}. Write ({names!r},).")


def _index(place: float, choices: tuple) -> int:
    """The index of the choice at `place`, 0 to 1, of a list."""
    return int(np.clip(place, 0, 0.999) * len(choices))


class _Clock:
    """From beats to seconds: a pulse that wanders and breathes, with swung subdivisions."""

    def __init__(self, settled: dict, unit: float, beats: int, rng: np.random.Generator):
        phase, at = rng.uniform(), np.arange(beats + 1)  # the phase first: it must not depend on the number of beats
        wander, noise = np.zeros(beats + 1), rng.normal(0, 1, beats + 1)
        for beat in at[1:]:  # each beat keeps most of the tempo of the one before
            wander[beat] = 0.9 * wander[beat - 1] + np.sqrt(1 - 0.9**2) * noise[beat]
        breath = np.sin(2 * np.pi * (at / 16 + phase))  # phrases of sixteen beats
        lengths = 60 / settled["tempo"] * (1 + settled["drift"] * wander + settled["rubato"] * breath)
        self.times = np.append(0.0, np.cumsum(lengths))
        self.swing, self.unit = settled["swing"], unit

    def at(self, beats: np.ndarray) -> np.ndarray:
        """Seconds after the first beat of (n,) beats."""
        whole, rest = np.divmod(beats / self.unit, 1.0)
        middle = 0.5 + self.swing / 6  # where the second note of a swung pair falls: 2/3 for triplets
        rest = np.where(rest < 0.5, rest * 2 * middle, middle + (rest - 0.5) * 2 * (1 - middle))
        return np.interp((whole + rest) * self.unit, np.arange(len(self.times)), self.times)


def _lay_out(form: tuple[Section, ...], bars: int) -> list[tuple[Section, int]]:
    """Share the bars among the sections; a clip too short for a form is all of its longest section."""
    if bars < 2 * len(form):
        return [(max(form, key=lambda section: section.share), bars)]
    edges = np.rint(np.cumsum([0] + [section.share for section in form]) * bars).astype(int)
    edges[-1] = bars
    return [(section, int(count)) for section, count in zip(form, np.diff(edges), strict=True) if count > 0]


# --- harmony --------------------------------------------------------------------------------------------------------

def chord_tones(word: str) -> tuple[int, ...]:
    """Semitones above the tonic of one roman numeral of a progression, the root first.

    Raises ValueError for a word that is no chord.
    """
    flat, rest = word.startswith("b"), word.removeprefix("b")
    numeral = next((name for name in _ROMAN if rest.upper().startswith(name)
                    and rest[:len(name)] in (name, name.lower())), None)
    suffix = rest[len(numeral):] if numeral else ""
    if numeral is None or suffix not in SUFFIXES:
        raise ValueError(f"{word!r} is no chord. Expected a roman numeral such as I, bVII or vi, with one of the "
                         f"suffixes {', '.join(filter(None, SUFFIXES))}.")
    root, third = _ROMAN[numeral] - flat, 3 if rest[0].islower() else 4
    return tuple(root + (third if tone is None else tone) for tone in SUFFIXES[suffix])


def _chord_bars(style: Style, scale: str, plan: list, rng: np.random.Generator) -> list[list[list[tuple[int, ...]]]]:
    """The chords of each bar of each section: verses share one progression, breaks and episodes may have another."""
    progressions = dict(style.modes).get(scale) or _PLAIN[3 if 3 in SCALES[scale][0] else 4]
    verse, other = rng.choice(len(progressions), 2)
    found = []
    for section, length in plan:
        words = progressions[other if section.name in ("break", "episode", "bridge") else verse].split()
        found.append([[chord_tones(word) for word in words[index % len(words)].split("/")] for index in range(length)])
    return found


def _stack(chord: tuple[int, ...], tonic: int, register: int) -> list[int]:
    """The chord's notes as MIDI numbers over three octaves, from its root at or above `register` upward."""
    root = register + (tonic + chord[0] - register) % 12
    return [root + tone - chord[0] + 12 * octave for octave in range(3) for tone in chord]


def _voice(part: Part, instrument: str, chord: tuple[int, ...], tonic: int) -> list[int]:
    """The notes of a whole chord as this part plays it; who has no overdriven amplifier plays all of a power chord."""
    stack = _stack(chord, tonic, part.register)
    if part.power and any(word in instrument for word in _DRIVEN):
        return [stack[0], stack[0] + 7, stack[0] + 12]
    # The inversion that begins lowest above the register: successive chords then lie close together.
    near = {pitch + 12 * octave for pitch in stack for octave in (-1, 0)}
    return [pitch for pitch in sorted(near) if pitch >= part.register][:part.voices]


# --- players --------------------------------------------------------------------------------------------------------

def _strokes(pattern: str) -> int:
    return sum(sign not in "-." for sign in pattern)


def _pick(choices: list, busyness, section: Section, settled: dict, topic: str, dice: _Dice):
    """The choice for this piece: the livelier, the busier, with the album's habit and a little chance.

    A loud section takes a busier one than a soft section.

    In a consort it is one of the two that stand nearest to the album's place.
    """
    if settled["consort"] is not None:
        first = int(np.clip(np.floor(settled["consort"] * len(choices) - 0.5), 0, max(0, len(choices) - 2)))
        choices = choices[first:first + 2]
    ranked = sorted(choices, key=busyness)
    place = settled["liveliness"] + settled["habits"](topic + " habit").normal(0, 0.3) + dice(topic).normal(0, 0.1)
    place += 0.6 * (section.loudness - 1)
    return ranked[int(np.clip(np.floor(place * len(ranked)), 0, len(ranked) - 1))]


def _accompany(style: Style, part: Part, section: Section, bars: list, settled: dict, dice: _Dice) -> list[tuple]:
    """Play the part's pattern in every bar: (beat, length in beats, pitch, velocity, delay in seconds)."""
    steps, tonic = settled["metre"] * STEPS_PER_BEAT, settled["tonic"]
    fitting = [pattern for pattern in part.patterns if len(pattern) == steps]
    if not fitting:
        return []
    pattern = _pick(fitting, _strokes, section, settled, f"{part.role} pattern", dice)
    scale, rng = SCALES[settled["scale"]][0], dice(f"{part.role} walk")
    played, last = [], part.register
    for bar, chords in enumerate(bars):
        following = bars[(bar + 1) % len(bars)][0]
        for step, sign in enumerate(pattern):
            if sign in "-.":
                continue
            length = 1
            ends = steps // len(chords) * (step * len(chords) // steps + 1)  # where the chord changes
            while step + length < steps and (pattern[step + length] == "-"
                                             or (part.ring and sign.isdigit() and step + length < ends)):
                length += 1
            chord = chords[step * len(chords) // steps]
            if sign == "w":
                pitches, velocity = [_walk(last, _stack(following, tonic, part.register)[0], tonic, scale, rng)], 0.7
            elif sign.isdigit():
                pitches, velocity = [_stack(chord, tonic, part.register)[int(sign) - 1]], _DIGIT_VELOCITY
            else:
                pitches, velocity = _voice(part, settled["players"][part.role], chord, tonic), _STRIKES[sign]
            last = pitches[0]
            velocity *= 1.1 if step == 0 else 1.0
            played += [(bar * settled["metre"] + step / STEPS_PER_BEAT, length / STEPS_PER_BEAT, pitch, velocity,
                        order * part.strum) for order, pitch in enumerate(pitches)]
    return played


def _walk(last: int, target: int, tonic: int, scale: tuple[int, ...], rng: np.random.Generator) -> int:
    """A scale note one to four semitones from the last towards the target, or past it when that is near."""
    way = np.sign(target - last) if abs(target - last) > 2 else rng.choice([-1, 1])
    near = [last + int(way) * step for step in range(1, 5) if (last + int(way) * step - tonic) % 12 in scale]
    return near[int(rng.integers(len(near)))] if near else last + 2 * int(way)


def _invent(style: Style, part: Part, section: Section, bars: list, settled: dict, dice: _Dice) -> list[tuple]:
    """Invent a melody: two rhythms of a bar, A and B, in the order A A B A; pitches walk along the scale.

    The one that answers plays half as many notes, in the second and fourth bar of each phrase.
    """
    rng, metre, tonic = dice(part.role), settled["metre"], settled["tonic"]
    steps = metre * STEPS_PER_BEAT
    weight = np.array([1.0, 0.12, 0.5, 0.12] * metre)
    weight[0] = 1.6
    answers = part.role == "answer"
    count = int(np.clip(round(settled["density"] * metre * (0.5 if answers else 1)), 1, steps - 2))
    rhythms = [np.sort(rng.choice(steps, count, replace=False, p=weight / weight.sum())) for _ in range(2)]
    moves = [rng.choice([-1, 1], count) * np.where(rng.random(count) < style.leaps, rng.integers(2, 5, count), 1)
             for _ in range(2)]
    centre = part.register + settled["registers"][part.role] + round(4 * (settled["glad"] - 0.5))  # glad: higher
    ladder = np.array([pitch for pitch in range(centre - style.compass, centre + style.compass + 1)
                       if (pitch - tonic) % 12 in SCALES[settled["scale"]][0]])
    place, quiet, played = len(ladder) // 2, 0, []
    for bar, chords in enumerate(bars):
        if answers and bar % 2 == 0:
            continue
        if bar % 2 == 0:  # steps of rest at the end of each pair of bars
            quiet = round(style.rests * steps * 2 * rng.uniform(0, 2))
        motif = 1 if bar % 4 == 2 else 0
        rhythm, end = rhythms[motif], steps - (quiet if bar % 2 else max(0, quiet - steps))
        rhythm = rhythm if answers else rhythm[rhythm < max(end, STEPS_PER_BEAT)]
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
            length = min(onsets[index + 1] - step, 2 * STEPS_PER_BEAT) * settled["gate"]
            velocity = 0.85 if step % STEPS_PER_BEAT == 0 else 0.7
            played.append((bar * metre + step / STEPS_PER_BEAT, length / STEPS_PER_BEAT, pitch, velocity, 0.0))
    return played


def _drum(style: Style, fill: tuple, section: Section, bars: int, settled: dict,
          dice: _Dice) -> list[tuple[float, str, float]]:
    """The strokes of a drum pattern: (beat, drum, velocity); the last bar plays the fill over its second half.

    A stroke of the fill at step 0 falls on the first beat of the section that follows, as a crash does.
    """
    steps = settled["metre"] * STEPS_PER_BEAT
    fitting = [kit for kit in style.drums if not kit or len(kit[0][1]) == steps]
    if not fitting:
        return []
    kit = _pick(fitting, lambda kit: sum(_strokes(pattern) for _, pattern in kit), section, settled, "drum pattern",
                dice)
    fill = tuple((drum, pattern) for drum, pattern in fill if len(pattern) == steps)
    if not {drum for drum, _ in fill[:1]} <= {drum for drum, _ in kit}:
        fill = ()  # a band of tablas has no snare to fill with
    rng, played = dice(f"drums {section.name}"), []
    for bar in range(bars):
        last = bar == bars - 1 and bool(fill) and bars > 1
        for drum, pattern in kit:
            played += [(bar * settled["metre"] + step / STEPS_PER_BEAT, drum, _STRIKES[sign])
                       for step, sign in enumerate(pattern)
                       if sign != "." and not (last and step >= steps // 2 and "kick" not in drum)
                       and not (sign == "o" and rng.random() < 0.2)]  # soft strokes come and go
        if last:
            played += [(bar * settled["metre"] + step / STEPS_PER_BEAT, drum, _STRIKES[sign]) for drum, pattern in fill
                       for step, sign in enumerate(pattern) if sign != "." and step >= steps // 2]
            played += [((bar + 1) * settled["metre"], drum, _STRIKES[pattern[0]]) for drum, pattern in fill
                       if pattern[0] != "."]
    return played
