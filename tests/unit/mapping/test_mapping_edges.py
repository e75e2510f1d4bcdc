"""The far ends: numbers too long to write, values nested too deeply, odd operands; each costs its field, nothing more."""

import dateparser
import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping import casting, dates, script, script_values, scripted, transformers
from casemirror.mapping.classify import classify
from casemirror.mapping.compiled import path_of
from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import StepFailed, produce, starts_empty
from casemirror.mapping.incoming import map_in
from casemirror.mapping.labels import labels_for
from casemirror.mapping.operators import Arguments
from casemirror.mapping.outgoing import map_out
from casemirror.mapping.outside import Outside
from casemirror.mapping.schema import paths_of
from casemirror.mapping.transformers import texts
from casemirror.mapping.value import NOTHING, OperatorFailed, Warning_

ENDLESS = 10**5000
"""A number with more digits than Python writes."""
CATALOG = Catalog.of(
    items.make("incidentfield", {"name": name, "cliName": name.lower(), "type": kind})
    for name, kind in (("Note", "shortText"), ("Due", "timer"))
)


def deep(levels=100_000):
    """A list in a list in a list …"""
    found = []
    for _ in range(levels):
        found = [found]
    return {"a": found}


def argument(simple, *, context=False):
    return {"isContext": context, "value": {"simple": simple}}


def mapped(rule, event, kind="mapper-in", key="Note", **how):
    mapper = items.parse(kind, {"id": "m", "mapping": {"T": {"internalMapping": {key: rule}}}})
    if kind == "mapper-in":
        return map_in(event, mapper, "T", CATALOG, **how)
    return map_out(event, mapper, "T", dirty=(), passthrough=(), **how)


class TestCasting:
    def test_a_text_of_choices_is_split_only_when_all_are_choices(self):
        """content.md §5.3."""
        assert casting.cast("multiSelect", "a, b", ("a", "b")) == ["a", "b"]
        assert casting.cast("multiSelect", "a, c", ("a", "b")) == ["a, c"]

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("tags", {"a": 1}),
            ("grid", "no json"),
            ("grid", ["x"]),
            ("severity", True),
            ("severity", 7),
            ("boolean", [1]),
        ],
    )
    def test_what_cannot_be_cast_fails(self, kind, value):
        """content.md §5.3."""
        with pytest.raises(OperatorFailed):
            casting.cast(kind, value)

    def test_attachments_are_objects_and_internal_is_anything(self):
        """content.md §5.2."""
        assert casting.cast("attachments", [{"name": "x"}, "y"]) == [{"name": "x"}]
        assert casting.cast("internal", {"x": 1}) == {"x": 1}

    @pytest.mark.parametrize(("value", "flag"), [(0, False), (2.5, True), ("Yes", True), ("no", False)])
    def test_numbers_and_words_are_true_or_false(self, value, flag):
        """content.md §5.3."""
        assert casting.cast("boolean", value) is flag

    @pytest.mark.parametrize(
        ("value", "timer"), [(5, {"sla": 5}), (" 30 ", {"sla": 30}), ({"x": 1, "sla": 2}, {"sla": 2})]
    )
    def test_a_timer_takes_minutes_and_known_parts(self, value, timer):
        """content.md §5.3."""
        assert casting.cast("timer", value) == timer

    def test_a_timer_that_is_told_nothing_is_left(self):
        assert mapped({"simple": "d"}, {"d": {"unknown": 1}}, key="Due").fields == {}


