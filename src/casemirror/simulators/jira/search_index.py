"""What searches see: the issues as they were some time ago.  Not thread-safe: the instance calls it under its lock."""

from collections import deque
from collections.abc import Iterable

from .issues import Issue


class SearchIndex:
    def __init__(self) -> None:
        self._issues: dict[int, Issue] = {}
        self._waiting: deque[tuple[float, int, Issue | None]] = deque()

    def note(self, at_s: float, issue_id: int, issue: Issue | None) -> None:
        """Remember a write (None = deletion) until `issues` lets searches see it."""
        self._waiting.append((at_s, issue_id, issue))

    def issues(self, until_s: float) -> Iterable[Issue]:
        """Every issue as of this moment."""
        while self._waiting and self._waiting[0][0] <= until_s:
            _, issue_id, issue = self._waiting.popleft()
            if issue is None:
                self._issues.pop(issue_id, None)
            else:
                self._issues[issue_id] = issue
        return self._issues.values()
