"""A real `jupyter lab` and a real browser, as the tests and the script of the pictures use them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from support import servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

START_SECONDS = 180
PATIENCE = 120_000  # milliseconds
# The system takes ports above these for connections and for whoever asks for any port, as kernels do.
PORTS = range(20_000, 32_000)
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "datasets"
# Answers to the wizard that take so many milliseconds longer than they would.
LATE = """(() => {
  const real = window.fetch.bind(window);
  window.fetch = async (...request) => {
    const answer = await real(...request);
    if (answer.url.includes('/ft/api/')) {
      await new Promise(resolve => setTimeout(resolve, %d));
    }
    return answer;
  };
})()"""
VIEWPORT = {"width": 1400, "height": 900}
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # in a container that is too small for a page
    "--disable-background-networking",
    "--no-first-run",
]


@dataclass(frozen=True)
class Lab:
    """A running server and the folder that it shows."""

    url: str
    token: str
    root: Path
    settings: Path

    def address(self, notebook: str = "") -> str:
        """Where JupyterLab opens in a workspace of its own, which no other test has touched."""
        workspace = secrets.token_hex(4)
        tree = f"/tree/{notebook}" if notebook else ""
        return f"{self.url}/lab/workspaces/{workspace}{tree}?token={self.token}"

    def notebook7(self, notebook: str) -> str:
        """Where Notebook 7 opens a notebook: the same server has it."""
        return f"{self.url}/notebooks/{notebook}?token={self.token}"

    def make_kernel(self, name: str, language: str) -> None:
        """Install a kernel that calls itself one of this language."""
        folder = self.root.with_name("jupyter-data") / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": start, "display_name": name, "language": language}
        (folder / "kernel.json").write_text(json.dumps(spec))

    def make_notebook(self, name: str, *sources: str, kernel: str = "python3") -> str:
        """Write a notebook with these cells, or an empty one, into the root."""
        spec = {"name": kernel, "display_name": kernel}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources or [""]],
            metadata={"kernelspec": spec},
        )
        nbformat.write(notebook, self.root / name)
        return name

    @contextlib.contextmanager
    def themed(self, theme: str) -> Iterator[None]:
        """Let pages that are opened meanwhile have a theme, as the Settings menu would."""
        with self.setting("@jupyterlab/apputils-extension", "themes", {"theme": theme}):
            yield

    @contextlib.contextmanager
    def setting(self, package: str, plugin: str, values: dict[str, Any]) -> Iterator[None]:
        """Let a plugin have these settings for as long as the block lasts."""
        path = self.settings / package / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def stop_kernels(self) -> None:
        """Shut down what pages left running: a kernel that has trained holds a lot of memory."""
        for session in json.loads(self.ask("GET", "api/sessions")):
            try:
                self.ask("DELETE", f"api/sessions/{session['id']}")
            except urllib.error.HTTPError as error:
                with error:
                    # One whose kernel was dead or on its way out is gone by itself.
                    if error.code not in (404, 410):
                        raise

    def ask(self, method: str, path: str, seconds: float = START_SECONDS) -> bytes:
        """Return what the server answers, asked directly whatever proxies there are."""
        request = urllib.request.Request(f"{self.url}/{path}?token={self.token}", method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds) as answer:
            return answer.read()


@contextlib.contextmanager
def running_lab(root: Path, model: Path) -> Iterator[Lab]:
    """Start `jupyter lab` over a folder that holds the small model and the example data."""
    lab = new_lab(root, model)
    with serving(lab):
        yield lab


def new_lab(root: Path, model: Path) -> Lab:
    """Fill a folder with the small model and the example data, and choose where to serve it."""
    shutil.copytree(model, root / "tiny")
    shutil.copytree(EXAMPLES, root / "data")
    settings = root.with_name("jupyter-config") / "lab" / "user-settings"
    return Lab(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), root, settings)


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody is given by chance before it is used."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def environment(root: Path) -> dict[str, str]:
    """Return the environment of a server: nothing of the user's Jupyter, IPython, hub or proxies."""
    foreign = ("JUPYTER", "_PROXY")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "JUPYTER_PATH" or not any(part in name.upper() for part in foreign)
    }
    own = {
        "JUPYTER_CONFIG_DIR": "jupyter-config",
        "JUPYTER_DATA_DIR": "jupyter-data",
        "IPYTHONDIR": "ipython",
        "HF_HOME": "hf",
    }
    places = {name: str(root.with_name(folder)) for name, folder in own.items()}
    return {**kept, **places, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@contextlib.contextmanager
def serving(lab: Lab, *options: str, **settings: str) -> Iterator[None]:
    """Run the server of a lab, which may have run before, for as long as the block lasts."""
    root = lab.root
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"]
    command += [f"--port={lab.url.rpartition(':')[2]}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={lab.token}"]
    # Tests read the notebook as the page has it, through the application object.
    command += [f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp")]
    # A page that is not served by the machine for a while must not be given up: what a kernel said to
    # it meanwhile would be lost, and with the models of ipywidgets the form that is made of them.
    command.append("--ServerApp.tornado_settings={'ws_ping_interval': 0}")
    # Nor does a test ask how long the libraries take to load, or the stand-in of a hub to answer.
    command += [f"--FtApp.{name}_timeout={START_SECONDS}" for name in ("render", "hub")]
    command += options
    log = root.with_name("server.log")
    no_news = {"fetchNews": "false", "checkForUpdates": False}
    with contextlib.ExitStack() as stack:
        stack.enter_context(lab.setting("@jupyterlab/apputils-extension", "notification", no_news))
        output = stack.enter_context(log.open("wb"))
        server = subprocess.Popen(
            command,
            env={**environment(root), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(lab, server, log)
            yield
        finally:
            servers.end(server)


def _wait_for(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until the server answers; say what it wrote when it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            lab.ask("GET", "ft/api/health", seconds=5)
            return
        except OSError:
            time.sleep(0.1)  # between two questions to a server that is starting
    raise RuntimeError(
        f"jupyter lab did not answer; it wrote:\n{log.read_text(errors='replace')[-4000:]}"
    )


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium without a window; needs the `chromium` of the system."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError as error:
        raise RuntimeError(
            "pip install playwright 'jupyterlab==4.6.*' 'notebook==7.6.*'"
        ) from error
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("Chromium is missing: apt-get install chromium fonts-dejavu-core")
    # On a machine with other work to do a page may take its time; a test fails by what it shows.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=BROWSER_FLAGS, timeout=PATIENCE
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def new_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a page in a context of its own: no cookie, no store, no page beside it."""
    context = browser.new_context(**{"viewport": VIEWPORT, **options})
    if delay := int(os.environ.get("ANSWER_DELAY", 0)):
        context.add_init_script(LATE % delay)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()