class TestTooMuch:
    def test_a_number_too_long_to_write_costs_its_field(self):
        """A label of it is empty, a table does not have it."""
        [warning] = mapped({"simple": "n"}, {"n": ENDLESS}).warnings
        assert "digits" in warning.text
        [warning] = mapped({"simple": "x ${n}"}, {"n": ENDLESS}).warnings
        assert "cannot be written as text" in warning.text
        [warning] = mapped({"simple": "x ${n}"}, {"n": ENDLESS}, "mapper-out").warnings
        assert "cannot be written as text" in warning.text
        assert labels_for({"n": ENDLESS}, None, "T", brand="", instance="")[-1] == {"type": "n", "value": ""}
        assert (
            classify({"n": ENDLESS}, items.parse("classifier", {"id": "c", "transformer": {"simple": "n"}}))
            == "Unclassified"
        )

    def test_what_is_nested_too_deeply_costs_its_field(self):
        """Hypothesis never nests that deep."""
        assert "recursion" in mapped({"simple": "a"}, deep()).warnings[0].text
        step = {"operator": "Stringify"}
        rule = {"complex": {"root": ".", "transformers": [step]}}
        [warning] = mapped(rule, deep(), "mapper-out").warnings
        assert warning.operator == "Stringify"

    def test_an_outgoing_line_that_recurses_is_left_out(self, monkeypatch):
        """Whatever an expression may raise."""

        def fail(*args):
            raise RecursionError

        monkeypatch.setattr("casemirror.mapping.outgoing.produce", fail)
        [warning] = mapped({"simple": "a"}, {"a": 1}, "mapper-out").warnings
        assert warning.text == "RecursionError"

    def test_texts_are_bounded(self, monkeypatch):
        """mapping never builds more than it was given leave to."""
        monkeypatch.setattr(texts, "LONGEST", 10)
        for operator, args in [
            ("concat", {"suffix": "x" * 20}),
            ("replace", {"toReplace": "a", "replaceWith": "x" * 20}),
        ]:
            with pytest.raises(OperatorFailed, match="too long"):
                transformers.apply(transformers.KNOWN[operator], "a", Arguments(args))
        monkeypatch.setattr(script_values, "_LONGEST", 3)
        with pytest.raises(OperatorFailed, match="too long"):
            script.compile_script("val + val")("abc")

    def test_an_expression_is_bounded(self):
        with pytest.raises(OperatorFailed, match="characters"):
            script.compile_script("1" * 5000)

    def test_a_schema_is_bounded(self):
        """MAP-102."""
        nested = {}
        for _ in range(40):
            nested = {"k": nested}
        assert len(paths_of({"T": nested})["T"]) == 21


class TestOperands:
    def test_operands_may_be_complex_and_not_given(self):
        """content.md §3.2: no upstream mapper nests; supported by recursion. MAP-044."""
        nested = {"value": {"complex": {"root": "b"}}}
        left = {"isContext": True, **nested}
        rule = {"complex": {"root": "a", "filters": [[{"operator": "isEqualString", "left": left, "right": nested}]]}}
        assert produce(compile_expression(rule), {"a": 1, "b": "x"}) == 1
        step = {"operator": "concat", "args": {"suffix": nested, "prefix": {"value": {"simple": None}}}}
        assert (
            produce(compile_expression({"complex": {"root": "a", "transformers": [step]}}), {"a": 1, "b": "x"}) == "1x"
        )

    def test_a_context_path_may_be_a_placeholder(self):
        """MAP-019, MAP-028."""
        condition = {"operator": "isEqualString", "left": argument("${a.k}", context=True), "right": argument("x")}
        rule = {"complex": {"root": "a", "accessor": "n", "filters": [[condition]]}}
        assert produce(compile_expression(rule), {"a": [{"k": "x", "n": 1}, {"k": "y", "n": 2}]}) == 1

    @pytest.mark.parametrize(
        ("simple", "shown"),
        [(True, "a-true"), (2.0, "a-2"), (ENDLESS, "a-"), ({"x": 1}, "a-")],
        ids=["flag", "number", "endless", "object"],
    )
    def test_literals_that_are_no_texts(self, simple, shown):
        """Files written by hand."""
        steps = [{"operator": "concat", "args": {"suffix": {"value": {"simple": "-"}}}}]
        steps.append({"operator": "concat", "args": {"suffix": {"value": {"simple": simple}}}})
        assert produce(compile_expression({"complex": {"root": "a", "transformers": steps}}), {"a": "a"}) == shown

    def test_how_a_source_is_written(self):
        assert path_of({"simple": "a.b"}) == "a.b"
        assert path_of({"complex": {"root": "a", "accessor": " "}}) == "a"
        assert path_of({"complex": {"root": "a", "accessor": "[0]"}}) == "a.[0]"
        assert path_of("nonsense") == ""

    def test_a_template_that_fails_is_not_an_empty_source(self):
        """The source of a transformer chain that cannot even be read."""
        rule = {"complex": {"root": "x ${n}", "transformers": [{"operator": "trim"}]}}
        assert not starts_empty(compile_expression(rule), {"n": ENDLESS})
        with pytest.raises(StepFailed):
            produce(compile_expression(rule), {"n": ENDLESS})

    def test_a_list_of_nothing_gives_nothing(self):
        """Q9: an empty list overwrites only when the source is there."""
        rule = compile_expression({"complex": {"root": "gone", "transformers": [{"operator": "uniq"}]}})
        assert produce(rule, {}) is NOTHING
        assert produce(rule, {"gone": []}) == []

    def test_a_warning_without_operator_names_the_field(self):
        assert str(Warning_(mapper="m", type="T", field="F", text="why")) == "mapper 'm', type 'T', field 'F': why"
        assert not NOTHING

    def test_nulls_in_a_list_are_passed_over(self):
        """MAP-040."""
        assert transformers.apply(transformers.KNOWN["trim"], [" a", None], Arguments({})) == ["a"]

    def test_a_date_of_another_form_fails(self):
        with pytest.raises(OperatorFailed, match="of the form"):
            transformers.apply(transformers.KNOWN["FormattedDateToEpoch"], "x", Arguments({"formatter": "%Y"}))

    def test_a_table_of_unequal_length_fails(self):
        """content.md §4.2 row 12."""
        args = Arguments({"input_values": "a,b", "mapped_values": "x"})
        with pytest.raises(OperatorFailed, match="2 input_values, 1 mapped_values"):
            transformers.apply(transformers.KNOWN["MapValuesTransformer"], "a", args)
        args = Arguments({"input_values": "a", "mapped_values": "x"})
        assert transformers.apply(transformers.KNOWN["MapValuesTransformer"], "[1]", args) == "[1]"


