"""A corpus of three genres whose clips are noise instead of music, for the tests of how it is made.

As a script it builds that corpus in a process of its own: the tests start two at once, or kill one. Its workers import
it anew where processes are not forked, so the contents are exchanged at the top.
"""

import json
import os
import sys
import time
from importlib import import_module

import numpy as np

from labkit.profiles import Profile

plan, build = import_module("labkit.corpus.plan"), import_module("labkit.corpus.build")  # modules, not the functions
PROFILE = Profile("quick", clips_per_genre=6, multitask_clips=12, seconds=3.0, max_per_class=None, epochs=1)
GENRES = ("Folk", "Metal", "Rock")


def contents(clip):
    """Noise that depends on the clip's seed alone, after as many seconds as the variable CLIP_SECONDS says."""
    time.sleep(float(os.environ.get("CLIP_SECONDS", "0")))
    rng = np.random.default_rng(clip.seed)
    mood = ",".join(f"{value:.3f}" for value in rng.random(3)) if clip.dataset == plan.MULTITASK else ""
    return rng.random((140, 30)), rng.random((140, 6)), mood


if __name__ in ("__main__", "__mp_main__"):
    plan.GENRES, build.contents = GENRES, contents
if __name__ == "__main__":
    print(build.build(PROFILE, **json.loads(sys.argv[1])))
