"""What an instance keeps between commands: its context, its fetch state, its mirror state."""

import json
import random
import threading
import time

from csp import logs, server, structures
from csp.errors import DemistoException
from csp.host import demisto

CONTEXT_UPDATE_RETRY_TIMES = 3
MIN_VERSION_FOR_VERSIONED_CONTEXT = "6.0.0"
MIN_VERSION_FOR_MIRROR_RUN = "6.6.0"
MIN_VERSION_FOR_FEED_LAST_RUN = "5.5.0"

# A version that never clashes: the server overwrites whatever is there.
ANY_VERSION = -1


def is_versioned_context_available():
    """Whether the server counts the versions of the context and refuses to write over a newer one."""
    return server.is_at_least(MIN_VERSION_FOR_VERSIONED_CONTEXT)


def get_integration_context(sync=True, with_version=False):
    """The instance's stored dict; with with_version {"context": it, "version": its number}, where the server counts versions."""
    if not is_versioned_context_available():
        return demisto.getIntegrationContext()
    context, version = get_integration_context_with_version(sync)
    return {"context": context, "version": version} if with_version else context


def get_integration_context_with_version(sync=True):
    """(context, version); version -1 when the server has none or when it is not to be asked (sync false)."""
    if not is_versioned_context_available():
        return demisto.getIntegrationContext(), ANY_VERSION
    stored = demisto.getIntegrationContextVersioned(sync)
    return stored.get("context") or {}, stored.get("version", ANY_VERSION) if sync else ANY_VERSION


def set_integration_context(context, sync=True, version=ANY_VERSION):
    """Store the dict; ValueError when the server holds a newer version than the one named."""
    demisto.debug("Storing the integration context")
    if is_versioned_context_available():
        return demisto.setIntegrationContextVersioned(context, version, sync)
    return demisto.setIntegrationContext(context)


def update_integration_context(context, object_keys=None, sync=True):
    """(stored context with these values merged in, version it was read with).

    Each value is stored as JSON text. A list named in object_keys {name: key} is merged with the stored one by that key.
    """
    merged, version = get_integration_context_with_version(sync)
    for name, value in context.items():
        if name in (object_keys or {}):
            value = structures.merge_lists(json.loads(merged.get(name) or "[]"), value, object_keys[name])
        merged[name] = json.dumps(value)
    return merged, version


def set_to_integration_context_with_retries(
    context, object_keys=None, sync=True, max_retry_times=CONTEXT_UPDATE_RETRY_TIMES
):
    """Merge the values into the stored context (see update_integration_context) and write it, against other writers.

    When someone wrote in between, it reads and merges again after 1 to 100 ms; Exception after max_retry_times tries.
    """
    for _ in range(max_retry_times):
        merged, version = update_integration_context(context, object_keys, sync)
        try:
            set_integration_context(merged, sync, version)
            return
        except ValueError as err:
            demisto.debug(f"The integration context is newer than version {version}, trying again: {err}")
            time.sleep(random.randint(1, 100) / 1000)
    raise Exception(f"Failed to update the integration context in {max_retry_times} tries")  # noqa: TRY002 - callers catch it


def get_last_mirror_run():
    """The dict that the mirror commands keep between polls, {} at first; DemistoException on a server older than 6.6.0."""
    _needs_mirror_run()
    return demisto.getLastMirrorRun() or {}


def set_last_mirror_run(last_mirror_run):
    """Store the mirror commands' dict; DemistoException on a server older than 6.6.0."""
    _needs_mirror_run()
    demisto.setLastMirrorRun(last_mirror_run)


def _needs_mirror_run():
    if not server.is_at_least(MIN_VERSION_FOR_MIRROR_RUN):
        raise DemistoException(f"The last mirror run needs a server of version {MIN_VERSION_FOR_MIRROR_RUN} or later")


def get_feed_last_run():
    """The dict that the last fetch of indicators stored, {} at first."""
    return demisto.getLastRun() or {}


def set_feed_last_run(last_run_indicators):
    """Store the dict for the next fetch of indicators."""
    demisto.setLastRun(last_run_indicators)


def support_multithreading():
    """Let one thread at a time talk to the server, so that threads may use `demisto`."""
    call = getattr(demisto, "_Demisto__do", None)
    if call is None or getattr(call, "is_locked", False):
        return
    lock = threading.Lock()

    def locked(*args, **kwargs):
        if not lock.acquire(timeout=60):
            raise RuntimeError("the server did not answer another thread's call for 60 s")
        try:
            return call(*args, **kwargs)
        finally:
            lock.release()

    locked.is_locked = True
    demisto.lock = lock
    demisto._Demisto__do = locked
    logs.LOG("calls to the server are locked")
