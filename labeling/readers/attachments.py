"""Documents carried as base64: decoded, and turned from HTML, RTF or XML into plain text."""

import base64
import binascii
import html
import re
from typing import Any

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_BREAKS = re.compile(
    r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6]|/title|/paragraph|/text|/section)\b[^>]*>", re.IGNORECASE
)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_RTF = re.compile(
    r"\\'([0-9a-f]{2})|\\u(-?\d+)\??|\\([a-z]+)(-?\d+)? ?|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.IGNORECASE,
)
_RTF_SKIPPED = {"fonttbl", "colortbl", "stylesheet", "info", "pict", "header", "footer", "*"}


class AttachmentError(ValueError):
    """An attachment that gives no text; `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def attachment_text(attachment: Any) -> str:
    """Return the text of a FHIR attachment.

    Raises
    ------
    AttachmentError
        "no_attachment", "attachment_elsewhere" (an address only), "bad_base64", "bad_text" (undecodable) or
        "no_text_attachment" (a format that holds no text we can read, such as PDF).
    """
    if not isinstance(attachment, dict):
        raise AttachmentError("no_attachment")
    data = attachment.get("data")
    if not isinstance(data, str):
        raise AttachmentError("attachment_elsewhere" if attachment.get("url") else "no_attachment")
    kind = attachment.get("contentType")
    return decode_document(data, kind if isinstance(kind, str) else "text/plain")


def decode_document(data: str, kind: str) -> str:
    """Return the text of a base64 document of the given content type."""
    media = kind.partition(";")[0].strip().lower()
    if not (media.startswith("text/") or media.endswith(("rtf", "xml", "html")) or media == ""):
        raise AttachmentError("no_text_attachment")
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise AttachmentError("bad_base64") from None
    charset = _CHARSET.search(kind)
    try:
        text = raw.decode(charset[1] if charset else "utf-8").removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        raise AttachmentError("bad_text") from None
    if "\x00" in text:
        raise AttachmentError("nul_byte")
    if media.endswith("rtf"):
        return rtf_text(text)
    return markup_text(text) if media.endswith(("html", "xml")) else text


def markup_text(text: str) -> str:
    """Return the text of HTML or XML, with line breaks where blocks end."""
    plain = _TAG.sub("", _BREAKS.sub("\n", _HIDDEN.sub("", text)))
    return re.sub(r"\n{3,}", "\n\n", html.unescape(plain)).strip()


def rtf_text(text: str) -> str:
    r"""Return the text of an RTF document.

    Examples
    --------
    >>> rtf_text(r"{\rtf1{\fonttbl{\f0 Arial;}}\f0 No effusion.\par Gr\'fc\'dfe}")
    'No effusion.\nGrüße'
    """
    pieces: list[str] = []
    skipping: list[bool] = [False]
    for match in _RTF.finditer(text):
        byte, point, word, _, symbol, brace, plain = match.groups()
        if brace == "{":
            skipping.append(skipping[-1])
        elif brace == "}":
            if len(skipping) > 1:
                skipping.pop()
        elif (word or symbol) in _RTF_SKIPPED:
            skipping[-1] = True
        elif not skipping[-1]:
            if byte:
                pieces.append(bytes.fromhex(byte).decode("cp1252", errors="replace"))
            elif point:
                pieces.append(chr(int(point) % 65536))
            elif word in {"par", "line", "row", "sect", "page"}:
                pieces.append("\n")
            elif word in {"tab", "cell"}:
                pieces.append("\t")
            elif symbol == "~":
                pieces.append(" ")
            elif symbol in {"\\", "{", "}"}:
                pieces.append(symbol)
            elif plain:
                pieces.append(plain)
    return "".join(pieces).strip()
