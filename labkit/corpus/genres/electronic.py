"""Electronic."""

from labkit.corpus.genres.forms import ALL
from labkit.corpus.styles import Mood, Part, Production, Section, Style

_STEADY = (Section("verse", 1.0, ALL, 0.95),)
_STOP = (Section("verse", 0.56, ALL, 0.95), Section("break", 0.14, ("bass", "drums"), 0.8),
         Section("chorus", 0.30, ALL, 1.05))
_CRESCENDO = (Section("opening", 0.3, ("figure", "pad", "melody"), 0.5),
              Section("rise", 0.3, ("figure", "pad", "answer", "bass", "drums"), 0.75),
              Section("climax", 0.4, ALL, 1.12))
_BUILD_UP = (Section("intro", 0.2, ("drums", "figure"), 0.8),
             Section("rise", 0.3, ("drums", "figure", "bass", "pad"), 0.92), Section("chorus", 0.5, ALL, 1.05))
_BREAKDOWN = (Section("verse", 0.42, ALL, 0.95), Section("break", 0.24, ("pad", "chords", "melody"), 0.7),
              Section("chorus", 0.34, ALL, 1.05))
_FOUR = (("house kick", "X...X...X...X..."), ("closed hat", "..x...x...x...x."))
_HOUSE = (*_FOUR, ("clap", "....x.......x..."))
_BREAKBEAT = (("house kick", "X.X.......XX...."), ("snare", "....X..o.o..X..o"), ("closed hat", "x.x.x.x.x.x.x.x."))

STYLE = Style(
    name="Electronic",
    listen="Synthesisers over a beat that no hand plays, from slow pads to a kick drum on every beat; sounds open "
           "and close and the whole mix breathes with the kick. Even vertical bars at exact distances, a bright band "
           "at the bottom, and layers that enter one by one.",
    mood=Mood((0.43, 0.26), (0.62, 0.22), (0.57, 0.18)),
    tempo=(76, 164),
    modes=(
        ("minor", ("i i bVI bVII", "i bVI bIII bVII", "i i i i", "i iv i v", "i bVII bVI bVII",
                   "i9 i9 bVImaj7 bVImaj7")),
        ("dorian", ("i i IV IV", "i9 IV9", "i bVII IV i", "i7 i7 i7 i7")),
        ("phrygian", ("i i bII i", "i i i bII")),
        ("major", ("vi IV I V", "I V vi IV", "IVmaj7 V vi7 I", "Iadd9 Iadd9 vi IV")),
        ("lydian", ("Imaj7 II Imaj7 II", "I I II I")),
    ),
    parts=(
        Part("melody", ("saw lead", "pulse lead", "sine lead", "glass pad", "soft voice", "saw pluck",
                        "electric piano"),
             register=72, level=-3, effects=("echo", "chorus"), chance=0.62),
        Part("answer", ("pulse pluck", "sine lead", "vibraphone", "voice", "synth brass"), register=67, level=-6,
             effects=("echo",), chance=0.3),
        Part("chords", ("supersaw", "electric piano", "warm pad", "synth brass", "piano", "saw pluck"),
             ("x---------------", "x-----x---------", "..x-..x-..x-..x-", "x--x--x-x--x--x-", "x-..x-..x-.x..x-"),
             register=55, level=-4, voices=4, effects=("phaser",), chance=0.7),
        Part("pad", ("warm pad", "glass pad", "dark drone", "strings", "choir"),
             ("x---------------", "x---------------", "x-------x-------"), register=52, level=-6, voices=4,
             effects=("chorus",), chance=0.6),
        Part("figure", ("saw pluck", "pulse pluck", "acid bass", "marimba", "sine lead", "glass pad"),
             ("1-------3-------", "1..2..3.1..2..3.", "1.2.3.2.4.3.2.3.", "1.1311.31.1311.4", "1324132413241324"),
             register=60, level=-6, effects=("echo",), chance=0.72),
        Part("bass", ("synth bass", "sub bass", "acid bass", "synth bass", "electric bass"),
             ("1---------------", "1-----1-..1---1-", "..1-..1-..1-..1-", "1-1-1-1-1-1-1-4-", "1.111.111.111.11"),
             register=33, chance=0.88),
    ),
    forms=(_STEADY, _STEADY, _BUILD_UP, _BREAKDOWN, _CRESCENDO, _STOP),
    drums=(
        (("boom kick", "X.........x....."), ("rim click", "........x......."), ("shaker", "..o...o...o...o.")),
        (("house kick", "X.....x...x....."), ("electronic snare", "....X.......X..."), ("closed hat",
                                                                                        "..x...x...x...x.")),
        _FOUR, _HOUSE,
        (("house kick", "X...X...X...X..."), ("open hat", "..x...x...x...x."), ("closed hat", "o.o.o.o.o.o.o.o."),
         ("clap", "....X.......X...")),
        _BREAKBEAT,
        (("house kick", "X...X...X...X..."), ("closed hat", "xoxoxoxoxoxoxoxo"), ("electronic snare",
                                                                                  "....x..o....x..o"),
         ("cowbell", "..x..x....x..x..")),
        (("house kick", "X....x....X....x"), ("snare", "....X..o.o..X..o"), ("closed hat", "xoxoxoxoxoxoxoxo")),
    ),
    drum_level=3, drum_chance=0.84, fill=(("electronic snare", "........o.o.oxxX"),),
    density=(0.4, 2.2), leaps=0.25, rests=0.3, gate=(0.35, 1.0), dynamics=(0.3, 0.95),
    drift=(0.0, 0.0), swing=(0.0, 0.3), swing_beats=0.5, humanise=(0.0, 0.002),
    production=Production(width=(0.1, 0.6), pump=(0.0, 0.75), rooms=("plate", "hall", "chamber", "room"),
                          reverb_seconds=(0.3, 2.6), reverb_mix=(0.03, 0.32), echo_mix=(0.0, 0.25),
                          compression=(0.0, 0.45), drive=(0.0, 0.6), slope=(-7.0, -2.8), mastering=(0.5, 1.0),
                          lowpass=(6500, 18000), highpass=(18, 32), bits=(9, 16), noise_db=(-85, -58)),
)
