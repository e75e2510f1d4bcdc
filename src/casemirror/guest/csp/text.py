"""Texts: spelling of names, joining of URLs, base64, escaping for Markdown."""

import base64
import re


def pascalToSpace(s):
    """'PascalCaseName' → 'Pascal Case Name'; whatever is no text comes back as it is."""
    if not isinstance(s, str):
        return s
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", s)
    return spaced[:1].upper() + spaced[1:]


def string_to_table_header(string):
    """'some_field name' → 'Some Field Name'; Exception for anything but a text."""
    if not isinstance(string, str):
        raise Exception(f"a table header must be made of a string, not of {type(string)}")  # noqa: TRY002 - callers catch it
    return " ".join(word.capitalize() for word in string.replace("_", " ").split())


def string_to_context_key(string):
    """'some_field name' → 'SomeFieldName'; Exception for anything but a text."""
    if not isinstance(string, str):
        raise Exception(f"a context key must be made of a string, not of {type(string)}")  # noqa: TRY002 - callers catch it
    return "".join(word.capitalize() for word in string.replace("_", " ").split())


def camelize_string(src_str, delim="_", upper_camel=True):
    """'some_field' → 'SomeField', or 'someField' when upper_camel is false."""
    if not src_str:
        return src_str
    camel = "".join(word.capitalize() for word in src_str.split(delim))
    return camel if upper_camel else camel[:1].lower() + camel[1:]


def underscoreToCamelCase(s, upper_camel=True):
    """'some_field' → 'SomeField'; whatever is no text comes back as it is."""
    return camelize_string(s, "_", upper_camel) if isinstance(s, str) else s


def camel_case_to_underscore(s):
    """'someField' → 'some_field'."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z0-9])(?=[A-Z][a-z])", "_", s).lower()


def urljoin(url, suffix=""):
    """Both parts with exactly one slash between them. Not urllib's: a leading slash of the suffix does not start at the root."""
    joined = url if url.endswith("/") else url + "/"
    return joined + (suffix[1:] if suffix.startswith("/") else suffix)


def b64_encode(text):
    """Text (as UTF-8) or bytes → base64 text; '' for nothing."""
    if not text:
        return ""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    return base64.b64encode(data).decode("ascii")


def encode_string_results(text):
    """Text as it is; what is no text as its text."""
    return text if isinstance(text, str) else str(text)


def stringEscapeMD(st, minimal_escaping=False, escape_multiline=False):
    """Escape what Markdown would take for markup.

    minimal_escaping   only the bar, which would end a table's cell
    escape_multiline   line breaks become <br>, so that a cell stays one line
    """
    if escape_multiline:
        st = st.replace("\r\n", "<br>").replace("\r", "<br>").replace("\n", "<br>")
    special = r"\|" if minimal_escaping else r"[\\`*_{}\[\]()#+\-|!]"
    return re.sub(special, lambda found: "\\" + found.group(), st)


def stringUnEscape(st):
    """Turn the written forms \\r, \\n and \\t back into the characters."""
    return st.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")


def create_clickable_url(url, text=None):
    """Markdown link(s) for a URL or a list of them, shown as `text` (or as themselves); None for nothing."""
    if not url:
        return None
    if not isinstance(url, list):
        return f"[{text or url}]({url})"
    texts = text if isinstance(text, list) else url
    return [f"[{shown}]({link})" for shown, link in zip(texts, url, strict=True)]


def url_to_clickable_markdown(data, url_keys):
    """Copy of nested data in which the values of the named keys are Markdown links."""
    if isinstance(data, list):
        return [url_to_clickable_markdown(item, url_keys) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        key: create_clickable_url(value) if key in url_keys else url_to_clickable_markdown(value, url_keys)
        for key, value in data.items()
    }


def hash_djb2(s, seed=5381):
    """Bernstein's hash of a text, 32 bits."""
    for char in s:
        seed = (seed * 33 + ord(char)) & 0xFFFFFFFF
    return seed


def shorten_string_for_printing(source_string, max_length=64):
    """The text with its middle left out (…) when it is longer than max_length characters; None for None."""
    if source_string is None or len(source_string) <= max_length:
        return source_string
    dots = "..."
    kept = max(max_length - len(dots), 0)
    tail = kept // 2
    return source_string[: kept - tail] + dots + source_string[len(source_string) - tail :]
