# %% [markdown]
# # The first lesson
#
# A sentence of prose.

# %% tags=["parameters"]
profile = None

# %%
from labkit import plots

print("profile", profile)

# %%
figure, (axes,) = plots.figure()
axes.plot([1, 3, 2])
plots.show(figure, alt="A line that rises from one to three and falls to two.")
