"""The texts of attachments and of Binary resources: plain text as it stands, HTML without its markup."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sequela.errors import ConfigError, DataError
from sequela.readers import _documents
from sequela.readers._fhir_types import Attachment, Binary
from sequela.readers._markup import plain
from sequela.text.encoding import decoded

_PLAIN, _MARKUP = ("text/plain",), ("text/html", "application/xhtml+xml")
READ = _PLAIN + _MARKUP
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


class Unread(DataError):
    """A content that is no text, or a text of a kind that is not read."""


class Kept(NamedTuple):
    """A Binary resource; of other content than text nothing but its type."""

    content_type: str
    packed: bytes  # its base64, compressed

    @classmethod
    def of(cls, binary: Binary) -> Kept:
        packed = zlib.compress(binary.data.encode(), 1) if _kind(binary.content_type) in READ else b""
        return cls(binary.content_type, packed)


def text(attachments: Sequence[Attachment], find: Callable[[str], Kept]) -> str:
    """The text of the first that is one: several are the same in several forms. `find` gives the Binary that a url names.

    Raises Unread where none is a text, and DataError for one that is damaged, empty, or elsewhere.
    """
    kinds: list[str] = []
    for attachment in attachments:
        content = Kept(attachment.content_type, attachment.data.encode())
        if not attachment.data and attachment.url and _kind(attachment.content_type) in (*READ, ""):
            found = find(attachment.url)
            content = Kept(attachment.content_type or found.content_type, zlib.decompress(found.packed) if found.packed else b"")
        kinds.append(_kind(content.content_type))
        if kinds[-1] in READ:
            return _read(content)
    raise Unread(f"no text but {' and '.join(sorted(set(kinds) - {''})) or 'no content of any told type'}")


def _kind(content_type: str) -> str:
    """text/plain of "text/plain; charset=utf-8"."""
    return content_type.partition(";")[0].strip().lower()


def _read(content: Kept) -> str:
    told = _CHARSET.search(content.content_type)
    try:
        data = base64.b64decode(b"".join(content.packed.split()), validate=True)
        found = decoded(data, told[1] if told else "")
    except binascii.Error as error:
        raise DataError("data that are no base64") from error
    except ConfigError as error:
        raise DataError("a charset that nobody knows") from error
    except DataError as error:
        raise DataError("data that are no text in their charset, which is UTF-8 where none is told") from error
    found = found if _kind(content.content_type) in _PLAIN else plain(found)
    _documents.check(found)
    return found