class TestDates:
    @pytest.mark.parametrize(
        "text", ["2022-13-45", "12 o'clock in the year 2022", "0001-01-01T00:00:00+14:00", "1234567"]
    )
    def test_what_is_no_date_fails(self, text):
        with pytest.raises(OperatorFailed):
            dates.parse(text)

    def test_a_long_number_is_epoch_time(self):
        assert dates.text_of(dates.parse("1525006939")) == "2018-04-29T13:02:19Z"

    def test_a_blank_or_long_text_has_no_parts(self):
        assert dates.parse_parts(" ", dayfirst=False, yearfirst=False, fuzzy=True) is None
        assert dates.parse_parts("1" * 200, dayfirst=False, yearfirst=False, fuzzy=True) is None

    def test_a_date_library_that_stumbles_is_no_date(self, monkeypatch):
        """Whatever it raises."""
        monkeypatch.setattr(dateparser, "parse", lambda *args, **more: 1 / 0)
        with pytest.raises(OperatorFailed, match="no complete date"):
            dates.parse("2nd day of the year 2022")


class TestSmallEvaluator:
    SAME = [
        ("val.substring(3, 1)", "abcd", "bc"),
        ("val.slice(-2)", "abcd", "cd"),
        ("val.slice(1)", ["a", "b"], ["b"]),
        ("val.split()", "ab", ["ab"]),
        ("val.split('')", "ab", ["a", "b"]),
        ("val.replace('a', 'b')", "aa", "ba"),
        ("val.toString()", 1.5, "1.5"),
        ("val.indexOf(2)", [1, 2], 1),
        ("val.includes(3)", [1, 2], False),
        ("val.concat('x', ['y'])", ["a"], ["a", "x", "y"]),
        ("val.reverse()", ["a", "b"], ["b", "a"]),
        ("val.charAt(1)", "ab", "b"),
        ("val.charAt(-1)", "ab", ""),
        ("val.lastIndexOf('a')", "aba", 2),
        ("val.startsWith('a') && val.endsWith('b') && val.includes('b')", "ab", True),
        ("val.concat(1)", "a", "a1"),
        ("val.trim()", " a ", "a"),
        ("val.substr(-2, 1)", "abc", "b"),
        ("val[5]", "abc", NOTHING),
        ("val['x']", 3, NOTHING),
        ("val + null + undefined", "", "nullundefined"),
        ("[null, 1].join('-')", None, "-1"),
    ]

    @pytest.mark.parametrize(("text", "val", "result"), SAME)
    def test_methods(self, text, val, result):
        """content.md §7.3."""
        assert script.compile_script(text)(val) == result

    @pytest.mark.parametrize(
        ("text", "val"), [("val.map(1)", [1]), ("val.padStart(3)", "a"), ("val.x()", {}), ("val.x", None)]
    )
    def test_methods_that_it_lacks(self, text, val):
        """The engine is asked for them."""
        with pytest.raises(OperatorFailed):
            script.compile_script(text)(val)


