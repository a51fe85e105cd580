"""labkit: the helper package of the lab book "From a song to its genre and its mood".

Importing this package imports nothing heavy: `python -m labkit setup` runs before any library is installed.
"""

import os

__version__ = "0.1.0"

# With two OpenMP threads beside another busy process, a small recurrent step spins at its barriers and becomes a
# hundred times slower. Passive waiting removes that, and only works when set before torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
