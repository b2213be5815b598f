"""The HTTP calls of the recordings."""

from __future__ import annotations

import ast
import time
from typing import Any

import aiohttp

from helpers.lab.conformance.recording import Row
from helpers.lab.conformance.tokens import TokenMint

__all__ = ["call"]

_USER = "alg=HS256 signature=ok exp=now+3600 role=authenticated sub=11111111-1111-4111-8111-111111111111"
_OPERATOR = "alg=HS256 signature=ok exp=now+3600 role=service_role"
_ANON = "alg=HS256 signature=ok exp=now+31536000 role=anon"
_MESSAGE = {"topic": "room:h", "event": "e"}
#: Bodies of which the recorder kept only the beginning, by the label of the call.
_LONG = {
    "too big": {"messages": [{**_MESSAGE, "payload": {"s": "x" * 3_100_000}}]},
    "101 messages": {"messages": [{**_MESSAGE, "payload": {"i": number}} for number in range(101)]},
}
#: A call of which only the path was written down, with a remark.
_REMARK = " (rate limited)"


async def call(row: Row, origin: str, mint: TokenMint) -> Row:
    """Repeat a recorded call; of the answer, what the recording has of it."""
    if row["path"].endswith(_REMARK):
        row = {**row, "req_body": {"messages": [{**_MESSAGE, "payload": {}}]},
               "req_headers": {"apikey": f"<jwt {_ANON}>"}}  # fmt: skip
    began = time.monotonic()
    url = origin + "/realtime/v1" + row["path"].removesuffix(_REMARK)
    async with (
        aiohttp.ClientSession() as session,
        session.request(row["method"], url, headers=_headers(row, mint), **_body(row)) as answer,
    ):
        body = await answer.text()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        took_ms = (time.monotonic() - began) * 1000
        answered = {"status": answer.status, "resp_headers": headers, "body": body, "took_ms": took_ms}
        return {**row, **{name: value for name, value in answered.items() if name in row}}


def _headers(row: Row, mint: TokenMint) -> dict[str, str]:
    """The recorded ones. The host is the server's own; tokens in `Authorization` were cut, they were one user's."""
    headers = {name: mint.fill(value) for name, value in row.get("req_headers", {}).items() if name != "Host"}
    if "Authorization" in headers:
        headers["Authorization"] = f"Bearer {mint.token(_USER)}"
    if "/tenants/" in row["path"]:
        headers["Authorization"] = f"Bearer {mint.token(_OPERATOR)}"
    return headers


def _body(row: Row) -> dict[str, Any]:
    """What was sent: text as Python shows it, or an object."""
    body: Any = _LONG.get(row.get("label", ""), row.get("req_body"))
    if isinstance(body, str) and (body == "None" or (body[0] in "{[b" and body != "{oops")):
        body = ast.literal_eval(body)
    if body is None:
        return {}
    return {"data": body} if isinstance(body, str | bytes) else {"json": body}
