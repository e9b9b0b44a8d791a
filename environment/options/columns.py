"""Arguments of the pricing functions as flat columns, and results back in their shape."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def columns(*arguments: ArrayLike) -> tuple[tuple[int, ...], list[FloatArray]]:
    """Return the common shape of `arguments` and each as a flat float64 column.

    A column has one element where the argument has one, else as many as the common shape: a rate
    shared by a million options is never copied a million times.
    """
    arrays = [np.asarray(argument, dtype=np.float64) for argument in arguments]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return shape, [_flat(array, shape) for array in arrays]


def _flat(array: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    if array.size != 1 and array.shape != shape:
        return np.broadcast_to(array, shape).reshape(-1).copy()
    # A read-only array is another type to the compiler: a copy costs less than a compilation.
    whole = np.ascontiguousarray(array).reshape(-1)
    return whole if whole.flags.writeable else whole.copy()


def shaped(column: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return a flat result in the common shape of its arguments (a 0-d array for scalars)."""
    return column.reshape(shape)
