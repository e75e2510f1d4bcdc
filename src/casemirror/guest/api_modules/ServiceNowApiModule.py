"""ServiceNow's OAuth for the integrations that say `from ServiceNowApiModule import *`.

ServiceNow hands out tokens at `oauth_token.do`: a refresh token (by default good for 100 days) for a user's name and password, once; access
tokens (30 minutes) for the refresh token. Both are kept in the integration context, name and password are not.
"""

import time

from csp import context
from csp.errors import DemistoException
from csp.http import BaseClient

__all__ = ["ServiceNowClient"]

TOKEN_PATH = "oauth_token.do"

# A token this close to its end might end on the way to ServiceNow.
EXPIRY_MARGIN_S = 10

# What a token lasts when the answer does not say: ServiceNow's default.
DEFAULT_LIFE_S = 1800


class ServiceNowClient(BaseClient):
    """Client of one ServiceNow instance, by OAuth or by name and password.

    credentials                {"identifier": user, "password": …}; unused with OAuth
    use_oauth                  whether to use tokens; the user logs in once by login()
    client_id, client_secret   of the OAuth endpoint that was registered at ServiceNow
    url, verify, proxy, headers   as in BaseClient
    """

    def __init__(
        self,
        credentials=None,
        use_oauth=False,
        client_id="",
        client_secret="",
        url="",
        verify=False,
        proxy=False,
        headers=None,
    ):
        self.use_oauth = use_oauth
        self.client_id = client_id
        self.client_secret = client_secret
        credentials = credentials or {}
        auth = None if use_oauth else (credentials.get("identifier"), credentials.get("password"))
        super().__init__(base_url=url, verify=verify, proxy=proxy, headers=headers or None, auth=auth)

    def login(self, username, password):
        """Fetch a refresh token for the user and keep it; DemistoException when ServiceNow refuses."""
        # a token that is still good belongs to the user before
        self._keep({"refresh_token": None, "access_token": None, "expiry_time": 0})
        self._fetch_tokens({"grant_type": "password", "username": username, "password": password})

    def get_access_token(self):
        """An access token that is still good, fetched anew when the kept one ends; DemistoException when nobody logged in."""
        kept = context.get_integration_context() or {}
        if kept.get("access_token") and time.time() < kept.get("expiry_time", 0) - EXPIRY_MARGIN_S:
            return kept["access_token"]
        if not kept.get("refresh_token"):
            raise DemistoException(
                "No access token can be fetched: there is no refresh token yet. Run !servicenow-oauth-login with the name and "
                "password of a ServiceNow user first."
            )
        return self._fetch_tokens({"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]})

    def http_request(
        self,
        method,
        url_suffix="",
        full_url=None,
        headers=None,
        json_data=None,
        params=None,
        data=None,
        files=None,
        return_empty_response=False,
        auth=None,
        timeout=None,
    ):
        """One request with the token (or name and password); otherwise as BaseClient._http_request."""
        headers = dict(headers or self._headers or {})
        if self.use_oauth:
            headers["Authorization"] = f"Bearer {self.get_access_token()}"
        return self._http_request(
            method,
            url_suffix=url_suffix,
            full_url=full_url,
            headers=headers,
            json_data=json_data,
            params=params,
            data=data,
            files=files,
            return_empty_response=return_empty_response,
            auth=auth,
            timeout=timeout,
        )

    def _fetch_tokens(self, grant):
        """Ask for tokens, keep what comes, give the access token."""
        form = {"client_id": self.client_id, "client_secret": self.client_secret, **grant}
        asked_at = time.time()
        answer = self._http_request(
            "POST",
            url_suffix=TOKEN_PATH,
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            # a refusal comes as 401 with an `error` that says more than the status
            ok_codes=(200, 201, 400, 401),
        )
        if "error" in answer or not answer.get("access_token"):
            raise DemistoException(f"ServiceNow gave no token: {_refusal(answer)}")
        expiry_time = asked_at + float(answer.get("expires_in") or DEFAULT_LIFE_S)
        self._keep({**_tokens(answer), "expiry_time": expiry_time})
        return answer["access_token"]

    @staticmethod
    def _keep(tokens):
        """Store tokens beside whatever else the instance keeps."""
        context.set_integration_context({**(context.get_integration_context() or {}), **tokens})


def _tokens(answer):
    """The tokens in an answer; a refresh does not always bring a new refresh token, and the old one stays good."""
    return {name: answer[name] for name in ("access_token", "refresh_token") if answer.get(name)}


def _refusal(answer):
    return (
        " - ".join(str(answer[name]) for name in ("error", "error_description") if answer.get(name))
        or "no reason given"
    )
