"""Forms that several genres share. A clip of a song is rarely its beginning, so most of them start at full width."""

from labkit.corpus.styles import Section

ALL = ("melody", "answer", "chords", "pad", "figure", "bass", "drums")
BAND = ("answer", "chords", "pad", "figure", "bass", "drums")
STEADY = (Section("verse", 0.5, ALL, 0.92), Section("verse", 0.5, ALL, 1.05))
SONG = (Section("intro", 0.13, ("chords", "figure", "bass", "drums"), 0.75), Section("verse", 0.43, ALL, 0.88),
         Section("chorus", 0.44, ALL, 1.12))
LIFT = (Section("verse", 0.45, ("melody", "figure", "bass", "drums"), 0.7), Section("chorus", 0.55, ALL, 1.15))
DROP = (Section("chorus", 0.4, ALL, 1.05), Section("bridge", 0.2, ("melody", "pad", "figure"), 0.65),
         Section("chorus", 0.4, ALL, 1.08))
STOP = (Section("verse", 0.3, ALL, 0.9), Section("break", 0.07, ("figure", "drums"), 0.7),
         Section("verse", 0.25, ALL, 1.0), Section("break", 0.08, ("melody", "chords"), 0.7),
         Section("verse", 0.3, ALL, 1.05))
SOLO = (Section("verse", 0.4, ALL, 0.9), Section("solo", 0.35, BAND, 1.0), Section("verse", 0.25, ALL, 1.05))
QUIET = (Section("verse", 0.55, ("melody", "figure", "pad"), 0.9),
          Section("verse", 0.45, ("melody", "answer", "chords", "figure", "bass", "pad"), 1.0))
VAMP = (Section("vamp", 0.5, BAND, 0.95), Section("vamp", 0.5, ALL, 1.05))
SWELL = (Section("opening", 0.35, ("pad", "figure", "melody"), 0.6),
          Section("rise", 0.3, ("pad", "figure", "melody", "chords", "bass"), 0.85),
          Section("height", 0.35, ALL, 1.15))
LAYERS = (Section("beat", 0.25, ("bass", "drums", "figure"), 0.9),
           Section("layers", 0.35, ("bass", "drums", "figure", "chords", "pad"), 0.98), Section("full", 0.4, ALL, 1.05))
LOOP = (Section("loop", 0.55, ALL, 1.0), Section("break", 0.1, ("chords", "figure", "pad"), 0.85),
         Section("loop", 0.35, ALL, 1.03))
RHYME = (Section("hook", 0.25, BAND, 1.0), Section("verse", 0.5, ("melody", "chords", "figure", "bass", "drums"), 0.97),
          Section("hook", 0.25, ALL, 1.05))
RIFFS = (Section("riff", 0.25, ("chords", "figure", "bass", "drums"), 1.0), Section("verse", 0.3, ALL, 0.95),
          Section("break", 0.15, ("figure", "drums"), 0.9), Section("riff", 0.3, ALL, 1.1))
