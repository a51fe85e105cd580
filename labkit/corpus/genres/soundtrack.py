"""Soundtrack."""

from labkit.corpus.genres.forms import QUIET, STEADY, SWELL
from labkit.corpus.styles import Mood, Part, Production, Section, Style

STYLE = Style(
    name="Soundtrack",
    listen="Slow chords of strings, pads or a felt piano that grow and fade as if under a scene, mostly without a "
           "beat. In the picture: wide bands that brighten and darken over many seconds, edges blurred by "
           "reverberation.",
    mood=Mood(valence=(0.2, 0.2), energy=(0.15, 0.15), danceability=(0.27, 0.14),
              assumed="Classical, energy + 0.08, valence - 0.03, danceability - 0.04"),
    tempo=(46, 148), metres=(4, 4, 4, 3), drift=(0.0, 0.03), rubato=(0.0, 0.07), humanise=(0.002, 0.022),
    density=(0.2, 1.6), compass=10, leaps=0.25, rests=0.5, gate=(0.8, 1.0), dynamics=(0.06, 0.85),
    modes=(
        ("minor", ("i bVI bIII bVII", "i i bVI bVI", "i bVI iv V", "i v bVI iv", "i iv i bVII")),
        ("lydian", ("I II I II", "Iadd9 Iadd9 II II", "Imaj7 iii7 II Imaj7")),
        ("dorian", ("i IV i IV", "i i bVII IV", "iadd9 v bVII IV")),
        ("major", ("I vi IV I", "Iadd9 IVmaj7 vi Vsus4", "IV I V vi", "I iii vi IV")),
        ("phrygian", ("i bII i bvii", "i i bII bII", "i bVI bII i")),
        ("harmonic minor", ("i bvi i bvi", "i iidim V i", "i bVI V i")),
    ),
    # The scores in order: felt piano, piano and strings, ambient, dark, electronic pulse, action, romance, choir and
    # celesta, guitars in echo, one cello, electronics.
    consort=True,
    parts=(
        Part("melody", ("felt piano", "piano", "cello", "", "", "sine lead", "horn", "violin", "soft voice", "celesta",
                        "swell guitar", "cello", "tape flute"), register=67, effects=("echo",), chance=0.8),
        Part("answer", ("", "violin", "felt piano", "glass pad", "dark drone", "pulse pluck", "brass section", "oboe",
                        "flute", "harp", "electric guitar", "violin", "glass pad"), register=64, level=-3, chance=0.5),
        Part("figure", ("felt piano", "piano", "felt piano", "warm pad", "marimba", "saw pluck", "strings", "harp",
                        "celesta", "celesta", "electric guitar", "strings", "pulse pluck"),
             ("1-------3-------", "1-3-2-3-1-3-2-3-", "1---3---2---3---", "1-4-3-5-4-3-2-3-", "1-------4-------",
              "1313131313131313", "1---4---5---4---", "1323142313231423", "1-------3---4---", "1---3---4---",
              "1-3-4-3-2-3-"), ring=True, register=55, level=-4, effects=("echo", "tremolo"), chance=0.7),
        Part("chords", ("felt piano", "strings", "piano", "warm pad", "tremolo strings", "synth brass", "brass section",
                        "strings", "choir", "organ", "swell guitar", "strings", "warm pad"),
             ("x---------------", "x---o---x---o---", "x-------o-------", "x-x-x-x-x-x-x-x-", "x---------------",
              "x-------x---x---", "x-----------", "x---o---o---"), register=52, level=-4, voices=4, chance=0.5),
        Part("pad", ("", "strings", "strings", "warm pad", "dark drone", "warm pad", "tremolo strings", "strings",
                     "choir", "strings", "glass pad", "", "tape flute"),
             ("x---------------", "x-------x-------", "x-----------"), register=48, level=-2, voices=4,
             effects=("chorus", "phaser"), chance=0.85),
        Part("bass", ("", "cello", "upright bass", "sub bass", "dark drone", "synth bass", "upright bass", "cello",
                      "upright bass", "cello", "electric bass", "cello", "sub bass"),
             ("1---------------", "1---1---1---1---", "1-------1-------", "1---------------", "1.1.1.1.1.1.1.1.",
              "1-------3-------", "1-----------", "1---1---1---"), register=33, level=-2, chance=0.7),
    ),
    drums=(
        (), (), (("boom kick", "X..............."),), (),
        (("house kick", "x...x...x...x..."), ("closed hat", "..o...o...o...o.")),
        (("floor tom", "X..x..x.X..x..x."), ("tom", "....x.......x.xx"), ("timpani", "X.......X.......")),
        (("timpani", "x.......x...x.oo"), ("crash", "x...............")), (), (),
        (("tambourine", "....o.......o..."),), (), (("boom kick", "x......x..x....."),
                                                    ("rim click", "....x.......x..."), ("shaker", "xoxoxoxoxoxoxoxo")),
        (("boom kick", "X..........."),), (("timpani", "x...o...o..."), ("floor tom", "x...........")),
    ),
    drum_level=-2, drum_chance=0.65,
    forms=(SWELL, SWELL, STEADY, QUIET,
           (Section("calm", 0.5, ("pad", "melody"), 0.8), Section("calm", 0.5, ("pad", "figure", "bass"), 0.95))),
    production=Production(slope=(-13.2, -4.8), mastering=(0.3, 0.8), lowpass=(3500, 14000), highpass=(20, 70),
                          width=(0.0, 0.6), rooms=("hall", "hall", "plate", "chamber"), reverb_seconds=(0.8, 4.5),
                          reverb_mix=(0.1, 0.55), echo_mix=(0.0, 0.2), compression=(0.0, 0.4), drive=(0.0, 0.3),
                          wow=(0.0, 0.0015), noise_db=(-80, -40), crackle=(0.0, 0.4)),
)
