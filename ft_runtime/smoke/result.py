"""What a smoke test found."""

from __future__ import annotations

import html
from dataclasses import dataclass

from ft_runtime.findings import text
from ft_runtime.smoke.proofs import Proof


@dataclass(frozen=True)
class SmokeResult:
    """Outcome of a smoke test.

    Attributes
    ----------
    proofs : tuple of Proof
    model : str
        What was trained.
    rows : int
        Rows of the made-up data set.
    steps : int
        Optimizer steps.
    seconds : float
        Duration of everything, building and reloading included.
    """

    proofs: tuple[Proof, ...]
    model: str
    rows: int
    steps: int
    seconds: float

    @property
    def passed(self) -> bool:
        """True when every proof holds."""
        return all(proof.passed for proof in self.proofs)

    def _title(self) -> str:
        key = "smoke.passed" if self.passed else "smoke.failed"
        seconds = f"{self.seconds:.0f}"
        return text(key, model=self.model, rows=self.rows, steps=self.steps, seconds=seconds)

    def __repr__(self) -> str:
        lines = [f"  {_mark(proof)} {proof.title}: {proof.measured}" for proof in self.proofs]
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        cell = "<td style='text-align:left'>{}</td>"
        rows = (
            f"<tr><td>{_mark(proof)}</td>"
            + "".join(cell.format(html.escape(part)) for part in (proof.title, proof.measured))
            + "</tr>"
            for proof in self.proofs
        )
        return f"<p>{html.escape(self._title())}</p><table>{''.join(rows)}</table>"


def _mark(proof: Proof) -> str:
    return "✓" if proof.passed else "✗"