class Recorder:
    """Scripts that answer what they are told, and remember with what they were run."""

    def __init__(self, answer, **body):
        self.script = items.parse("script", {"name": "S", "type": "python", **body})
        self.answer, self.given = answer, []

    def find(self, name):
        return self.script if name == "S" else None

    def run(self, script, args):
        self.given.append(args)
        return self.answer


ARGS = [{"name": "value"}, {"name": "left"}, {"name": "right"}, {"name": "x", "defaultValue": "d"}, {"name": "y"}]


class TestScripts:
    def test_a_script_is_given_what_it_declares(self):
        """content.md §3.5; MAP-049, MAP-060."""
        scripts = Recorder("ok", args=ARGS)
        given = {"y": {"a": 1}, "z": "undeclared"}
        assert scripted.transform(Outside(scripts=scripts), "S", {"n": 2.0, "l": [1.0, 1.5]}, given) == "ok"
        assert scripts.given == [{"value": {"n": 2, "l": [1, 1.5]}, "x": "d", "y": {"a": 1}}]

    def test_a_script_of_items_is_run_for_each(self):
        """MAP-040, MAP-042."""
        scripts = Recorder(["r"], args=ARGS)
        outside = Outside(scripts=scripts)
        assert scripted.transform(outside, "S", ["a", None, "b"], {"x": 2.0}) == ["r", "r"]
        assert [given["value"] for given in scripts.given] == ["a", "b"]
        assert scripts.given[0]["x"] == "2"
        assert scripted.transform(outside, "S", NOTHING, {}) is NOTHING

    def test_a_script_of_lists_is_run_once(self):
        """MAP-043: also without a value."""
        scripts = Recorder("r", args=ARGS, tags=["transformer", "entirelist"])
        assert scripted.transform(Outside(scripts=scripts), "S", NOTHING, {}) == "r"
        assert scripted.transform(Outside(scripts=scripts), "S", [1], {}) == "r"
        assert [given["value"] for given in scripts.given] == [None, [1]]

    @pytest.mark.parametrize(("answer", "passes"), [(True, True), ("yes", True), ("False", False), (None, False)])
    def test_a_script_filters(self, answer, passes):
        scripts = Recorder(answer, args=ARGS)
        assert scripted.passes(Outside(scripts=scripts), "S", "l", NOTHING) is passes
        assert scripts.given == [{"left": "l", "right": None, "x": "d"}]

    def test_a_script_may_be_missing_or_of_another_language(self):
        """MAP-063."""
        for outside in (Outside(), Outside(scripts=Recorder(None))):
            with pytest.raises(OperatorFailed, match="unknown operator"):
                scripted.find(outside, "Other")
        with pytest.raises(OperatorFailed, match="javascript"):
            scripted.find(Outside(scripts=Recorder(None, type="javascript")), "S")

    def test_a_mapper_names_a_script(self):
        """MAP-063: within an expression, as transformer and as filter."""
        outside = Outside(scripts=Recorder(True, args=ARGS))
        rule = {"complex": {"root": "a", "transformers": [{"operator": "general.S"}]}}
        assert mapped(rule, {"a": "x"}, outside=outside).fields == {"note": "true"}
        condition = {"operator": "S", "left": argument("a", context=True), "right": None}
        assert mapped({"complex": {"root": "a", "filters": [[condition]]}}, {"a": "x"}, outside=outside).fields == {
            "note": "x"
        }


