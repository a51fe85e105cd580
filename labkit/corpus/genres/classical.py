"""Classical."""

from labkit.corpus.genres.forms import ALL, QUIET, STEADY, SWELL
from labkit.corpus.styles import Mood, Part, Production, Section, Style

STYLE = Style(
    name="Classical",
    listen="One instrument or a small orchestra plays phrases that swell, slow down and come to rest, without drums. "
           "In the picture: long thin lines stacked evenly above each other, dark above and between the notes.",
    mood=Mood(valence=(0.23, 0.2), energy=(0.07, 0.08), danceability=(0.31, 0.14)),
    tempo=(44, 160), metres=(4, 4, 3), drift=(0.0, 0.05), rubato=(0.0, 0.09), humanise=(0.005, 0.022),
    density=(0.4, 3.2), compass=14, leaps=0.22, rests=0.2, gate=(0.6, 1.0), dynamics=(0.06, 0.75),
    modes=(
        ("major", ("I IV V7 I", "I vi ii V7 I IV I/V7 I", "I IV viidim iii vi ii V7 I", "I V vi iii IV I IV V7",
                   "I I V7 V7 V7 V7 I I", "I/V vi/iii IV/I II7/V")),
        ("harmonic minor", ("i iv V7 i", "i iv bVII bIII bVI iidim V7 i", "i bVI iv V7", "i V7 i iv/V7 i",
                            "i viidim7 i V7")),
        ("lydian", ("Imaj7 II Imaj7 vi7", "Iadd9 Iadd9 iii7 II", "Imaj7 iii7 IVmaj7 II9")),
        ("minor", ("i bVII bVI V7", "i v bVI bIII iv i iidim V", "i bVI bIII bVII")),
    ),
    # The players in order: piano, guitar, harpsichord and violin, church, violin and piano, quartet, orchestra, winds.
    consort=True,
    parts=(
        Part("melody", ("piano", "piano", "piano", "nylon guitar", "violin", "harpsichord", "choir", "violin", "violin",
                        "strings", "horn", "oboe", "flute", "clarinet"), register=73, chance=0.9),
        Part("answer", ("", "piano", "piano", "", "oboe", "choir", "cello", "violin", "violin", "cello", "trumpet",
                        "flute", "clarinet", "horn"), register=64, level=-2, chance=0.6),
        Part("figure", ("piano", "piano", "piano", "nylon guitar", "harpsichord", "organ", "organ", "piano", "piano",
                        "violin", "strings", "harp", "harp", "clarinet"),
             ("1---3---2---3---", "1323132313231323", "1-3-2-3-1-3-2-3-", "1-2-3-4-5-4-3-2-", "1-------3-------",
              "1234321512343215", "1---2---3---4---", "..2-3-2-..2-3-2-", "....2---3---", "1-3-4-3-4-3-",
              "1---3---4---", "123454321323"), ring=True, register=50, level=-3, chance=0.75),
        Part("chords", ("piano", "", "piano", "nylon guitar", "harpsichord", "organ", "organ", "piano", "strings",
                        "strings", "tremolo strings", "strings", "horn", "strings"),
             ("x---------------", "x---o---x---o---", "x-------o-------", "..o-..o-..o-..o-", "x-------x---x---",
              "xooooooooooooooo", "x-----------", "x-o-o-o-o-o-", "....o---o---"), register=55, level=-5, voices=4,
             chance=0.55),
        Part("pad", ("", "", "", "", "strings", "organ", "choir", "", "strings", "strings", "strings", "horn",
                     "strings", "strings"),
             ("x---------------", "x-------x-------", "x-----------"), register=55, level=-8, voices=4, chance=0.5),
        Part("bass", ("piano", "piano", "piano", "nylon guitar", "cello", "organ", "organ", "piano", "cello", "cello",
                      "upright bass", "cello", "upright bass", "cello"),
             ("1---------------", "1---w---3---w---", "1-------3-------", "1-1-2-2-3-3-w-w-", "1---3---1---w---",
              "1-----------", "1---2---3---", "1-------w---"), register=36, level=-3, chance=0.8),
    ),
    drums=((), (), (), (), (), (("timpani", "x...............",),), (("timpani", "x.......x...oooo"), ("crash",
           "x...............")), (("timpani", "x.......x...x..."),), (("timpani", "x.......o..."),)),
    drum_level=-5, drum_chance=0.5,
    forms=(STEADY, QUIET, SWELL,
           (Section("theme", 0.45, ("melody", "figure", "bass", "pad"), 0.9),
            Section("episode", 0.2, ("answer", "chords"), 0.6), Section("return", 0.35, ALL, 1.1)),
           (Section("prelude", 0.6, ("figure", "bass"), 0.85),
            Section("theme", 0.4, ("melody", "figure", "bass"), 1.0))),
    production=Production(slope=(-12.6, -5.6), mastering=(0.3, 0.8), lowpass=(4500, 14000), highpass=(20, 80),
                          rooms=("hall", "hall", "chamber", "room"), reverb_seconds=(0.5, 3.2), reverb_mix=(0.1, 0.5),
                          compression=(0.0, 0.3), wow=(0.0, 0.001), noise_db=(-76, -36), crackle=(0.0, 0.8)),
)
