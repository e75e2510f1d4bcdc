"""What an integration gets by `from CommonServerPython import *`: our own, under the names that integrations were written against.

This is a facade and holds no code; each subject has its module in `csp`. Names that casemirror does not offer are absent, so that an
integration fails where it asks for one. Importing does no I/O, starts no thread and asks the server nothing: a warm parent imports this
before there is a command. The child calls `begin_run()` once the parameters are known.
"""

# The integrations' own imports: many use these without importing them.
import base64
import calendar
import json
import logging
import os
import random
import re
import socket
import sys
import time
import traceback
import types
import urllib
import urllib.parse
import warnings
import xml.etree.ElementTree as ET
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Union  # noqa: UP035 - integrations use the old names

import dateparser
import requests
from csp.args import (
    arg_to_number,
    argToBoolean,
    argToList,
    get_tenant_account_name,
    remove_duplicates_from_list_arg,
    safe_load_json,
)
from csp.commands import CommandRunner, execute_command
from csp.common import Common
from csp.context import (
    CONTEXT_UPDATE_RETRY_TIMES,
    get_feed_last_run,
    get_integration_context,
    get_integration_context_with_version,
    get_last_mirror_run,
    is_versioned_context_available,
    set_feed_last_run,
    set_integration_context,
    set_last_mirror_run,
    set_to_integration_context_with_retries,
    support_multithreading,
    update_integration_context,
)
from csp.dates import (
    FormatIso8601,
    arg_to_datetime,
    date_to_timestamp,
    datetime_to_string,
    epochToTimestamp,
    formatEpochDate,
    parse_date_range,
    parse_date_string,
    timestamp_to_datestring,
)
from csp.debugging import DebugLogger, DemistoHandler, WarningsHandler
from csp.diagnostics import (
    get_message_memory_dump,
    get_message_threads_dump,
    get_size_of_object,
    register_signal_handler_profiling_dump,
)
from csp.entries import (
    INDICATOR_TYPE_TO_CONTEXT_KEY,
    EntryFormat,
    EntryType,
    IncidentSeverity,
    IncidentStatus,
    entryTypes,
    formats,
    outputPaths,
)
from csp.errors import DemistoException
from csp.host import demisto
from csp.http import BaseClient
from csp.indicator_types import DBotScoreReliability, DBotScoreType, FeedIndicatorType, auto_detect_indicator_type
from csp.indicators import IndicatorsTimeline
from csp.lines import _MODULES_LINE_MAPPING, __line__, fix_traceback_line_numbers, register_module_line
from csp.logs import LOG, IntegrationLogger, add_sensitive_log_strs, is_debug_mode, logger
from csp.lookback import (
    create_updated_last_run_object,
    filter_incidents_by_duplicates_and_limit,
    get_fetch_run_time_range,
    get_found_incident_ids,
    get_latest_incident_created_time,
    remove_old_incidents_ids,
    update_last_run_object,
)
from csp.mirroring import (
    GetMappingFieldsResponse,
    GetModifiedRemoteDataArgs,
    GetModifiedRemoteDataResponse,
    GetRemoteDataArgs,
    GetRemoteDataResponse,
    SchemeTypeMapping,
    UpdateRemoteSystemArgs,
)
from csp.params import SmartGetDict
from csp.patterns import (
    cveRegex,
    emailRegex,
    get_hash_type,
    hashRegex,
    ipv4cidrRegex,
    ipv4Regex,
    ipv6cidrRegex,
    ipv6Regex,
    is_ip_valid,
    is_ipv6_valid,
    is_mac_address,
    md5Regex,
    regexFlags,
    sha1Regex,
    sha256Regex,
    sha512Regex,
    urlRegex,
)
from csp.proxy import ensure_proxy_has_http_prefix, handle_proxy, skip_cert_verification, skip_proxy
from csp.relationships import EntityRelationship
from csp.results import (
    CommandResults,
    file_result_existing_file,
    fileResult,
    get_error,
    is_error,
    isError,
    return_error,
    return_outputs,
    return_results,
    return_warning,
)
from csp.run import begin_run
from csp.schedule import PollResult, ScheduledCommand, polling_function
from csp.scores import (
    build_dbot_entry,
    build_malicious_dbot_entry,
    create_indicator_result_with_dbotscore_unknown,
    scoreToReputation,
)
from csp.search import IndicatorsSearcher, indicators_value_to_clickable
from csp.server import (
    get_demisto_version,
    get_demisto_version_as_str,
    get_integration_instance_name,
    get_integration_name,
    get_schedule_metadata,
    is_demisto_version_ge,
)
from csp.structures import (
    appendContext,
    assign_params,
    batch,
    camelize,
    createContext,
    dict_safe_get,
    merge_lists,
    remove_empty_elements,
    remove_nulls_from_dictionary,
    replace_in_keys,
    snakify,
)
from csp.tables import JsonTransformer, aws_table_to_markdown, flattenCell, formatCell, tableToMarkdown, tblToMd
from csp.text import (
    b64_encode,
    camel_case_to_underscore,
    camelize_string,
    create_clickable_url,
    encode_string_results,
    hash_djb2,
    pascalToSpace,
    shorten_string_for_printing,
    string_to_context_key,
    string_to_table_header,
    stringEscapeMD,
    stringUnEscape,
    underscoreToCamelCase,
    url_to_clickable_markdown,
    urljoin,
)
from csp.threat_intel import ThreatIntel
from csp.vendor import (
    CONTENT_BRANCH_NAME,
    CONTENT_RELEASE_VERSION,
    AutoFocusKeyRetriever,
    get_pack_version,
    get_x_content_info_headers,
    send_events_to_xsiam,
)
from csp.xml import json2xml, xml2json
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

IS_PY3 = True
PY_VER_MINOR = sys.version_info.minor
STRING_TYPES = (str, bytes)
_requests_logger = None  # the DebugLogger of a command in debug mode

# a star import leaves out names with an underscore in front, unless they are listed
__all__ = [name for name in dir() if not name.startswith("_")] + [
    "__line__",
    "_MODULES_LINE_MAPPING",
    "_requests_logger",
]
