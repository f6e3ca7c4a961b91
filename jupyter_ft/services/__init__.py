"""What the server answers, as plain functions: they know no web server and no notebook.

The routes of the server extension and the ipywidgets wizard call the same ones.
"""

from __future__ import annotations
