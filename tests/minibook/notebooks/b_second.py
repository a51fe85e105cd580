# %% [markdown]
# # The second lesson
#
# It needs what the first one makes.

# %% tags=["parameters"]
profile = None

# %%
import numpy as np
from labkit.show import listen, measured, say

measured(total=1 + 1)
say(f"The sum is {1 + 1}.")
listen(0.3 * np.sin(np.arange(2000) * 0.1), "sine", "A sine tone")
