"""RSS 2.0 and Atom: from a document to raw items. Items without a time or a text are left out."""

import email.utils
from datetime import UTC, datetime
from typing import Final

from environment.feeds.ingest import RawItem
from environment.feeds.markup import BadMarkup, Node, plain_text, read_xml

_SECOND_NS: Final = 1_000_000_000


def read_feed(content: bytes) -> tuple[RawItem, ...]:
    """Return the items of a feed, oldest first.

    Raises
    ------
    BadMarkup
        If the document is neither RSS nor Atom.
    """
    root = read_xml(content)
    if root.name == "rss":
        channel = root.first("channel")
        nodes = [n for n in channel.children if n.name == "item"] if channel is not None else []
    elif root.name == "feed":
        nodes = [node for node in root.children if node.name == "entry"]
    else:
        raise BadMarkup(f"expected rss or feed, found {root.name!r}; give a feed's address")
    items = [item for node in nodes if (item := _item(node)) is not None]
    return tuple(sorted(items, key=lambda item: (item.published_ns, item.item_id)))


def _item(node: Node) -> RawItem | None:
    published_ns = _moment_ns(node.said("pubdate", "published", "updated", "date"))
    title = plain_text(node.said("title"))
    body = plain_text(node.said("description", "summary", "content", "encoded"))
    text = f"{title}\n{body}".strip() if body and body != title else title
    link = node.said("link")
    if not link:
        found = node.first("link")
        link = found.attributes.get("href", "") if found is not None else ""
    item_id = node.said("guid", "id") or link or title
    if published_ns is None or not text or not item_id:
        return None
    return RawItem(
        item_id=item_id, kind="headline", text=text, published_ns=published_ns, link=link
    )


def _moment_ns(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * _SECOND_NS
