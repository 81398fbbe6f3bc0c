"""What some node types offer beside running, found by looking at what they have."""

from abc import ABCMeta


class Offered(metaclass=ABCMeta):  # noqa: B024 - what is abstract stands in the offers
    """Base of such offers: a class makes one that has all its abstract members.

    Not a Protocol: Python looks through a Protocol's members again for every object, and a graph
    has tens of thousands of nodes. Here a class of nodes is looked at once.
    """

    __slots__ = ()

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        return all(hasattr(other, name) for name in cls.__abstractmethods__)
