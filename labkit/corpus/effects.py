"""What is done to sound after it was played: pedals and amplifiers, rooms, the mixing desk, the record.

A track is a float64 array (n,) at 22 050 Hz. Every effect returns a new track of the same length and expects unit
loudness (see `loudness`), because what distorts or compresses depends on the level. `tempo` is in beats a minute; `rng`
is seeded by the album, and what an effect draws from it is how the band has set the knob. Steady filters and
reverberation run through the Fourier transform in single precision: their rounding lies 120 dB below the sound.

INSERTS are the effects of one part, `insert(track, tempo, rng) -> track`. ROOMS are impulse responses of unit energy,
`room(seconds, rng) -> (m,)`, which fall by 60 dB in `seconds`. To add one, write one more function with the decorator.
"""

from collections.abc import Callable

import numpy as np
import scipy
from numba import njit

from labkit.corpus.dsp import CONTROL, bend, moments, swept
from labkit.profiles import SAMPLE_RATE

Insert = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
Room = Callable[[float, np.random.Generator], np.ndarray]

INSERTS: dict[str, Insert] = {}
ROOMS: dict[str, Room] = {}

GRID = np.linspace(0, SAMPLE_RATE / 2, 1025)  # Hz, where the responses of filters are given
CEILING = 0.98                                # no sample of a finished clip is larger
_SOUND = 343.0                                # metres a second


def _named(table: dict, name: str):
    def register(function):
        table[name] = function
        return function
    return register


# --- kernels: what depends on the sample before ---------------------------------------------------------------------

@njit(cache=True)
def _echoes(track, delay, feedback, dull):
    """Delay line with a one-pole low pass in its feedback: only the echoes, each duller than the one before."""
    line, place, tone = np.zeros(delay), 0, 0.0
    heard = np.empty_like(track)
    for index in range(len(track)):
        out = line[place]
        tone += (1.0 - dull) * (out - tone)
        line[place] = track[index] + feedback * tone
        heard[index] = out
        place = place + 1 if place + 1 < delay else 0
    return heard