class TestPlaces:
    @pytest.mark.parametrize(
        ("path", "source"),
        [("a.b", {"a": [{"b": [None]}]}), ("a.[0]", {"a": None}), ("a.[0]", {"a": [None]}), ("a.[2:3]", {"a": [1]})],
    )
    def test_nothing_is_found_among_nulls(self, path, source):
        """MAP-003, MAP-006, MAP-010."""
        assert produce(compile_expression({"simple": path}), source) is NOTHING

    def test_an_empty_mirror_value_is_none(self):
        """MIR-100."""
        assert mapped({"simple": "d"}, {"d": ""}, key="dbotMirrorDirection").mirror == {}

    def test_a_classifier_is_compiled_once(self):
        """Its transformer is kept with it."""
        found = items.parse("classifier", {"id": "c", "transformer": {"simple": "k"}, "keyTypeMap": {"a": "T"}})
        assert [classify({"k": k}, found) for k in ("a", "b")] == ["T", "Unclassified"]

    @pytest.mark.parametrize(
        ("operator", "value", "args"), [("atIndex", [1], {}), ("MapValuesTransformer", "a", {"input_values": "a"})]
    )
    def test_a_missing_argument_is_named(self, operator, value, args):
        with pytest.raises(OperatorFailed, match="is missing"):
            transformers.apply(transformers.KNOWN[operator], value, Arguments(args))

    @pytest.mark.parametrize(("value", "kept"), [({}, False), ([], False), ([{}], False), ([1, 2], True), (0, True)])
    def test_what_is_empty_is_set(self, value, kept):
        """content.md §4.2 row 21."""
        found = transformers.apply(transformers.KNOWN["SetIfEmpty"], value, Arguments({"defaultValue": "d"}))
        assert found == (value if kept else "d")

    def test_replacing_nothing_changes_nothing(self):
        """MAP-046."""
        assert transformers.apply(transformers.KNOWN["replace"], "abc", Arguments({})) == "abc"

    def test_a_list_within_a_list_is_no_key_of_a_table(self):
        """content.md §4.2 row 12: a list given as one value is unchanged."""
        table = Arguments({"input_values": "a", "mapped_values": "x"})
        assert transformers.apply(transformers.KNOWN["MapValuesTransformer"], [["a"]], table) == ["a"]

    @pytest.mark.parametrize("text", ["(val", "val[1", "val ? 1"])
    def test_an_expression_that_does_not_close_fails(self, text):
        with pytest.raises(OperatorFailed, match="lacks"):
            script.compile_script(text)("")

    def test_two_lists_are_the_same_only_when_they_are_one(self):
        """As in JavaScript."""
        assert script.compile_script("val == val")([1]) is True
        assert script.compile_script("val == [1]")([1]) is False


class TestWithoutChance:
    """What generated cases reach only now and then."""

    @pytest.mark.parametrize(("value", "number"), [([None, "3"], 3), ([], None), ([[7]], 7)])
    def test_of_a_list_the_first_counts(self, value, number):
        """content.md §5.3."""
        assert casting.cast("number", value) == number

    @pytest.mark.parametrize("rule", ["path", None, 7, [], {"simple": " "}])
    def test_what_is_no_expression_maps_nothing(self, rule):
        """MAP-016, MAP-025."""
        assert produce(compile_expression(rule), {"path": 1}) is NOTHING

    def test_scripts_and_templates_are_told_by_what_they_are_made_of(self):
        """An empty result of theirs empties the field only when the source has something."""
        assert produce(compile_expression({"simple": ".=val.a"}), {"a": []}) == []
        with pytest.raises(StepFailed):
            produce(compile_expression({"simple": ".=val.a.b"}), {})
        template = compile_expression({"simple": "x ${a.b} y"})
        assert (template.told({"a": {"b": 1}}), template.told({})) == (True, False)
        assert template.reads == {"a"}

    @pytest.mark.parametrize(
        ("text", "val"), [("val.[1]", {}), ("val 1", {}), ("[1", {}), ("1 -", {}), ("3 - 'x'", {})]
    )
    def test_odd_expressions_are_refused_by_the_small_evaluator(self, text, val):
        """content.md §7.3."""
        with pytest.raises(OperatorFailed):
            script.compile_script(text)(val)

    @pytest.mark.parametrize(
        ("text", "val", "result"),
        [
            ("5 - 2", None, 3),
            ("6 / 4", None, 1.5),
            ("2 * 3", None, 6),
            ("null + 'x'", None, "nullx"),
            ("val < 1", None, True),
            ("'x' < val", [1], False),
            ("'' + val", [None, "a"], ",a"),
            ("'' + val", {}, "[object Object]"),
            ("'a' == 1", None, False),
            ("'' == 0", None, True),
            ("true == '1'", None, True),
            ("false == null", None, False),
        ],
    )
    def test_values_become_what_javascript_makes_of_them(self, text, val, result):
        """content.md §7.3."""
        assert script.compile_script(text)(val) == result
