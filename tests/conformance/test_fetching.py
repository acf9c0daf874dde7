"""What cannot be had is told from what is broken here: only the former is a reason to do without a reader."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.fetching import Unavailable, fetch

_FETCH: Final = {"package.json": ["npm", "install", "--ignore-scripts"], "Cargo.toml": ["cargo", "fetch"]}


def fetch_what_says(text: str, folder: Path) -> None:
    """Run what says this and fails."""
    (folder / "said").write_text(text)
    fetch([sys.executable, "-c", "import sys; sys.exit(open('said').read())"], folder)


@pytest.mark.parametrize(
    "text",
    [
        "npm error FetchError: request to https://a.test/b failed, reason: connect ECONNREFUSED 127.0.0.1:9",
        "npm error code ENOTFOUND\nnpm error network request to https://a.test/b failed, reason: getaddrinfo",
        "npm ERR! network request to https://a.test/b failed, reason: getaddrinfo EAI_AGAIN a.test",
        "npm error network request to http://a.test/b failed, reason: socket hang up",
        "npm error code ERR_SOCKET_TIMEOUT\nnpm error network This is a problem related to network connectivity.",
        "npm error network timeout at: https://a.test/b",
        "npm error code E503\nnpm error 503 Service Unavailable - GET http://a.test/b",
        "npm ERR! code E429\nnpm ERR! 429 Too Many Requests - GET http://a.test/b",
        "error: failed to get `b`\n\nCaused by:\n  failed to download from `https://a.test`\n\nCaused by:\n  [7] Could",
        "  failed to get successful HTTP response from `http://a.test/config.json` (127.0.0.1), got 502\n  body:",
        "  failed to get 200 response from `https://a.test/b`, got 503",
        "  network failure seems to have happened\n  if a proxy or similar is necessary",
    ],
)
def test_a_registry_that_does_not_answer_is_a_reason_to_do_without(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="failed"):
        fetch_what_says(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "npm error code ETARGET\nnpm error notarget No matching version found for midi-file@9.9.9.",
        "npm error code E404\nnpm error 404 Not Found - GET http://a.test/b",
        "error: no matching package named `midly` found\nlocation searched: crates.io index",
        'error: failed to select a version for the requirement `midly = "=9.9.9"`',
        "  failed to get successful HTTP response from `http://a.test/b` (127.0.0.1), got 404",
        "error: failed to verify the checksum of `midly v0.5.3`",
        "nobody knows",
    ],
)
def test_anything_else_is_a_failure_that_says_what_the_tool_said(text: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as failure:
        fetch_what_says(text, tmp_path)
    assert text in str(failure.value)


@pytest.mark.parametrize("file", _FETCH)
def test_a_file_of_ours_with_a_syntax_error_is_a_failure(file: str, tmp_path: Path) -> None:
    if shutil.which(_FETCH[file][0]) is None:
        pytest.skip(f"{_FETCH[file][0]} is not installed")
    (tmp_path / file).write_text("{[")
    with pytest.raises(RuntimeError, match=rf"(?i){file}|json"):
        fetch(_FETCH[file], tmp_path)