@njit(cache=True)
def _swept_all_pass(track, coefficients, feedback):
    """A chain of six all-pass filters of first order with moving corner, fed back into itself."""
    state = np.zeros(6)
    heard, last = np.empty_like(track), 0.0
    for index in range(len(track)):
        a = coefficients[index // CONTROL]
        value = track[index] + feedback * last
        for stage in range(6):
            out = a * value + state[stage]
            state[stage] = value - a * out
            value = out
        heard[index] = last = value
    return heard


@njit(cache=True)
def _valve(track, drive, bias, thin):
    """tanh(drive x + bias) after a high pass that takes away the share `thin` of the tones below 400 Hz.

    The antiderivative of tanh replaces its value (Parker, Zavalishin and Le Bivic 2016): of the harmonics above half
    the sample rate far less folds back as tones that belong to no string.
    """
    heard, bass = np.empty_like(track), 0.0
    before, area_before, rest = bias, np.log(np.cosh(bias)), np.tanh(bias)
    for index in range(len(track)):
        bass += 0.108 * (track[index] - bass)
        now = drive * (track[index] - thin * bass) + bias
        area = abs(now) + np.log1p(np.exp(-2.0 * abs(now))) - 0.6931471805599453
        if abs(now - before) > 1e-4:
            heard[index] = (area - area_before) / (now - before) - rest
        else:
            heard[index] = np.tanh(0.5 * (now + before)) - rest
        before, area_before = now, area
    return heard


@njit(cache=True)
def _ride(track, wanted, attack, release):
    """Follow gains wanted in dB, one for each 16 samples: down with `attack`, up with `release` (shares a step)."""
    heard, gain, old = np.empty_like(track), wanted[0], 10 ** (wanted[0] / 20)
    for step in range(len(wanted)):
        gain += (attack if wanted[step] < gain else release) * (wanted[step] - gain)
        new = 10 ** (gain / 20)
        for index in range(16 * step, min(16 * step + 16, len(track))):
            heard[index] = track[index] * (old + (new - old) * (index - 16 * step) / 16)
        old = new
    return heard


@njit(cache=True)
def _limit(track, gain, knee):
    """Amplify; what passes the knee is bent so that it stays below CEILING. Returns it, and its sum of squares."""
    heard, power, span = np.empty_like(track), 0.0, CEILING - knee
    for index in range(len(track)):
        value = gain * track[index]
        if abs(value) > knee:
            value = np.sign(value) * (knee + span * np.tanh((abs(value) - knee) / span))
        heard[index] = value
        power += value * value
    return heard, power


# --- building blocks ------------------------------------------------------------------------------------------------

def loudness(track: np.ndarray) -> float:
    """Root mean square of the louder blocks of 50 ms of (n,) samples, so that rests do not count; 0 for silence."""
    block = min(len(track), SAMPLE_RATE // 20)
    blocks = track[:len(track) // block * block].reshape(-1, block)
    power = np.einsum("ij,ij->i", blocks, blocks) / block
    return float(np.sqrt(power[power >= 0.1 * power.max()].mean()))


def unit(track: np.ndarray) -> np.ndarray:
    """The track (n,) at unit loudness; silence stays silence."""
    return track / max(loudness(track), 1e-9)


def shape(track: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Filter without delay: (n,) samples, amplitudes (1025,) at the frequencies of GRID."""
    kernel = np.roll(scipy.fft.irfft(gain), 1024) * np.hanning(2049)[:2048]
    return _convolve(track, kernel)[1024:1024 + len(track)]


def _convolve(track: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """All len(track) + len(kernel) - 1 samples, by overlapping blocks; scipy's own holds large arrays and is slower."""
    size = scipy.fft.next_fast_len(max(16_384, 4 * len(kernel)), real=True)
    response = scipy.fft.rfft(kernel.astype(np.float32), size)
    heard = np.zeros(len(track) + size)
    for first in range(0, len(track), size - len(kernel) + 1):
        block = track[first:first + size - len(kernel) + 1].astype(np.float32)
        heard[first:first + size] += scipy.fft.irfft(scipy.fft.rfft(block, size) * response, size)
    return heard[:len(track) + len(kernel) - 1]


def _band(low: float | None, high: float | None, order: int = 4) -> np.ndarray:
    """Amplitudes on GRID of Butterworth filters (Butterworth 1930) that pass from `low` to `high` Hz."""
    gain = np.ones(len(GRID))
    if low:
        gain /= np.sqrt(1 + (low / np.maximum(GRID, 1.0)) ** (2 * order))
    if high:
        gain /= np.sqrt(1 + (GRID / high) ** (2 * order))
    return gain


def _bump(centre: float, decibel: float, octaves: float) -> np.ndarray:
    """Amplitudes on GRID of a resonance (or, below 0 dB, a dip): Gaussian over the octaves."""
    away = np.log2(np.maximum(GRID, 1.0) / centre) / octaves
    return 10 ** (decibel / 20 * np.exp(-0.5 * away ** 2))


def _sway(length: int, rate: float, start: float) -> np.ndarray:
    """A sine of `rate` Hz, begun at the share `start` of its period, at the control points of `length` samples."""
    return np.sin(2 * np.pi * (rate * moments(length / SAMPLE_RATE) + start))


def _between(low: float, high: float, sway: np.ndarray) -> np.ndarray:
    """Frequencies that go from `low` to `high` Hz in octaves as `sway` goes from -1 to 1."""
    return low * (high / low) ** (0.5 + 0.5 * sway)


def _delayed(track: np.ndarray, seconds: float) -> np.ndarray:
    late, delay = np.zeros(len(track)), min(len(track), max(1, round(seconds * SAMPLE_RATE)))
    late[delay:] = track[:len(track) - delay]
    return late


# --- effects of one part --------------------------------------------------------------------------------------------

def amplify(track: np.ndarray, drive: float, rng: np.random.Generator) -> np.ndarray:
    """Valve amplifier and loudspeaker cabinet, driven `drive` times beyond where it begins to bend.

    In a spectrogram: lines at all multiples, sums and differences of the played tones, a dense carpet at nearly
    constant level that ends at 4 to 5 kHz; a hollow near 500 Hz and a crest near 2.5 kHz are the cabinet's. Valves bend
    the two halves of the wave unevenly, hence the bias. Returns unit loudness. After Pakarinen and Yeh (2009).
    """
    cabinet = _band(80, rng.uniform(4000, 5000)) * _bump(rng.uniform(95, 130), rng.uniform(2, 5), 0.5)
    cabinet *= _bump(rng.uniform(380, 650), rng.uniform(-7, -2), 0.6)
    cabinet *= _bump(rng.uniform(2000, 3200), rng.uniform(3, 7), 0.45)
    heard = _valve(track, drive, rng.uniform(0.1, 0.35), min(0.75, 0.35 + 0.03 * drive))
    return unit(shape(heard, cabinet))


@_named(INSERTS, "tremolo")
def tremolo(track, tempo, rng):
    """The amplifier's tremolo: the level goes up and down 4 to 7 times a second; each line becomes a row of beads."""
    depth, period = rng.uniform(0.4, 0.8), round(SAMPLE_RATE / rng.uniform(4, 7))
    once = 1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(period) / period))
    return track * np.resize(once, len(track))


@_named(INSERTS, "chorus")
def chorus(track, tempo, rng):
    """A second copy 12 to 25 ms late whose delay wanders: lines broaden and beat, noise gets a moving comb of gaps."""
    rate = rng.uniform(0.4, 1.1)
    shift = 0.002 * 2 * np.pi * rate  # carries the copy 2 ms away from its place
    other = bend(track, 1 + shift * _sway(len(track), rate, rng.random()))
    return 0.7 * (track + _delayed(other, rng.uniform(0.014, 0.023)))


@_named(INSERTS, "phaser")
def phaser(track, tempo, rng):
    """Six all-pass filters beside the plain sound: three gaps that wander up and down together, as slanted dark lanes.

    After Smith (1984), An allpass approach to digital phasing and flanging.
    """
    sway = _sway(len(track), rng.uniform(0.15, 0.6), rng.random())
    corners = np.tan(np.pi / SAMPLE_RATE * _between(rng.uniform(200, 350), rng.uniform(1200, 2400), sway))
    return track + rng.uniform(0.4, 0.9) * _swept_all_pass(track, (corners - 1) / (corners + 1), 0.3)


@_named(INSERTS, "slapback")
def slapback(track, tempo, rng):
    """One echo of the tape machine 80 to 140 ms late and a little dull: each onset stands twice, close together."""
    delay = round(rng.uniform(0.08, 0.14) * SAMPLE_RATE)
    return track + rng.uniform(0.35, 0.6) * shape(_echoes(track, delay, 0.0, 0.0), _band(150, 4500, 1))


@_named(INSERTS, "echo")
def echo(track, tempo, rng):
    """Echoes each dotted eighth note, every one weaker and duller: a note repeats along the time axis and fades."""
    return track + rng.uniform(0.35, 0.55) * repeat(track, 45 / tempo, rng.uniform(0.35, 0.55))


@_named(INSERTS, "wah")
def wah(track, tempo, rng):
    """The wah pedal, one rocking a beat or half a beat: a crest that swings between 400 and 2000 Hz over all lines."""
    rate = tempo / 60 / rng.choice([0.5, 1.0, 2.0])
    centres = _between(rng.uniform(350, 450), rng.uniform(1600, 2300), _sway(len(track), rate, -0.25))
    return 2.0 * swept(track, centres, 4.0, "bandpass") + 0.25 * track


@_named(INSERTS, "fuzz")
def fuzz(track, tempo, rng):
    """The fuzz box: so hard a drive that the wave is nearly square; bright, buzzing lines up to the top."""
    return 0.8 * shape(_valve(track, rng.uniform(20, 40), rng.uniform(0.2, 0.8), 0.5), _band(70, 6000, 1))


@_named(INSERTS, "telephone")
def telephone(track, tempo, rng):
    """A telephone: nothing below 300 and above 3400 Hz; the carbon microphone bends the peaks."""
    return shape(np.tanh(1.2 * track), _band(300, 3400, 6))


@_named(INSERTS, "tape")
def tape(track, tempo, rng):
    """Tape: peaks are rounded, so that onsets stand out less; the top fades from 4 to 7 kHz on; a little more bass."""
    pressed = np.tanh(1.4 * track) / 1.1
    return shape(pressed, _band(30, rng.uniform(4000, 7000), 1) * _bump(90, 2.0, 0.5))


@_named(INSERTS, "spring")
def spring_tank(track, tempo, rng):
    """The spring in the amplifier: behind each onset a row of hooks that bend to the right towards 4 kHz."""
    wet = _convolve(track, spring(rng.uniform(1.2, 2.2), rng))[:len(track)]
    return track + rng.uniform(0.3, 0.6) * wet


def repeat(track: np.ndarray, seconds: float, feedback: float) -> np.ndarray:
    """Only the echoes of (n,) samples, one each `seconds`, multiplied by `feedback` (0 to 1) and duller every time."""
    return _echoes(track, max(1, round(seconds * SAMPLE_RATE)), feedback, 0.45)


# --- rooms ----------------------------------------------------------------------------------------------------------

def _tail(seconds: float, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Noise that falls by 60 dB in `seconds`; below 350 Hz in `low` times, above 3500 Hz in `high` times as long.

    Moorer (1979): late reverberation is like decaying noise, and the air swallows its high tones first.
    """
    noise = rng.standard_normal(max(64, round(seconds * SAMPLE_RATE)))
    bass = scipy.signal.lfilter([0.095], [1, -0.905], noise)
    treble = noise - scipy.signal.lfilter([0.63], [1, -0.37], noise)
    fall = -np.log(1000) / seconds * np.arange(len(noise)) / SAMPLE_RATE
    return (noise - bass - treble) * np.exp(fall) + bass * np.exp(fall / low) + treble * np.exp(fall / high)


def _reflections(seconds: float, rng: np.random.Generator, size: tuple[float, float], until: float) -> np.ndarray:
    """Early reflections (m,) of a box with sides between `size` metres, until `until` seconds after the direct sound.

    Mirror images of the source (Allen and Berkley 1979); the walls swallow what makes the room die in `seconds`
    (Eyring 1930).
    """
    sides = rng.uniform(*size, 3) * (1.3, 1.0, 0.6)
    source, ear = rng.uniform(0.2, 0.8, (2, 3)) * sides
    reach = np.ceil(_SOUND * until / sides).astype(int) + 1
    places, walls = [], []
    for axis in range(3):
        index = np.arange(-reach[axis], reach[axis] + 1)
        places.append(index * sides[axis] + np.where(index % 2, sides[axis] - source[axis], source[axis]) - ear[axis])
        walls.append(np.abs(index))
    away = np.sqrt(sum(grid ** 2 for grid in np.meshgrid(*places, indexing="ij"))).ravel()
    bounces = sum(np.meshgrid(*walls, indexing="ij")).ravel()
    direct = away[bounces == 0][0]
    surface = 2 * (sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2])
    kept = np.exp(-0.161 * sides.prod() / surface / seconds)  # of the power at each wall
    at = np.rint((away - direct) / _SOUND * SAMPLE_RATE).astype(int)
    heard = (bounces > 0) & (at >= 0) & (at < until * SAMPLE_RATE)
    gains = rng.choice([-1.0, 1.0], len(at)) * kept ** (bounces / 2) / np.maximum(away, 1.0)
    return np.bincount(at[heard], gains[heard], minlength=1)


def _box(seconds: float, rng: np.random.Generator, size: tuple[float, float], until: float, early: float, low: float,
         high: float, colour: tuple[float, float]) -> np.ndarray:
    """A room: early reflections with the share `early` of the energy, a tail that builds up meanwhile, its colour."""
    tail = _tail(seconds, rng, low, high)
    tail *= np.minimum(1.0, np.arange(len(tail)) / (until * SAMPLE_RATE)) ** 2  # echoes become denser with t squared
    first = _reflections(seconds, rng, size, min(until, 0.5 * seconds))[:len(tail)]
    heard = np.sqrt(1 - early) * _unit_energy(tail)
    heard[:len(first)] += np.sqrt(early) * _unit_energy(first)
    return _coloured(heard, *colour)


def _unit_energy(response: np.ndarray) -> np.ndarray:
    return response / max(np.sqrt(np.sum(response ** 2)), 1e-12)


def _coloured(response: np.ndarray, low: float, high: float) -> np.ndarray:
    sections = np.vstack([scipy.signal.butter(1, low, "highpass", fs=SAMPLE_RATE, output="sos"),
                          scipy.signal.butter(1, high, "lowpass", fs=SAMPLE_RATE, output="sos")])
    return _unit_energy(scipy.signal.sosfilt(sections, response))


@_named(ROOMS, "room")
def room(seconds, rng):
    """A living room or small studio: half of the energy comes back within 25 ms; onsets get a short grey edge."""
    return _box(seconds, rng, (3.0, 6.0), 0.025, 0.5, 1.0, 0.6, (120, 3500))


@_named(ROOMS, "hall")
def hall(seconds, rng):
    """A concert hall: reflections come late and sparse, bass rings longest; a soft veil follows every note."""
    return _box(seconds, rng, (18.0, 32.0), 0.09, 0.15, 1.2, 0.45, (40, 2500))


@_named(ROOMS, "chamber")
def chamber(seconds, rng):
    """A tiled echo chamber: many hard reflections at once, little bass, top that stays; a bright, even veil."""
    return _box(seconds, rng, (4.0, 8.0), 0.05, 0.3, 0.8, 0.85, (250, 5000))


@_named(ROOMS, "plate")
def plate(seconds, rng):
    """A steel plate: dense at once, no separate reflections, bright; high tones arrive first, as bending waves do."""
    dense = _tail(seconds, rng, 0.9, 0.8)
    spectrum = scipy.fft.rfft(dense, scipy.fft.next_fast_len(len(dense) + SAMPLE_RATE // 4, real=True))
    frequency = np.linspace(0, SAMPLE_RATE / 2, len(spectrum))
    late = 0.008 * np.sqrt(500 / np.maximum(frequency, 40))  # seconds
    spectrum *= np.exp(-2j * np.pi * np.cumsum(late) * frequency[1])
    return _coloured(scipy.fft.irfft(spectrum)[:len(dense)], 180, 7500)


@_named(ROOMS, "spring")
def spring(seconds, rng):
    """Two springs: each echo is a hook, because high tones run slower along the coil; nothing above 4.5 kHz.

    The loop is solved in the frequency domain, delay and loss as functions of frequency; after Abel, Berners, Costello
    and Smith (2006), Spring reverb emulation using dispersive allpass filters.
    """
    length = max(64, round(seconds * SAMPLE_RATE))
    size = scipy.fft.next_fast_len(2 * length, real=True)
    frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    rough = rng.standard_normal(round(0.006 * SAMPLE_RATE)) * np.linspace(1, 0, round(0.006 * SAMPLE_RATE))
    total = np.zeros(len(frequency), complex)
    for once in rng.uniform(0.03, 0.05, 2):
        top = rng.uniform(3900, 4700)
        inside = np.minimum(frequency / top, 0.97)
        delay = once / np.sqrt(1 - inside ** 2)
        turn = np.exp(-2j * np.pi * np.cumsum(delay) * frequency[1])
        total += turn / (1 + 10 ** (-3 * delay / seconds) * turn) / np.sqrt(1 + (frequency / (0.9 * top)) ** 24)
    return _coloured(scipy.fft.irfft(total * scipy.fft.rfft(rough, size), size)[:length], 150, 5000)


def reverberate(track: np.ndarray, name: str, seconds: float, share: float, rng: np.random.Generator) -> np.ndarray:
    """Put the track (n,) into a room: every onset gets a tail that falls by 60 dB in `seconds`.

    Convolution with the room's impulse response; the idea of artificial reverberation is Schroeder's (1962).

    Parameters
    ----------
    name : a key of ROOMS.
    share : of the reverberated sound in the mix, 0 to 1, both at the same loudness.

    Returns
    -------
    (n,)

    Raises
    ------
    ValueError : an unknown room, or `seconds` not above 0.
    """
    if name not in ROOMS:
        raise ValueError(f"There is no room {name!r}. Expected one of: {', '.join(ROOMS)}.")
    if not seconds > 0:
        raise ValueError(f"Reverberation lasts more than 0 seconds, found {seconds!r}. For none set reverb_mix to 0.")
    wet = _convolve(track, ROOMS[name](seconds, rng))[:len(track)]
    return (1 - share) * track + share * loudness(track) / max(loudness(wet), 1e-9) * wet


# --- the mixing desk ------------------------------------------------------------------------------------------------

def widen(track: np.ndarray, share: float, seconds: float) -> np.ndarray:
    """Add a copy `seconds` late, as when a wide stereo image is summed to mono: even gaps 1 / seconds Hz apart."""
    return track + share * _delayed(track, seconds)


def pump(track: np.ndarray, kicks: list[tuple[float, float]], depth: float, seconds: float) -> np.ndarray:
    """Push the track down by `depth` (0 to 1) at each stroke of the bass drum; it returns within `seconds`.

    In a spectrogram: all bands breathe together with the beat. `kicks`: (start in seconds, velocity 0 to 1).
    """
    lead, back = SAMPLE_RATE // 200, max(1, round(seconds * SAMPLE_RATE))
    dip = np.append(np.linspace(0, 1, lead), 0.5 + 0.5 * np.cos(np.pi * np.arange(back) / back))
    gain = np.ones(len(track))
    for start, velocity in kicks:
        first = round(start * SAMPLE_RATE) - lead  # a little early, so that the kick itself meets room
        begin, end = max(0, first), min(len(track), first + len(dip))
        np.minimum(gain[begin:end], 1 - depth * velocity * dip[begin - first:end - first], out=gain[begin:end])
    return track * gain


def compress(track: np.ndarray, amount: float) -> np.ndarray:
    """Press loud and soft together: 0 = as played, 1 = one loudness throughout.

    Feed-forward, with a soft knee of 10 dB and smoothing in decibels: the threshold sinks to 30 dB below the loudness
    and the ratio grows from 1 to infinity with the `amount`; attack 4 ms, release 150 ms. In a spectrogram: onsets
    stand out less, tails and rests are brighter. After Giannoulis, Massberg and Reiss (2012).
    """
    power = np.add.reduceat(track * track, np.arange(0, len(track), 16)) / 16
    over = 10 * np.log10(power + 1e-9) + 30 * amount
    over = np.where(np.abs(over) < 5, (over + 5) ** 2 / 20, np.maximum(over, 0))
    step = 16 / SAMPLE_RATE
    return unit(_ride(track, -amount * over, 1 - np.exp(-step / 0.004), 1 - np.exp(-step / 0.15)))


def saturate(track: np.ndarray, drive: float) -> np.ndarray:
    """Press the whole mix through tanh: peaks are cut, the gaps between the lines fill with sums and differences."""
    return unit(np.tanh(drive * track))


def spectrum_level(track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Long-term spectrum: frequencies (m,) in sixths of an octave from 20 Hz, power density (m,) in dB.

    Mean of at most 200 frames (Welch 1967), each value the mean power of the octave around it.
    """
    size = 2 * (len(GRID) - 1)
    padded = np.pad(track, (0, max(0, size - len(track))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::max(size // 2, (len(padded) - size) // 200)]
    power = np.mean(np.abs(scipy.fft.rfft((frames * np.hanning(size)).astype(np.float32))) ** 2, axis=0, dtype=float)
    at = 20 * 2 ** (np.arange(55) / 6)
    below = np.append(0, np.cumsum(power))
    low = np.searchsorted(GRID, at / 2 ** 0.5)
    high = np.maximum(np.searchsorted(GRID, at * 2 ** 0.5), low + 1)
    low = np.minimum(low, high - 1)
    return at, 10 * np.log10((below[high] - below[low]) / (high - low) + 1e-12)


def master(track: np.ndarray, production: dict) -> np.ndarray:
    """The last equaliser: bring the long-term spectrum nearer to a straight line, colour it, and cut both ends.

    The mean spectrum of hit records is near to one, about 5 dB an octave from 100 Hz to 4 kHz (Pestana, Ma, Reiss,
    Barbosa and Black 2013). Ours falls by `slope` dB an octave from 50 Hz to 8 kHz; it is flat below and 1.3 times as
    steep above, set with the clips of FMA-small in view. The share `mastering` of the difference is corrected, by 12 dB
    at most.

    Parameters
    ----------
    track : (n,).
    production : slope, mastering, peak_hz, peak_db, lowpass, highpass of styles.Production.

    Returns
    -------
    (n,) of unit loudness.
    """
    at, level = spectrum_level(track)
    octaves = np.log2(np.clip(at, 50, 8000) / 1000) + 1.3 * np.log2(np.maximum(at, 8000) / 8000)
    away = production["slope"] * octaves - level
    away -= away[(at >= 100) & (at <= 8000)].mean()
    decibel = np.clip(production["mastering"] * away, -12, 12)
    gain = 10 ** (np.interp(np.log2(np.maximum(GRID, 1.0)), np.log2(at), decibel) / 20)
    gain *= _bump(production["peak_hz"], production["peak_db"], 0.7)
    gain *= _band(production["highpass"], production["lowpass"], 2)
    return unit(shape(track, gain))


# --- the record -----------------------------------------------------------------------------------------------------

def wow(track: np.ndarray, depth: float, rng: np.random.Generator) -> np.ndarray:
    """An uneven turntable or tape: all lines wave together, by the share `depth` of their frequency at most."""
    turn = 0.55 if rng.random() < 0.5 else 1.3  # turns a second of a record at 33 and at 78
    return bend(track, 1 + depth * _sway(len(track), turn, rng.random()))


def coarsen(track: np.ndarray, bits: float) -> np.ndarray:
    """Round to 2 ** bits levels of the amplitude: an even grey over all bands as long as there is sound.

    Four times the loudness is full scale; what is beyond is cut.
    """
    half = max(1, round(2 ** bits / 2))
    return np.clip(np.rint(track * (half / 4)), -half, half - 1) * (4 / half)


def hiss(length: int, level_db: float, rng: np.random.Generator) -> np.ndarray:
    """Noise (length,) of tape and amplifiers, `level_db` against unit loudness: an even grey, brighter upwards."""
    noise = rng.standard_normal(length)
    noise[1:] -= 0.4 * noise[:-1]  # about 7 dB from bottom to top
    noise *= 10 ** (level_db / 20) / np.sqrt(1.16)
    return noise


def crackle(length: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """The dust of an old disc: `rate` clicks a second, many small and few large: hair lines over all bands."""
    clicks = np.zeros(length)
    for _ in range(rng.poisson(rate * length / SAMPLE_RATE)):
        start, size, pitch = rng.integers(length), 0.12 * rng.lognormal(0, 0.9), rng.uniform(800, 5000)
        time = np.arange(min(40, length - start)) / SAMPLE_RATE
        clicks[start:start + 40] += size * np.cos(2 * np.pi * pitch * time) * np.exp(-time / rng.uniform(1e-4, 6e-4))
    return clicks


def set_level(track: np.ndarray, gain_db: float) -> np.ndarray:
    """Bring (n,) samples to a root mean square of `gain_db` dB full scale; peaks above 0.7 are bent below CEILING."""
    wanted = 10 ** (gain_db / 20)
    gain = wanted / max(float(np.sqrt(np.mean(track * track))), 1e-9)
    for _ in range(4):  # bending takes some of the level away: give it back
        heard, power = _limit(track, gain, 0.7)
        reached = np.sqrt(power / len(track))
        if not 0 < reached < 0.99 * wanted:
            break
        gain *= wanted / reached
    return heard
