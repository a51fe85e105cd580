"""What a lesson puts on the page besides figures: a computed sentence, and a sound to listen to."""

import base64
import html
import io
import json
import os
from pathlib import Path

import numpy as np

from labkit.profiles import SAMPLE_RATE

BLOCK = 4096  # samples; libsndfile's Vorbis encoder can overflow its stack on one large write


def say(text: str) -> None:
    """Show a sentence whose numbers this run computed, as Markdown.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/04_dataset, notebooks/05_lstm_genre, notebooks/06_evaluation,
        notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre, notebooks/07c_transformer, notebooks/08_emotion,
        notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission, notebooks/11_latent_spaces,
        notebooks/12_your_own_music
    """
    from IPython.display import Markdown, display

    display(Markdown(text))


def encode_ogg(audio: np.ndarray, rate: int = SAMPLE_RATE) -> bytes:
    """Ogg Vorbis of a mono sound (n,) in [-1, 1]: about a tenth of the bytes of a WAV file, at its own loudness.

    Raises ValueError for a sound that is not mono, not finite, or louder than full scale.
    """
    import soundfile

    audio = np.asarray(audio, dtype=np.float32)
    if audio.ndim != 1 or not audio.size or not np.isfinite(audio).all():
        raise ValueError(f"Expected a mono sound (n,) of finite numbers, found the shape {audio.shape}.")
    if np.abs(audio).max() > 1:
        raise ValueError(f"Expected samples in [-1, 1], found a peak of {np.abs(audio).max():.2f}; "
                         "scale the sound first.")
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, 1, format="OGG", subtype="VORBIS") as file:
        for start in range(0, len(audio), BLOCK):
            file.write(audio[start:start + BLOCK])
    return buffer.getvalue()


def listen(audio: np.ndarray, name: str, caption: str, rate: int = SAMPLE_RATE) -> None:
    """Show a player for a mono sound (n,) in [-1, 1].

    In the book the sound is a small file that is loaded when the reader presses play (`LAB_MEDIA` names the folder);
    elsewhere it is embedded, so that the notebook also plays where it cannot reach a file. IPython's own player embeds
    a WAV of 1.8 MB for 30 s and changes the loudness.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission,
        notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    from IPython.display import HTML, display

    loudest = float(np.abs(audio).max(initial=0.0))
    data = encode_ogg(audio / max(1.0, loudest), rate)  # resampling can push a loud master a little over full scale
    folder = os.environ.get("LAB_MEDIA")
    if folder:
        file = Path(folder) / f"{name}.ogg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        source = file.as_posix()
    else:
        source = "data:audio/ogg;base64," + base64.b64encode(data).decode()
    words = html.escape(caption, quote=True)
    display(HTML(f'<figure class="labkit-sound"><figcaption>{words}</figcaption>'
                 f'<audio controls preload="none" src="{source}" aria-label="{words}"></audio></figure>'))


def measured(when: bool = True, **numbers: float) -> None:
    """Note numbers of this run under their names, for the committed tables in results/.

    In a book build they go to the file that `LAB_MEASURED` names; elsewhere nothing is written. when: whether to note
    them at all; False for a section that fell back to the composed corpus, so that a table of one's own data does not
    show numbers of other data.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    file = os.environ.get("LAB_MEASURED")
    if file and when:
        plain = {name: float(f"{float(value):.4g}") for name, value in numbers.items()}
        with open(file, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(plain) + "\n")
