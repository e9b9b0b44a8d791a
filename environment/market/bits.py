"""What is one machine instruction: the lowest and highest set bit of a word, a prefetch."""

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

    def prefetch(array: Any, index: int) -> None:
        """Ask for a cache line early; `index` may lie anywhere."""

else:

    @intrinsic
    def prefetch(_typing: Any, array: Any, index: Any) -> Any:
        """Ask for a cache line early; `index` may lie anywhere."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            line = builder.gep(data, [arguments[1]])
            pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            line = builder.bitcast(line, pointer)
            kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
            hint = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
            # For writing, into every level, data.
            builder.call(hint, [line, *(ir.Constant(number, word) for word in (1, 3, 1))])
            return context.get_dummy_value()

        return types.none(array, types.int64), generate

    @intrinsic
    def lowest_bit(_typing: Any, word: Any) -> Any:
        """Return the position of the lowest set bit; `word` is not 0."""

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

        return types.int64(types.int64), generate

    @intrinsic
    def highest_bit(_typing: Any, word: Any) -> Any:
        """Return the position of the highest set bit; `word` is not 0."""

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
            return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

        return types.int64(types.int64), generate
