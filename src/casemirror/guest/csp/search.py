"""Pages of the server's indicators."""

from csp import server
from csp.host import demisto

MIN_VERSION_FOR_SEARCH_AFTER = "6.1.0"


class IndicatorsSearcher:
    """Iterator over pages of demisto.searchIndicators: each is a dict with `iocs` and `total`.

    page, size      number of the first page, and indicators on each
    limit           stop after so many indicators; None: all
    filter_fields   the fields wanted of each; None: all
    query, value, from_date, to_date   which indicators
    It ends at the limit, at an empty page and at the total. Servers from 6.1.0 on give the place to go on from, older ones
    count pages.
    """

    def __init__(
        self, page=0, filter_fields=None, from_date=None, query=None, size=100, to_date=None, value="", limit=None
    ):
        self._can_use_search_after = server.is_at_least(MIN_VERSION_FOR_SEARCH_AFTER)
        self._search_after_param = None
        self._page = page
        self._filter_fields = filter_fields
        self._total = None
        self._from_date = from_date
        self._query = query
        self._size = size
        self._to_date = to_date
        self._value = value
        self._limit = limit
        self._found = 0
        self._is_over = False

    def __iter__(self):
        self._found = 0
        self._is_over = False
        return self

    def __next__(self):
        if self._is_over or (self._limit and self._found >= self._limit):
            raise StopIteration
        size = min(self._size, self._limit - self._found) if self._limit else self._size
        page = self.search_indicators_by_version(self._from_date, self._query, size, self._to_date, self._value)
        indicators = page.get("iocs") or []
        if not indicators:
            self._is_over = True
            raise StopIteration
        self._found += len(indicators)
        return page

    @property
    def page(self):
        """Number of the next page."""
        return self._page

    @property
    def total(self):
        """How many indicators there are; None before the first page."""
        return self._total

    @property
    def limit(self):
        """How many are wanted; None: all."""
        return self._limit

    def is_search_done(self):
        """Whether the last page has been given."""
        return self._is_over or bool(self._limit and self._found >= self._limit)

    def search_indicators_by_version(self, from_date=None, query="", size=100, to_date=None, value=""):
        """The next page, asked for as this server can."""
        asked = {
            "fromDate": from_date,
            "toDate": to_date,
            "query": query,
            "size": size,
            "value": value,
            "populateFields": self._filter_fields,
        }
        asked = {name: setting for name, setting in asked.items() if setting}
        if self._can_use_search_after:
            asked["searchAfter"] = self._search_after_param
        else:
            asked["page"] = self._page
        found = demisto.searchIndicators(**asked)
        self._note(found, size)
        return found

    def _note(self, found, size):
        """Remember where to go on, and whether there is anything left."""
        self._total = found.get("total")
        self._page += 1
        if self._can_use_search_after:
            self._search_after_param = found.get("searchAfter")
            self._is_over = self._search_after_param is None
        elif self._total is not None:
            self._is_over = self._page * size >= self._total


def indicators_value_to_clickable(indicators):
    """{value: Markdown link to the indicator's page} of those values (one or a list) that the server has as indicators."""
    values = [indicators] if isinstance(indicators, str) else list(indicators or [])
    if not values:
        return {}
    query = " or ".join(f"value:{_quoted(value)}" for value in values)
    found = (item for page in IndicatorsSearcher(query=query) for item in page["iocs"])
    return {item["value"]: f"[{item['value']}](#/indicator/{item['id']})" for item in found}


def _quoted(value):
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
