"""What can be made to go wrong, and how the instance is configured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..common import faults as common


@dataclass(frozen=True, kw_only=True)
class Faults(common.Faults):
    """rate_limit       token bucket of each user: so many requests at most, filled up again every `window_s` seconds; None = none

    max_results      largest page of a search (the property jira.search.views.default.max)
    upload_limit     bytes of the largest attachment (the setting "Attachment size")
    labels_on_screen   whether the screens have the field Labels
    """

    rate_limit: common.RateLimit | None = None
    max_results: int = 1000
    upload_limit: int = 10_485_760
    labels_on_screen: bool = True


Box = common.FaultBox[Faults]

_CHECKS: Mapping[str, common.Check] = {"rate_limit": common.rate_limit}


def make_box(values: Mapping[str, Any], seed: int | None) -> Box:
    """The faults in force from the start.  Raises ValueError for an unknown name or a value of the wrong type."""
    return common.FaultBox(common.changed(Faults(), values, _CHECKS), seed, _CHECKS)
