"""The connection to GitHub: one repository, one token, patience where it helps.

Promises that rate limits are waited for up to `Patience.longest_wait`, that what can be repeated is tried
again after a lost connection or a fault of the server, and that what creates something is not: whoever
creates looks first whether it is there already, and tries again as a whole (`again`).
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from githubkit import GitHub
    from githubkit.exception import GitHubException
    from githubkit.response import Response
    from githubkit.typing import RetryOption

AGENT = "golf-referee"
PAGE = 100
_PAGES = 50
_REPEATABLE = frozenset({"GET", "PATCH", "PUT", "DELETE"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """When a request is made again, and after how long."""

    tries: int = 5
    unit_seconds: float = 1.0
    """First wait after a fault; each further one is twice as long, with jitter."""
    longest_wait: timedelta = timedelta(minutes=16)
    """A rate limit that lasts longer is an error."""

    def __call__(self, fault: GitHubException, count: int) -> RetryOption:
        """Say whether to try once more, as githubkit asks."""
        from githubkit.exception import RateLimitExceeded
        from githubkit.typing import RetryOption

        if count >= self.tries:
            return RetryOption(False)
        if isinstance(fault, RateLimitExceeded):
            return RetryOption(fault.retry_after <= self.longest_wait, fault.retry_after)
        if is_fleeting(fault) and _method(fault) in _REPEATABLE:
            return RetryOption(True, timedelta(seconds=self.pause(count)))
        return RetryOption(False)

    def pause(self, count: int) -> float:
        """Return how many seconds to wait after fault number `count`, from 0."""
        return float(self.unit_seconds * 2**count * random.uniform(0.75, 1.25))


def is_fleeting(fault: Exception) -> bool:
    """Tell whether the same request may well succeed a little later."""
    import httpx
    from githubkit.exception import RateLimitExceeded, RequestError, RequestFailed

    if isinstance(fault, httpx.HTTPStatusError):
        return fault.response.status_code >= 500
    if isinstance(fault, RequestFailed):
        return not isinstance(fault, RateLimitExceeded) and fault.response.status_code >= 500
    return isinstance(fault, RequestError | httpx.TransportError)


def status_of(fault: Exception) -> int | None:
    """Return the HTTP status of a failed request, None for any other fault."""
    from githubkit.exception import RequestFailed

    return fault.response.status_code if isinstance(fault, RequestFailed) else None


def _method(fault: GitHubException) -> str:
    """Return the method of the request that failed, empty when nobody knows."""
    request = getattr(fault, "request", None)
    if request is None:
        try:
            request = getattr(getattr(fault, "exc", None), "request", None)
        except RuntimeError:  # httpx raises where a fault has no request
            request = None
    return str(getattr(request, "method", ""))


@dataclass(frozen=True, slots=True)
class Client:
    """One repository on GitHub."""

    api: GitHub[Any]
    owner: str
    name: str
    patience: Patience
    token: str = field(default="", repr=False)

    @property
    def slug(self) -> str:
        """Return `owner/name`."""
        return f"{self.owner}/{self.name}"

    def pages(self, call: Callable[..., Response[Any, Any]], *path: Any, **query: Any) -> Iterator[Any]:
        """Yield every item of a listing, page by page, up to a cap that no honest listing reaches."""
        for page in range(1, _PAGES + 1):
            answer = call(self.owner, self.name, *path, per_page=PAGE, page=page, **query).json()
            items = answer if isinstance(answer, list) else _items(answer)
            yield from items
            if len(items) < PAGE:
                return

    def fetch(self, path: str, cap: int) -> bytes:
        """Return what lies at a path of the repository, one byte more than `cap` at most.

        githubkit reads an answer whole, however large it is; the token is not sent on to another host.
        """
        import httpx

        data = bytearray()
        url = f"{str(self.api.config.base_url).rstrip('/')}/repos/{self.slug}/{path}"
        head = {"User-Agent": AGENT, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        with httpx.stream("GET", url, headers=head, follow_redirects=True, timeout=60) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(1 << 16):
                data += chunk
                if len(data) > cap:
                    break
        return bytes(data[: cap + 1])

    def again(self, work: Callable[[], T]) -> T:
        """Do work that creates something; after a fleeting fault start over, looking first what is there."""
        for count in range(self.patience.tries):
            try:
                return work()
            except Exception as fault:
                if not is_fleeting(fault) or count + 1 == self.patience.tries:
                    raise
                time.sleep(self.patience.pause(count))
        raise AssertionError("unreachable")


def connect(slug: str, *, token: str | None = None, patience: Patience = Patience()) -> Client:
    """Return a client for `owner/name`; token and address come from the environment, as in Actions."""
    from harness.report.links import require_slug

    try:
        from githubkit import GitHub
        from githubkit.auth import TokenAuthStrategy, UnauthAuthStrategy
    except ImportError as error:
        raise UserError("GitHub is spoken to with githubkit", "pip install 'golf-referee[github]'") from error
    owner, name = require_slug(slug).split("/")
    secret = token if token is not None else os.environ.get("GITHUB_TOKEN", "")
    api: GitHub[Any] = GitHub(
        TokenAuthStrategy(secret) if secret else UnauthAuthStrategy(),
        base_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        user_agent=AGENT,
        timeout=30,
        auto_retry=patience,
        http_cache=False,
    )
    return Client(api, owner, name, patience, secret)


def _items(answer: dict[str, Any]) -> list[Any]:
    """Return the list that a listing wraps (`artifacts`, `check_runs`)."""
    return next((value for value in answer.values() if isinstance(value, list)), [])
