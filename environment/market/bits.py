"""Position of the lowest and highest set bit of a 64-bit word, as one machine instruction."""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def lowest_bit(word: int) -> int:
        """Return the position of the lowest set bit; `word` is not 0."""
        word = int(word) & ((1 << 64) - 1)
        return (word & -word).bit_length() - 1

    def highest_bit(word: int) -> int:
        """Return the position of the highest set bit; `word` is not 0."""
        return (int(word) & ((1 << 64) - 1)).bit_length() - 1

else:

    @intrinsic
    def lowest_bit(_typing: Any, word: Any) -> Any:  # noqa: ANN401  # Numba's own protocol.
        """Return the position of the lowest set bit; `word` is not 0."""

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

        return types.int64(types.int64), generate

    @intrinsic
    def highest_bit(_typing: Any, word: Any) -> Any:  # noqa: ANN401  # Numba's own protocol.
        """Return the position of the highest set bit; `word` is not 0."""

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
            return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

        return types.int64(types.int64), generate
