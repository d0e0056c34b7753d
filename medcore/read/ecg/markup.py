"""XML out of untrusted bytes, with size, depth and count bounded while it is parsed; no entity, no reference is followed (defusedxml)."""

from __future__ import annotations

import binascii
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from numpy.typing import NDArray

from medcore.errors import Inconsistent, TooLarge, Truncated, Unsupported
from medcore.read.ecg.assemble import TRUNCATED
from medcore.read.limits import MIB, NESTING

XML_BYTES = 32 * MIB
NODES = 400_000
_SNIFF = 8192
_BETWEEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_START = re.compile(r"<([A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)[\s/>]")
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


@dataclass(slots=True)
class Node:
    """One element: local name, attributes by local name, its own text."""

    name: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def all(self, path: str) -> list[Node]:
        """Elements at `path` ("a/b"), in order of the file; letter case does not matter."""
        found = [self]
        for name in path.lower().split("/"):
            found = [child for node in found for child in node.children if child.name.lower() == name]
        return found

    def one(self, path: str) -> Node | None:
        """The first element at `path`."""
        return next(iter(self.all(path)), None)

    def text(self, path: str = "") -> str:
        """Its own text, or that of the first element at `path` that has some, stripped; empty where there is none."""
        nodes = self.all(path) if path else [self]
        return next((text for node in nodes if (text := "".join(node.pieces).strip())), "")

    def attribute(self, path: str, name: str) -> str:
        """An attribute of the first element at `path`, stripped; empty where there is none."""
        node = self.one(path) if path else self
        return node.attributes.get(name, "").strip() if node else ""

    def walk(self) -> Iterator[Node]:
        """It and everything in it, without recursion."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class _Builder:
    """Takes the parser's events and makes nodes of them as long as depth and count allow."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[Node] = []
        self.count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) >= NESTING or self.count > NODES:
            raise TooLarge("The XML file is nested too deep or holds too many elements.")
        node = Node(_local(tag), {_local(name): value for name, value in attributes.items()})
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)

    def end(self, _tag: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].pieces.append(text)

    def close(self) -> Node | None:
        return self.root


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def root_name(data: memoryview) -> str | None:
    """The local name of the first element, as far as the first bytes tell; None where this is no XML."""
    head = bytes(data[:_SNIFF])
    codec = next((codec for mark, codec in _WIDE.items() if head.startswith(mark)), "latin-1")
    text = head.decode(codec, errors="replace").lstrip("\ufeffï»¿ \t\r\n")
    if not text.startswith("<"):
        return None
    found = _START.search(_BETWEEN.sub("", text))
    return found.group(2) if found else None


def parsed(data: memoryview) -> Node:
    """The root element.

    Raises:
        TooLarge: over the limits of size, depth or count.
        Unsupported: it declares entities or refers to files.
        Truncated: it ends in the middle, or is no well-formed XML.
    """
    if len(data) > XML_BYTES:
        raise TooLarge("The XML file is larger than the reader takes.")
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(bytes(data))
        root = parser.close()
    except DefusedXmlException:
        raise Unsupported("The XML file declares entities or refers to other files, which is refused.") from None
    except ParseError:
        raise Truncated("The XML file is damaged or cut short.") from None
    except (ValueError, LookupError):
        raise Unsupported("The XML file's character encoding is not read.") from None
    if not isinstance(root, Node):
        raise Truncated("The XML file is damaged or cut short.")
    return root


def number(text: str) -> float | None:
    """A finite number (decimal comma allowed), or None."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def base64_bytes(text: str) -> bytes:
    """The bytes of strict Base64, white space left aside.

    Raises:
        Truncated: it is not whole.
    """
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Truncated(TRUNCATED) from None


def digits(text: str) -> NDArray[np.float64]:
    """Numbers between white space, without a list of them in memory.

    Raises:
        Inconsistent: something is no number.
    """
    if not text.strip():
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns where it stops before the end
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            raise Inconsistent("The ECG file holds samples that are not numbers.") from None
