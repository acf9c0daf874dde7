"""The guard: lets a callback in once an alternative of `MIDI_INGEST_ORIGIN` holds, as early as that is certain."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeVar

from ingest.given import quoted
from ingest.origin import keyring
from ingest.origin.addresses import is_loopback
from ingest.origin.keyring import OriginError
from ingest.origin.registry import VERIFIERS
from ingest.origin.settings import NONE, OriginSettings
from ingest.origin.verifier import Claim, Covers, Head, NotVerified, Verifier

_Alternative = TypeVar("_Alternative")


@dataclass(frozen=True, slots=True)
class Pending:
    """How far the verification of one request is.

    ``alternatives`` are the claims that are still to be checked: those of one alternative have to hold. There
    are none where all is decided; then ``verified`` tells whether the origin was proved, or nobody asked.
    """

    verified: bool
    alternatives: Sequence[Sequence[Claim]] = ()

    def body(self, body: bytes) -> Pending:
        """What is left once the raw body has been checked; to be called before it is parsed.

        Raises:
            NotVerified: no alternative can hold any more.
        """
        return self._after(Covers.BODY, body) if self.alternatives else self

    def task_id(self, task_id: str) -> Pending:
        """What is decided now that the task id, which the body has told, has been checked too.

        Raises:
            NotVerified: no alternative holds.
        """
        return (
            self._after(Covers.TASK_ID, task_id.encode(errors="surrogatepass")) if self.alternatives else self
        )

    def _after(self, seen: Covers, covered: bytes) -> Pending:
        def check(claims: Sequence[Claim]) -> Sequence[Claim]:
            for claim in claims:
                if claim.covers is seen:
                    claim.check(covered)
            return [claim for claim in claims if claim.covers is not seen]

        return _any_of(self.alternatives, check)


UNASKED: Final = Pending(verified=False)
VERIFIED: Final = Pending(verified=True)


def _any_of(alternatives: Iterable[_Alternative], step: Callable[[_Alternative], Sequence[Claim]]) -> Pending:
    """What is left after a step: nothing, as soon as an alternative has no claim left that is to be checked."""
    left, refusals = [], []
    for alternative in alternatives:
        try:
            claims = step(alternative)
        except NotVerified as refusal:
            refusals.append(str(refusal))
            continue
        if not claims:
            return VERIFIED
        left.append(claims)
    if not left:
        raise NotVerified(" Or: ".join(dict.fromkeys(refusals)))
    return Pending(verified=False, alternatives=left)


class Guard:
    """Verifies the origin of callbacks in up to three steps: the head, the raw body, the task id.

    It never changes, so that a request keeps the one it began with; new secrets are a new guard.

    Raises:
        OriginError: a chosen verifier has no secret, or one that cannot be used; one that is not chosen has.
    """

    def __init__(self, settings: OriginSettings) -> None:
        self._settings = settings
        names = list(dict.fromkeys(chain.from_iterable(settings.origin or ())))
        _refuse_unused_secrets(settings, names)
        secrets = {name: keyring.read(settings, VERIFIERS[name].secrets) for name in names}
        verifiers = {name: _verifier(name, settings, secrets[name]) for name in names}
        self.files = {
            variable: len(secrets[name])
            for name in names
            if (variable := keyring.file_variable(settings, VERIFIERS[name].secrets))
        }
        """How many secrets were read from the file that each of these settings names."""
        self._alternatives = tuple(
            tuple(verifiers[name] for name in alternative) for alternative in settings.origin or ()
        )
        self.verifies = bool(names)
        """Whether anything is verified at all."""
        self.takes_token = any(VERIFIERS[name].takes_token for name in names)
        """Whether callbacks may be posted to ``<path>/<token>``."""

    def head(self, head: Head) -> Pending:
        """What is left to be checked after the head of a request, before a byte of its body is read.

        Raises:
            NotVerified: no alternative can hold any more.
        """
        if not self._alternatives:
            return UNASKED
        return _any_of(self._alternatives, lambda verifiers: _claims(verifiers, head))

    def reread(self) -> Guard:
        """A guard with the same settings and the secrets that their files have now.

        Raises:
            OriginError: a file cannot be read, or has a secret that cannot be used.
        """
        return Guard(self._settings)


def refuse_exposure(settings: OriginSettings, host: str) -> None:
    """Do nothing where an origin is chosen, or only this machine can post to ``host``.

    Raises:
        OriginError: anybody could post there, and nobody said that this is meant; or there is no such address.
    """
    if settings.origin is None and not is_loopback(host):
        _require_address(host)
        raise OriginError(
            f"MIDI_INGEST_ORIGIN: MIDI_INGEST_HOST={host} can be reached by others, so say how callbacks are "
            f"verified, such as MIDI_INGEST_ORIGIN=url-token with a secret in MIDI_INGEST_URL_TOKENS; or "
            f"MIDI_INGEST_ORIGIN={NONE}, where anybody may post."
        )


def _require_address(host: str) -> None:
    """Tell a name that is mistyped from one that others can reach."""
    try:
        socket.getaddrinfo(host or None, 0)
    except (OSError, UnicodeError):
        raise OriginError(f"MIDI_INGEST_HOST: no address is known for the name {quoted(host)}.") from None


def _claims(verifiers: Sequence[Verifier], head: Head) -> Sequence[Claim]:
    return [claim for verifier in verifiers if (claim := verifier.read(head)) is not None]


def _verifier(name: str, settings: OriginSettings, secrets: Sequence[str]) -> Verifier:
    kind = VERIFIERS[name]
    try:
        return kind.make(settings, secrets)
    except ValueError as error:
        source, *_ = keyring.sources(settings, kind.secrets)
        raise OriginError(f"{source}: {error}.") from None


def _refuse_unused_secrets(settings: OriginSettings, names: Sequence[str]) -> None:
    """Refuse secrets that protect nothing: whoever gave them believes that they do."""
    for name, kind in VERIFIERS.items():
        if name not in names and (sources := keyring.sources(settings, kind.secrets)):
            raise OriginError(f"{sources[0]}: it is set, but MIDI_INGEST_ORIGIN does not choose {name}.")
