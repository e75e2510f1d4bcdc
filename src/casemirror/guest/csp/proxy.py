"""Proxy and certificate settings, which reach `requests` through environment variables of the child process."""

import os

from csp.host import demisto

PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def handle_proxy(
    proxy_param_name="proxy", checkbox_default_value=False, handle_insecure=True, insecure_param_name=None
):
    """{'http': url, 'https': url} from the environment when the instance's proxy box is on; otherwise {}, and the variables go.

    With handle_insecure the variables of own CA bundles go, too, when the insecure box (or insecure_param_name) is on:
    requests would prefer them to verify=False.
    """
    params = demisto.params()
    proxies = {}
    if params.get(proxy_param_name, checkbox_default_value):
        ensure_proxy_has_http_prefix()
        proxies = {
            "http": os.environ.get("HTTP_PROXY") or os.environ.get("http_proxy", ""),
            "https": os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy", ""),
        }
    else:
        skip_proxy()
    names = [insecure_param_name] if insecure_param_name else ["insecure", "unsecure"]
    if handle_insecure and any(params.get(name, False) for name in names):
        skip_cert_verification()
    return proxies


def ensure_proxy_has_http_prefix():
    """Put http:// in front of proxy variables that name no scheme."""
    for name in PROXY_VARIABLES:
        address = os.environ.get(name)
        if address and not address.startswith(("http://", "https://")):
            os.environ[name] = "http://" + address


def skip_proxy():
    """Take the proxy variables out of this process's environment."""
    for name in PROXY_VARIABLES:
        os.environ.pop(name, None)


def skip_cert_verification():
    """Take the variables of own CA bundles out of this process's environment."""
    for name in CA_VARIABLES:
        os.environ.pop(name, None)
