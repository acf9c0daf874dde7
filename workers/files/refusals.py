"""What an object store's refusal means: how a PUT failed, and what to do.

obstore tells all that it knows: URLs, which may be signed, and what the server answered, which may quote credentials.
Of that, only a status, the code of an error and what is written here goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ASKS_FOR_CREDENTIALS: Final = re.compile(
    r"Error performing [A-Z]+ https?://(169\.254\.|metadata\.|sts\.|\S+/oauth2/)"
)
_STATUS: Final = re.compile(r"status code: (\d{3}) ([A-Z][A-Za-z -]*)")
_CODE: Final = re.compile(r"<Code>([A-Za-z.]{1,80})</Code>")

_DENIED_STATUSES: Final = {401, 403}
_DENIED_CODES: Final = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
_THIS_OBJECT_ONLY_STATUSES: Final = {413, 414}
_THIS_OBJECT_ONLY_CODES: Final = {
    "EntityTooLarge",
    "InvalidURI",
    "KeyTooLongError",
    "XMinioInvalidObjectName",
}

_NO_CREDENTIALS: Final = (
    "no credentials are set, nor had from this machine. Set them, or give it a role that has them"
)
_WRONG_CREDENTIALS: Final = "Correct the credentials, or what they may do there"
_WRONG_REGION: Final = "Correct AWS_REGION, or the endpoint"
_WHAT_TO_DO_BY_CODE: Final = {
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "PermanentRedirect": _WRONG_REGION,
    "RequestTimeTooSkewed": "Set this machine's clock",
} | dict.fromkeys(_DENIED_CODES, "Renew the credentials")
_WHAT_TO_DO_BY_STATUS: Final = {
    301: _WRONG_REGION,
    307: _WRONG_REGION,
    401: _WRONG_CREDENTIALS,
    403: _WRONG_CREDENTIALS,
    404: "Create the bucket, or correct MIDI_INGEST_STORE",
}

# In this order: the first that is found anywhere in an error of obstore's says the most.
_WITHOUT_STATUS: Final = {
    "Received redirect without LOCATION": f"it is in another region. {_WRONG_REGION}",
    "UnknownIssuer": "its certificate is signed by nobody known here. Name that authority's in SSL_CERT_FILE",
    "InvalidCertificate": "its certificate does not fit. Correct the endpoint, or the certificate",
    "dns error": "its name is not known. Correct the endpoint, unless the network is away",
    "ConnectionRefused": "nobody listens there",
    "kind: Timeout,": "it does not answer in time",
    "kind: Connect,": "it cannot be reached",
    "kind: Interrupted,": "the connection was cut",
    "kind: Request,": "the connection was cut",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object was not written: in ``words``, which end in what to do, if anything is known.

    ``denied`` asks for other credentials; with ``this_object_only``, others may well be written.
    """

    words: str
    denied: bool = False
    this_object_only: bool = False


def refusal_in(told: str) -> Refusal:
    """The refusal in the text of an error of obstore's."""
    if _ASKS_FOR_CREDENTIALS.search(told):
        return Refusal(_NO_CREDENTIALS, denied=True)
    found = _STATUS.search(told)
    if found is None:
        why = next((words for sign, words in _WITHOUT_STATUS.items() if sign in told), "it cannot be reached")
        return Refusal(why)
    status, reason = int(found[1]), found[2].strip()
    code = said[1] if (said := _CODE.search(told)) else ""
    what_to_do = _WHAT_TO_DO_BY_CODE.get(code) or _WHAT_TO_DO_BY_STATUS.get(status)
    answered = f"{status} {reason}" + (f", {code}" if code else "")
    return Refusal(
        f"{answered}. {what_to_do}" if what_to_do else answered,
        denied=status in _DENIED_STATUSES or code in _DENIED_CODES,
        this_object_only=status in _THIS_OBJECT_ONLY_STATUSES or code in _THIS_OBJECT_ONLY_CODES,
    )
