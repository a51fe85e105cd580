"""The course's own way to its features, in plain calls of librosa: the reference for the numbers, and for the time.

Nearly all of its time goes into `hpss`, whose medians are taken one by one. The tests and the benchmark hold
`labkit.features.extract` against it.
"""

import numpy as np

from labkit.features.sound import FRAME, HOP, N_MELS
from labkit.profiles import SAMPLE_RATE


def plain_features(audio: np.ndarray, reading: str = "exact") -> dict[str, np.ndarray]:
    """What `extract(audio, reading)` gives, by librosa alone; "exact" is how the course's data were made.

    audio: (n,) at 22 050 Hz. Returns mel (128, T) in dB, chroma (12, T), beats (B,) in frames, tempo, and the
    beat-synchronous mel_beat (128, B') in dB and chroma_beat (12, B').
    """
    import librosa

    power = librosa.feature.melspectrogram(y=audio, sr=SAMPLE_RATE, n_fft=FRAME, hop_length=HOP, n_mels=N_MELS,
                                           power=2.0)
    if reading == "exact":
        chroma = librosa.feature.chroma_cqt(y=audio, sr=SAMPLE_RATE, hop_length=HOP)
        _, beating = librosa.effects.hpss(audio)
    else:
        chroma = librosa.feature.chroma_stft(y=audio, sr=SAMPLE_RATE, n_fft=FRAME, hop_length=HOP)
        beating = audio
    tempo, beats = librosa.beat.beat_track(y=beating, sr=SAMPLE_RATE, hop_length=HOP)
    power_beat = librosa.util.sync(power, beats, aggregate=np.median)
    return {"mel": librosa.power_to_db(power, ref=np.max), "chroma": chroma, "beats": beats,
            "tempo": np.atleast_1d(tempo)[0], "mel_beat": librosa.power_to_db(power_beat, ref=np.max),
            "chroma_beat": librosa.util.sync(chroma, beats, aggregate=np.median)}
