"""A problem that one process of several meets, and that stops all of them at one place."""

from __future__ import annotations

from ft_runtime import processes
from ft_runtime.findings import Finding, FindingsError


class Alarm:
    """Raises a problem at once, or, with several processes, where all of them can hear of it.

    A process that left in the middle of a step would leave the others waiting for its gradients.
    """

    def __init__(self) -> None:
        self._problems: list[Finding] = []

    def clear(self) -> None:
        """Forget what an earlier sitting met."""
        self._problems = []

    def ring(self, problem: Finding) -> None:
        """Raise the problem, now or when every process calls `agree`."""
        if not processes.joined():
            raise FindingsError([problem])
        self._problems.append(problem)

    def agree(self) -> None:
        """Raise in every process what one of them met; each has to call it once a step.

        Raises
        ------
        FindingsError
            With the problems of all processes.
        """
        if not processes.any_of(bool(self._problems)):
            return
        found = [item for part in processes.gather(self._problems) for item in part]
        raise processes.agreed(FindingsError(found))
