"""The HTTP client that integrations subclass."""

import json
import os
import ssl
import xml.etree.ElementTree as ET

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from csp import proxy as proxies
from csp import server, text
from csp.errors import DemistoException
from csp.host import demisto

DEFAULT_TIMEOUT_S = 60

# OpenSSL's switch for servers without secure renegotiation; `ssl` has a name for it from Python 3.12 on.
OP_LEGACY_SERVER_CONNECT = 0x4

# What a person is told, by the exception of requests; the first that fits. The opening words are what support articles quote.
HINTS = (
    (
        requests.exceptions.ConnectTimeout,
        "Connection Timeout Error - the server URL may be wrong, or this host cannot reach the server.",
    ),
    (
        requests.exceptions.SSLError,
        "SSL Certificate Verification Failed - if the certificate is to be accepted, select the 'Trust any certificate' "
        "checkbox of the instance.",
    ),
    (
        requests.exceptions.ProxyError,
        "Proxy Error - if the instance's 'Use system proxy' checkbox is selected, clear it or check the proxy's address.",
    ),
    (
        requests.exceptions.RetryError,
        "Max Retries Error - the server answered every try with an error.",
    ),
    (
        requests.exceptions.ConnectionError,
        "Connection Error - verify that the server URL is right and that this host can reach the server.",
    ),
)


class LaxTlsAdapter(HTTPAdapter):
    """Transport for instances that trust any certificate: it also takes the old ciphers that Python 3.10 stopped to offer."""

    def __init__(self, verify=True, **kwargs):
        self._context = _lax_context() if not verify else None
        super().__init__(**kwargs)

    def init_poolmanager(self, *args, **kwargs):
        if self._context:
            kwargs["ssl_context"] = self._context
        return super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, *args, **kwargs):
        if self._context:
            kwargs["ssl_context"] = self._context
        return super().proxy_manager_for(*args, **kwargs)


def _lax_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=1")
    context.options |= OP_LEGACY_SERVER_CONNECT
    return context


class BaseClient:
    """HTTP client over one `requests.Session`.

    base_url   what url_suffix is joined to
    verify     False: any certificate, and the environment's CA bundles are dropped
    proxy      False: the environment's proxies are dropped
    ok_codes   accepted statuses; () accepts what requests calls ok
    headers, auth   used where a call gives none of its own
    timeout    seconds; the environment's REQUESTS_TIMEOUT.<integration> or REQUESTS_TIMEOUT overrules it
    """

    # for subclasses that do not call __init__
    timeout = DEFAULT_TIMEOUT_S
    _ok_codes = ()
    _headers = None
    _auth = None
    _verify = True

    def __init__(
        self, base_url, verify=True, proxy=False, ok_codes=(), headers=None, auth=None, timeout=DEFAULT_TIMEOUT_S
    ):
        self._base_url = base_url
        self._verify = verify
        self._ok_codes = ok_codes
        self._headers = headers
        self._auth = auth
        self._session = requests.Session()
        self.timeout = _timeout_from_environment(timeout)
        if not proxy:
            proxies.skip_proxy()
        if not verify:
            proxies.skip_cert_verification()
            self._session.mount("https://", LaxTlsAdapter(verify=False))

    def _http_request(
        self,
        method,
        url_suffix="",
        full_url=None,
        headers=None,
        auth=None,
        json_data=None,
        params=None,
        data=None,
        files=None,
        timeout=None,
        resp_type="json",
        ok_codes=None,
        return_empty_response=False,
        retries=0,
        status_list_to_retry=None,
        backoff_factor=5,
        raise_on_redirect=False,
        raise_on_status=False,
        error_handler=None,
        empty_valid_codes=None,
        **kwargs,
    ):
        """One request; gives what resp_type says, DemistoException for every failure.

        resp_type               json (dict, list) · text · content (bytes) · xml (checked, then the response) · response
        return_empty_response   give the response itself for the statuses in empty_valid_codes (204)
        retries                 further tries after a failed connection or a status in status_list_to_retry,
                                waiting backoff_factor · 2ⁿ seconds
        error_handler           function of the response, called in place of the exception for an unaccepted status
        kwargs                  go to requests as they are (stream, allow_redirects, …)
        """
        url = full_url or text.urljoin(self._base_url, url_suffix)
        if retries:
            self._implement_retry(retries, status_list_to_retry, backoff_factor, raise_on_redirect, raise_on_status)
        try:
            res = self._session.request(
                method,
                url,
                verify=self._verify,
                params=params,
                data=data,
                json=json_data,
                files=files,
                headers=headers if headers else self._headers,
                auth=auth if auth else self._auth,
                timeout=timeout if timeout else self.timeout,
                **kwargs,
            )
            if not self._is_status_code_valid(res, ok_codes):
                (error_handler or self.client_error_handler)(res)
            return _read(res, resp_type, return_empty_response, empty_valid_codes or (204,))
        except requests.exceptions.RequestException as err:
            raise _explained(err, retries) from err

    def _implement_retry(
        self, retries=0, status_list_to_retry=None, backoff_factor=5, raise_on_redirect=False, raise_on_status=False
    ):
        """Have the session try again by itself."""
        retry = Retry(
            total=retries,
            read=retries,
            connect=retries,
            backoff_factor=backoff_factor,
            status=retries,
            status_forcelist=status_list_to_retry,
            allowed_methods=None,  # every method: the integration asked for it
            raise_on_status=raise_on_status,
            raise_on_redirect=raise_on_redirect,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=retry))
        self._session.mount("https://", LaxTlsAdapter(verify=self._verify, max_retries=retry))

    def _is_status_code_valid(self, response, ok_codes=None):
        """Whether the status is one of ok_codes, of the client's ok_codes, or else below 400."""
        accepted = ok_codes or self._ok_codes
        return response.status_code in accepted if accepted else response.ok

    def client_error_handler(self, res):
        """Raise what an unaccepted status means: 'Error in API call [code] - reason', a line break, the body."""
        message = f"Error in API call [{res.status_code}] - {res.reason}"
        try:
            message += "\n" + json.dumps(res.json())
        except ValueError:
            message += "\n" + res.text
        raise DemistoException(message, res=res)


def _timeout_from_environment(timeout):
    name = server.get_integration_name()
    for variable in (f"REQUESTS_TIMEOUT.{name}", "REQUESTS_TIMEOUT"):
        if os.environ.get(variable):
            return float(os.environ[variable])
    return timeout


def _read(res, resp_type, return_empty_response, empty_valid_codes):
    if return_empty_response and res.status_code in empty_valid_codes:
        return res
    kind = resp_type.lower()
    try:
        if kind == "json":
            return res.json()
        if kind == "xml":
            ET.fromstring(res.text)
    except (ValueError, ET.ParseError) as err:
        raise DemistoException(f"Failed to parse {kind} object from response: {res.content}", err, res) from err
    if kind == "text":
        return res.text
    return res.content if kind == "content" else res


def _explained(err, retries):
    for kind, hint in HINTS:
        if isinstance(err, kind):
            if kind is requests.exceptions.RetryError:
                hint += f" Tries after the first one: {retries}."
            break
    else:
        return DemistoException(str(err) or type(err).__name__, err, getattr(err, "response", None))
    demisto.debug(f"{hint} {err}")
    # requests names the host and the cause, which a person needs to tell one wrong address from another
    return DemistoException(f"{hint}\nError Type: <{type(err).__name__}>\n{err}", err)
