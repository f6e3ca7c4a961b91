"""The wizard in a notebook: four steps made of ipywidgets, for any front end that shows them.

Importing this imports no ipywidgets: that happens when a wizard is made.
"""

from __future__ import annotations

from jupyter_ft.wizard.app import Wizard
from jupyter_ft.wizard.model import WizardModel

__all__ = ["Wizard", "WizardModel"]
