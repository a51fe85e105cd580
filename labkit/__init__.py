"""labkit: the helper package of the lab book "From a song to its genre and its mood".

Importing this package imports nothing heavy: `python -m labkit setup` runs before any library is installed.
"""

import os

__version__ = "0.1.0"

# With two OpenMP threads beside another busy process, a small recurrent step spins at its barriers and becomes many
# times slower. Threads that sleep at once are twice as slow on a quiet machine; so they spin for an instant and then
# sleep. The first is for any OpenMP, the second for GNU's, which is torch's on Linux. Both work only when they are set
# before torch is first imported.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "250"}
for _name, _value in WAITING.items():
    os.environ.setdefault(_name, _value)
