"""Old-Time."""

from labkit.corpus.genres.forms import ALL, BAND, STEADY
from labkit.corpus.styles import Mood, Part, Production, Section, Style

STYLE = Style(
    name="Old-Time",
    listen="A fiddle or banjo tune in running eighths with a boom-chuck guitar, as on an old disc or a porch "
           "recording. In the picture: little above some kilohertz, a crowd of short notes below, clicks as hair- "
           "thin full lines.",
    mood=Mood(valence=(0.54, 0.23), energy=(0.18, 0.14), danceability=(0.44, 0.14)),
    tempo=(80, 172), metres=(4, 4, 4, 4, 3), swing=(0.0, 0.5), drift=(0.0, 0.04), rubato=(0.0, 0.02),
    humanise=(0.006, 0.018), density=(0.9, 3.2), compass=11, leaps=0.22, rests=0.1, gate=(0.8, 1.0),
    dynamics=(0.3, 0.85),
    modes=(
        ("major pentatonic", ("I I IV I I I V I", "I IV I V", "I I V I", "I V I IV/V", "I I I V I I V I")),
        ("major", ("I I IV I I I V7 I", "I IV I/V7 I", "I VI7 II7 V7", "I IV V7 I")),
        ("mixolydian", ("I I bVII I", "I bVII I V/I", "I I I bVII")),
        ("minor pentatonic", ("i i bVII i", "i bVII i v/i")),
    ),
    parts=(
        Part("melody", ("fiddle", "fiddle", "fiddle", "banjo", "voice", "voice", "voice", "harmonica", "mandolin",
                        "accordion"), register=71, level=2, chance=0.93),
        Part("answer", ("fiddle", "banjo", "mandolin", "fiddle", "voice", "fiddle", "slide guitar", "banjo", "fiddle",
                        "clarinet"), register=67, level=-3, chance=0.4),
        Part("figure", ("banjo", "banjo", "banjo", "banjo", "banjo", "steel guitar", "steel guitar", "banjo",
                        "mandolin", "honky-tonk piano"),
             ("1-4-3-4-2-4-3-4-", "2---4-6-2---4-6-", "2-464-6-3-464-6-", "1463146314631463", "1---4-6-4-6-",
              "2-4-6-4-6-4-"), ring=True, register=52, level=-2, chance=0.8),
        Part("chords", ("steel guitar", "steel guitar", "steel guitar", "mandolin", "honky-tonk piano", "accordion"),
             ("....x-......x-..", "....x-o-....x-o-", "x---x-o-x---x-o-", "..x-..x-..x-..x-", "....x-..x-..",
              "....x-o-x-o-"), register=48, level=-3, voices=5, strum=0.01, chance=0.75),
        Part("bass", ("steel guitar", "steel guitar", "upright bass", "cello"),
             ("1---....3---....", "1---....1---..w-", "1-------3-------", "1---w---3---w---", "1---........",
              "1-------3---"), register=38, level=-2, chance=0.75),
    ),
    drums=(
        (("stomp", "x.......x......."),), (("stomp", "x...x...x...x..."),),
        (("washboard", "x.xox.xox.xox.xo"), ("stomp", "x...x...x...x...")),
        (("clap", "....x.......x..."), ("stomp", "x.......x.......")), (("stomp", "x..........."),),
    ),
    drum_level=-7, drum_chance=0.25,
    forms=(STEADY, STEADY, (Section("kick-off", 0.1, ("melody",), 0.9), Section("part A", 0.45, ALL, 0.97),
                              Section("part B", 0.45, ALL, 1.03)),
           (Section("verse", 0.65, ("melody", "figure", "chords", "bass"), 1.0), Section("break", 0.35, BAND, 1.0))),
    production=Production(slope=(-9.0, -3.2), lowpass=(2600, 8500), highpass=(50, 280), drive=(0.0, 1.6),
                          rooms=("room", "room", "chamber"), reverb_seconds=(0.1, 0.8), reverb_mix=(0.0, 0.2),
                          compression=(0.1, 0.6), wow=(0.0, 0.005), noise_db=(-60, -24), crackle=(0.0, 16.0)),
)
