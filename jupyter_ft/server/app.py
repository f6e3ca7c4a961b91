"""The extension: its settings, and its routes."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Instance, Integer, List, Unicode

from jupyter_ft import __version__
from jupyter_ft.server.routes import handlers
from jupyter_ft.services.child import Child, Stop
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models import HubClient
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits

PREFIX = r"ft/api"
_AT_ONCE = 4
"""Processes that may run at once for a page; each takes some hundred megabytes."""


class FtApp(ExtensionApp):
    """Fine-tuning: the wizard's server side."""

    name = "jupyter_ft"
    app_name = "Fine-tune"
    description = "Generates fine-tuning notebooks; the REST API of the wizard."
    version = __version__
    extension_url = "/ft/api/health"
    load_other_extensions = True

    max_upload_bytes = Integer(
        64 << 20,
        min=1,
        config=True,
        help="Largest upload that is previewed, in bytes. It is held in memory, and never kept.",
    )
    max_request_bytes = Integer(
        4 << 20, min=1024, config=True, help="Largest JSON request, in bytes."
    )
    preview_bytes = Integer(
        Limits.head_bytes,
        min=1024,
        config=True,
        help="A preview reads no more than so many bytes of a file.",
    )
    preview_rows = Integer(Limits.rows, min=1, max=1000, config=True, help="Rows of a preview.")
    data_extensions = List(
        Unicode(),
        default_value=list(Limits.extensions),
        config=True,
        help="Endings of the files that may be previewed.",
    )
    python = Unicode(
        sys.executable,
        config=True,
        help="Interpreter with transformers and datasets: renders a row as the model sees it, and "
        "reads the first rows of a hub dataset.",
    )
    render_timeout = Float(60.0, min=0.1, config=True, help="Seconds for that.")
    hub_endpoint = Unicode(
        "",
        config=True,
        help="Address of the model hub; by default HF_ENDPOINT.",
    )
    hub_timeout = Float(5.0, min=0.1, config=True, help="Seconds to wait for the model hub.")

    # Made at once: the server also ends an extension that could not be set up.
    _stops = Instance(WeakSet, ())

    def initialize_settings(self) -> None:
        """Hand the routes what they need."""
        self.settings["ft"] = self

    async def stop_extension(self) -> None:
        """Let no process outlive the server, nor keep it from ending."""
        for stop in list(self._stops):
            stop.set()

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(handlers(PREFIX))

    @property
    def limits(self) -> Limits:
        """How much of a file is read and shown."""
        endings = tuple(ending.lower() for ending in self.data_extensions)
        return Limits(self.preview_bytes, self.preview_rows, extensions=endings)

    def child(self, stop: Stop) -> Child:
        """How the libraries are asked that the server does not load."""
        self._stops.add(stop)
        return Child(self.python, self.render_timeout, stop)

    @property
    def waiting(self) -> ThreadPoolExecutor:
        """The threads that wait for such processes; files are read in others meanwhile."""
        if not hasattr(self, "_waiting"):
            self._waiting = ThreadPoolExecutor(_AT_ONCE, "ft-waiting")
        return self._waiting

    @property
    def hub(self) -> HubClient:
        """The client of the model hub, one for the life of the server: it remembers answers."""
        if not hasattr(self, "_hub"):
            self._hub = HubClient(self.hub_endpoint, self.hub_timeout)
        return self._hub

    def datasets(self, stop: Stop) -> HubDatasets:
        """Datasets of the hub; they share what they remember, for the life of the server."""
        child = self.child(stop)
        if not hasattr(self, "_datasets"):
            self._datasets = HubDatasets(self.hub, child, size=self.preview_bytes)
        return replace(self._datasets, child=child)

    @property
    def root(self) -> Root:
        """The folder that the server shows, with the rules of its contents manager."""
        app: Any = self.serverapp
        manager: Any = self.settings.get("contents_manager") or app.contents_manager
        folder = getattr(manager, "root_dir", "")
        on_disk = bool(folder) and hasattr(manager, "_get_os_path")
        return Root(Path(folder) if on_disk else None, bool(manager.allow_hidden))
