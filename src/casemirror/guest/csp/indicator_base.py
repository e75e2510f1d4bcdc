"""What all indicator classes have in common: the score, and context made from a table of fields."""

from inspect import Parameter, Signature

from csp import indicator_types, server


class Indicator:
    """Anything that can tell its context."""

    def to_context(self):
        """{context path: value}"""
        raise NotImplementedError(f"{type(self).__name__} has no context")


class DBotScore:
    """A source's verdict on one indicator. TypeError or ValueError when a value is not allowed.

    indicator               its value
    indicator_type          a DBotScoreType
    integration_name        the vendor; the server's name of the running integration goes before it
    score                   0 unknown, 1 good, 2 suspicious, 3 bad
    malicious_description   why it is bad
    reliability             a DBotScoreReliability
    message                 a remark on the score
    """

    NONE = 0
    GOOD = 1
    SUSPICIOUS = 2
    BAD = 3

    CONTEXT_PATH = (
        "DBotScore(val.Indicator && val.Indicator == obj.Indicator && val.Vendor == obj.Vendor && val.Type == obj.Type)"
    )
    CONTEXT_PATH_PRIOR_V5_5 = "DBotScore"

    def __init__(
        self,
        indicator,
        indicator_type,
        integration_name="",
        score=0,
        malicious_description=None,
        reliability=None,
        message=None,
    ):
        if not indicator_types.DBotScoreType.is_valid_type(indicator_type):
            raise TypeError(f"indicator_type {indicator_type!r} is none of DBotScoreType")
        if not self.is_valid_score(score):
            raise TypeError(f"score {score!r} is none of 0, 1, 2, 3")
        if reliability and not indicator_types.DBotScoreReliability.is_valid_type(reliability):
            raise TypeError(f"reliability {reliability!r} is none of DBotScoreReliability")
        if not indicator:
            raise ValueError("a score needs an indicator")
        self.indicator = indicator
        self.indicator_type = indicator_type
        self.integration_name = server.get_integration_name() or integration_name
        self.score = score
        self.malicious_description = malicious_description
        self.reliability = reliability
        self.message = message

    @staticmethod
    def is_valid_score(score):
        """Whether it is one of the four numbers."""
        return score in (DBotScore.NONE, DBotScore.GOOD, DBotScore.SUSPICIOUS, DBotScore.BAD)

    @staticmethod
    def get_context_path():
        """The score's context path."""
        return DBotScore.CONTEXT_PATH

    def to_context(self):
        """{path: {Indicator, Type, Vendor, Score, and Reliability, Message when given}}"""
        fields = {
            "Indicator": self.indicator,
            "Type": self.indicator_type,
            "Vendor": self.integration_name,
            "Score": self.score,
        }
        if self.reliability:
            fields["Reliability"] = self.reliability
        if self.message:
            fields["Message"] = self.message
        return {self.CONTEXT_PATH: fields}

    def to_malicious(self):
        """The block that marks a bad indicator in its own context."""
        return {"Vendor": self.integration_name, "Description": self.malicious_description}


class Declared:
    """An object whose arguments and context are one table.

    REQUIRED   arguments without a default
    FIELDS     (argument, context name) in the order of the arguments; a dotted name goes into a nested dict,
               a name of None goes nowhere by itself
    """

    REQUIRED = ()
    FIELDS = ()

    def __init__(self, *args, **kwargs):
        bound = self._signature().bind(*args, **kwargs)
        bound.apply_defaults()
        vars(self).update(bound.arguments)

    @classmethod
    def _signature(cls):
        kind = Parameter.POSITIONAL_OR_KEYWORD
        names = [argument for argument, _ in cls.FIELDS if argument not in cls.REQUIRED]
        return Signature(
            [Parameter(name, kind) for name in cls.REQUIRED] + [Parameter(name, kind, default=None) for name in names]
        )

    def fields_to_context(self):
        """{context name: value} of the fields that have a value."""
        context = {}
        for argument, name in self.FIELDS:
            value = getattr(self, argument)
            if name and value not in (None, "", [], {}):
                put(context, name, plain(value))
        return context


class Block(Declared, Indicator):
    """A part of an indicator's context: a note, a signature, a key."""

    def to_context(self):
        """{context name: value}"""
        return self.fields_to_context()


class Scored(Declared, Indicator):
    """An indicator with a score; its context has both, and a Malicious block when the score is bad."""

    CONTEXT_PATH = ""

    def to_context(self):
        """{the indicator's path: its fields, the score's path: the score}"""
        fields = self.fields_to_context()
        score = getattr(self, "dbot_score", None)
        if score and score.score == DBotScore.BAD:
            fields["Malicious"] = score.to_malicious()
        links = getattr(self, "relationships", None)
        if links:
            fields["Relationships"] = [link.to_context() for link in links if link.to_context()]
        return {self.CONTEXT_PATH: fields, **(score.to_context() if score else {})}


def put(context, dotted_name, value):
    """Set a value in nested dicts."""
    *parents, name = dotted_name.split(".")
    for parent in parents:
        context = context.setdefault(parent, {})
    context[name] = value


def plain(value):
    """The value with every part that has a context of its own replaced by that."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.to_context() if hasattr(value, "to_context") else value
