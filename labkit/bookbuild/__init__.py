"""From lessons to the HTML book.

The way of a lesson: `pairing` (the percent script is the source, the notebook is derived) -> `graph` (what needs what,
and the digest of everything that decides a lesson's outputs) -> `execute` (papermill, one process a lesson) ->
`stage` (the executed notebook dressed as a page of the book) -> `render` (Jupyter Book) -> `check` (the HTML, the
budgets). `build` calls them in this order.
"""
