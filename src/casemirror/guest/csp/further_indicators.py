"""Indicators that few integrations have: addresses of cryptocurrencies, and kinds of one's own."""

from csp.indicator_base import DBotScore, Indicator, Scored


class Cryptocurrency(Scored):
    """An address of a cryptocurrency, such as bitcoin."""

    CONTEXT_PATH = "Cryptocurrency(val.Address && val.Address == obj.Address)"
    REQUIRED = ("address", "address_type", "dbot_score")
    FIELDS = (("address", "Address"), ("address_type", "AddressType"), ("dbot_score", None))


class CustomIndicator(Indicator):
    """An indicator of a kind that the author made up. ValueError without a value or a path, TypeError for a wrong score.

    indicator_type   name of the kind
    value            its value
    dbot_score       its score, or None
    params           {name in the context: value}
    prefix_str       where it goes in the context
    """

    def __init__(self, indicator_type, value, dbot_score, params, prefix_str):
        if not value or not prefix_str:
            raise ValueError("an indicator needs a value and a context path (prefix_str)")
        if dbot_score is not None and not isinstance(dbot_score, DBotScore):
            raise TypeError(f"dbot_score must be a DBotScore, not {type(dbot_score)}")
        self.indicator_type = indicator_type
        self.value = value
        self.dbot_score = dbot_score
        self.params = params or {}
        self.CONTEXT_PATH = f"{prefix_str}(val.value && val.value == obj.value)"

    def to_context(self):
        """{its path: its value and params, the score's path: the score}"""
        fields = {"value": self.value, **self.params}
        return {self.CONTEXT_PATH: fields, **(self.dbot_score.to_context() if self.dbot_score else {})}
