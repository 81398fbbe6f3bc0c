"""Choosing a label by counting keywords. Deterministic; no language model."""

import re
from collections.abc import Mapping, Sequence

_WORD = re.compile(r"[a-z0-9]+")
_SUFFIXES = ("ing", "ed", "es", "s")


def classify(text: str, keywords: Mapping[str, Sequence[str]]) -> str | None:
    """The label most of whose words stand in `text`; ties and none at all go to the first label.

    `keywords` maps a label to further words that speak for it; the label's own words always do.
    None only when there is no label.
    """
    words = [_stem(word) for word in _WORD.findall(text.lower())]
    best: str | None = None
    best_score = -1
    for label, more in keywords.items():
        wanted = {_stem(w) for w in _WORD.findall(" ".join([label, *more]).lower())}
        score = sum(1 for word in words if word in wanted)
        if score > best_score:
            best, best_score = label, score
    return best


def parse_labels(line: str) -> dict[str, list[str]]:
    """Labels with keywords from `billing (invoice, refund), technical (error), other`."""
    labels: dict[str, list[str]] = {}
    for match in re.finditer(r"([^,()]+?)\s*(?:\(([^)]*)\))?\s*(?:,|;|$)", line):
        label = match.group(1).strip(" .\"'`")
        if label:
            labels[label] = [w.strip() for w in (match.group(2) or "").split(",") if w.strip()]
    return labels


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word
