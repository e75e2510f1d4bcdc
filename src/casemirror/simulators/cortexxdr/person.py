"""A person's hand in the tenant, and XDR's own: what happens there while casemirror mirrors it."""

from typing import Any

from .incident import Row
from .tenant import Tenant


class Hand:
    """Acts at once, without faults, limits or rights; `by` is a mail address.  Raises ApiError for what the tenant refuses."""

    tenant: Tenant

    def create(self, description: str = "Suspicious activity", **fields: Any) -> str:
        """XDR found something; `alerts` are the fields of its alerts (default: one).  Returns the incident's id."""
        return str(self.tenant.create({"description": description, **fields}, by="")["incident_id"])

    def update(self, incident_id: str, *, by: str = "alice@example.com", **values: Any) -> Row:
        """Change what the API can: status, resolve_comment, manual_severity, assigned_user_mail."""
        return self.tenant.update(incident_id, values, by=by)

    def set(self, incident_id: str, *, by: str = "", **values: Any) -> Row:
        """Change what only the console or XDR itself can, such as starred or description."""
        return self.tenant.set(incident_id, values, by=by)

    def comment(self, incident_id: str, text: str, *, by: str = "alice@example.com") -> None:
        self.tenant.update(incident_id, {"comment": {"comment_action": "add", "value": text}}, by=by)

    def alert(self, incident_id: str, **fields: Any) -> Row:
        """One more alert."""
        return self.tenant.add_alert(incident_id, fields)

    def close(self, incident_id: str, status: str = "resolved_true_positive", comment: str = "Done.") -> Row:
        return self.update(incident_id, status=status, resolve_comment=comment)

    def reopen(self, incident_id: str) -> Row:
        return self.update(incident_id, status="under_investigation")

    def delete(self, incident_id: str, *, by: str = "alice@example.com") -> None:
        self.tenant.delete(incident_id, by=by)

    def get(self, incident_id: str) -> Row:
        """The incident as it is now.  Raises ApiError when there is none."""
        return dict(self.tenant.must_get(incident_id))

    def all(self) -> list[Row]:
        """Every incident, oldest first."""
        return [dict(row) for row in self.tenant.all()]

    def comments(self, incident_id: str) -> list[str]:
        """Texts, oldest first."""
        return [comment["text"] for comment in self.tenant.comments(incident_id)]
