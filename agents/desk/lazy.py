"""An attribute reckoned when it is first asked for, and kept; without the lock of the library's."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801  it is written as a decorator
    """As `functools.cached_property`, which takes a lock at each first use until Python 3.12.

    An order asks for a dozen of these; nothing here is shared between threads.
    """

    def __init__(self, reckon: Callable[[Any], T]) -> None:
        self._reckon = reckon
        self.__doc__ = reckon.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the name under which the value is put into the instance."""
        self._name = name

    if TYPE_CHECKING:
        # What is known beforehand may be put there; a real method would shadow the kept value.
        def __set__(self, instance: object, value: T) -> None: ...

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "lazy[T] | T":
        """Return the value; from the second time on the instance's own, past this."""
        if instance is None:
            return self
        value = self._reckon(instance)
        setattr(instance, self._name, value)  # Not by its __dict__, which would have to be made.
        return value
