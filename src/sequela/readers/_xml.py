"""An XML document as a tree, from anyone's file: no document type, so no entity is ever expanded or fetched."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from sequela.errors import DataError


def parsed(content: bytes) -> Element:
    """The root; names without their namespaces.

    Raises DataError for what is not well-formed XML, or declares a document type.
    """
    tree, parser = TreeBuilder(), expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, given: tree.start(_local(name), given)
    parser.EndElementHandler = lambda name: tree.end(_local(name))
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = _refused
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DataError("not well-formed XML") from error
    return tree.close()


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refused(*_: object) -> None:
    raise DataError("XML that declares a document type, which is not read: its entities could expand without end")


def text(element: Element, path: str) -> str:
    """What the element at this path below holds, "" where there is none."""
    return (element.findtext(path) or "").strip()
