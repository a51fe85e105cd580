"""Post-Punk."""

from labkit.corpus.genres.forms import ALL, DROP, LIFT, SONG, STEADY, STOP, VAMP
from labkit.corpus.styles import Mood, Part, Production, Section, Style

_GROOVE = (Section("verse", 0.4, ("melody", "bass", "drums"), 0.9),
           Section("verse", 0.3, ("melody", "answer", "figure", "bass", "drums"), 0.95),
           Section("chorus", 0.3, ALL, 1.1))

STYLE = Style(
    name="Post-Punk",
    listen="A picked bass carries the tune high up, over dry drums or a drum machine; guitars are thin and broken, "
           "the voice low and plain. In the picture: hard narrow bars of drums, dark between them, and busy lines of "
           "bass.",
    mood=Mood(valence=(0.44, 0.25), energy=(0.63, 0.21), danceability=(0.49, 0.16), assumed="Rock, valence + 0.02, "
              "energy - 0.01, danceability + 0.10"),
    tempo=(84, 184), metres=(4, 4, 4, 4, 4, 4, 4, 4, 3), swing=(0.0, 0.1), drift=(0.0, 0.01), humanise=(0.0, 0.012),
    density=(0.6, 2.2), compass=7, leaps=0.18, rests=0.4, gate=(0.5, 0.95), dynamics=(0.25, 0.98),
    modes=(
        ("minor", ("i bVI i bVI", "i bVII bVI bVII", "i i bIII bVII", "i i bVI v", "i iv i v", "i i i i",
                   "i bVI bIII bVII")),
        ("dorian", ("i IV i IV", "i7 i7 i7 i7", "i bVII i bVII", "i7 i7 IV7 i7")),
        ("phrygian", ("i i bII i", "i bII bIII bII", "i i i bII")),
        ("mixolydian", ("I bVII I bVII", "I7 I7 I7 I7", "I v IV I")),
        ("major", ("I V IV IV", "I vi I vi", "vi IV I V", "I iii IV IV", "I I IV IV")),
    ),
    # The bands in order: cold wave with machines, synthesisers and guitar, gothic, bass and space, sharp guitars, dub,
    # funk, no wave with saxophone, punk near by, recent and loud.
    consort=True,
    parts=(
        Part("melody", ("voice", "soft voice", "voice", "saw lead", "voice", "voice", "voice", "voice", "voice",
                        "shout voice", "voice", "electric guitar", "voice", "shout voice", "saxophone", "voice",
                        "shout voice", "voice", "shout voice", "voice"), register=56, level=0,
             effects=("slapback", "echo", "tape"), chance=0.88),
        Part("answer", ("saw lead", "warm pad", "electric guitar", "electric guitar", "electric guitar", "trumpet",
                        "pulse lead", "saxophone", "crunch guitar", "distorted lead"), register=67, level=-3,
             effects=("chorus", "echo"), chance=0.5),
        Part("chords", ("synth brass", "electric guitar", "electric guitar", "crunch guitar", "electric guitar",
                        "electric guitar", "muted guitar", "crunch guitar", "crunch guitar", "fuzz guitar"),
             ("x---------------", "x-------x-..x-..", "x--x--x-x--x--x-", "X-..X-..X-..X-..", "..x...x...x...x.",
              "....x.......x.o.", "..xx.x..x.xx.x..", "x.x...x...x.x...", "X-x-x-..X-x-x-..", "X---..x-X-..x---",
              "X---..x-....", "x---x---x---"), register=52, level=-2, voices=3, strum=0.003,
             effects=("chorus", "phaser", "spring"), chance=0.88),
        Part("figure", ("saw pluck", "pulse pluck", "electric guitar", "electric guitar", "crunch guitar",
                        "electric guitar", "muted guitar", "crunch guitar", "crunch guitar", "crunch guitar"),
             ("1343134413431344", "1.1.4.1.3.1.4.1.", "4--3--2-4--3--5-", "4-..5-..4-..3-..", "4-4-4-4-5-5-3-3-",
              "4.......3.5.....", "4.44.5.43.44.5.4", "6.5.4..6....4.5.", "4-4-5-5-4-4-3-3-", "4-4-4-4-....5-5-",
              "4-..3-..5-..", "1-3-4-3-4-3-"), register=55, level=-4, effects=("chorus", "echo"), chance=0.7),
        Part("pad", ("warm pad", "strings", "synth brass", "", "", "organ", "organ", "", "", "warm pad"),
             ("x---------------", "x-------x-------", "x-----------"), register=55, level=-7, voices=3,
             effects=("chorus",), chance=0.55),
        Part("bass", ("synth bass", "picked bass", "picked bass", "picked bass", "picked bass", "electric bass",
                      "electric bass", "picked bass", "picked bass", "picked bass"),
             ("1.1.1.1.1.1.1.1.", "1-1-4-1-1-1-4-3-", "1-1-1-1-3-3-4-4-", "4-4-3-3-4-4-1-1-", "1-1-1-1-1-1-w-w-",
              "1-..1-..3-1-..w-", "1.44..1.4.1.4.3.", "1..1..4..3..1.4.", "1-1-1-1-1-1-1-1-", "1-1-1-4-1-1-3-w-",
              "1-1-3-1-4-3-", "1---1---w---"), register=34, level=2, effects=("chorus", "phaser"), chance=0.96),
    ),
    drums=(
        (("house kick", "X...X...X...X..."), ("electronic snare", "....x.......x..."),
         ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("house kick", "X.....X...X....."), ("clap", "....X.......X..."), ("closed hat", "xxxxxxxxxxxxxxxx")),
        (("house kick", "X.X.....X.X....."), ("electronic snare", "....X.......X..."),
         ("rim click", "..x..x...x.x..x.")),
        (("floor tom", "X..x..X...X..x.."), ("rock kick", "X.......X......."), ("snare", "....x.......x...")),
        (("rock kick", "X.....X.X......."), ("snare", "....X.......X..."), ("closed hat", "xxxxxxxxxxxxxxxx")),
        (("rock kick", "X...X...X...X..."), ("snare", "....X.......X..."), ("open hat", "..x...x...x...x."),
         ("closed hat", "x...x...x...x...")),
        (("tom", "x..x..x.x..x..x."), ("rock kick", "X...X...X...X..."), ("snare", "............X...")),
        (("rock kick", "........X......."), ("rim click", "........x..x...."), ("closed hat", "x.oxx.oxx.oxx.ox")),
        (("rock kick", "X..x..x...x..x.."), ("snare", "....X..o....X..."), ("closed hat", "x.xxx.xxx.xxx.xx"),
         ("cowbell", "..x...x...x...x.")),
        (("rock kick", "X.x.....X.x..x.."), ("snare", "....X.....X.X..."), ("ride", "x...x...x...x...")),
        (("rock kick", "X.......X.x....."), ("snare", "....X.......X..."), ("closed hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.x...x.X.x...x."), ("snare", "....X.......X..."), ("open hat", "x.x.x.x.x.x.x.x.")),
        (("rock kick", "X.....o....."), ("snare", "....X...X..."), ("closed hat", "x.x.x.x.x.x.")),
    ),
    fill=(("tom", "........x.xxx..."), ("snare", "............x.xx")), drum_level=4, drum_chance=0.97,
    forms=(STEADY, _GROOVE, _GROOVE, LIFT, STOP, VAMP, DROP, SONG),
    production=Production(slope=(-7.8, -3.2), lowpass=(5000, 15000), highpass=(22, 90), width=(0.0, 0.5),
                          rooms=("room", "room", "plate", "spring", "chamber"), reverb_seconds=(0.15, 1.8),
                          reverb_mix=(0.01, 0.25), echo_mix=(0.0, 0.15), compression=(0.05, 0.7), drive=(0.0, 0.9),
                          wow=(0.0, 0.001), noise_db=(-72, -45)),
)
