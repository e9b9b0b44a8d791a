"""Compile parts of an entry point once, with it, instead of once each.

Numba optimises every function together with all that it calls and makes machine code of the result,
then does the same for its callers: the market core's two hundred small functions took over two
minutes that way. A part compiled here stays unoptimised intermediate code until an entry point
links it, and is optimised there alone. It uses Numba's documented hook for own pipelines
(`pipeline_class`); the classes it extends are internal, so the pinned version is checked by a test.
"""

import ctypes
import itertools
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba import _dynfunc
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, _LowerResult
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.np import arrayobj


def _refuse(_closure: object, _args: object, _keywords: object) -> object:
    raise TypeError("this compiled part can be called from compiled code alone")


_NUMBERS = itertools.count()
_unliteral: Callable[[Any], Any] = vars(types)["unliteral"]
_PYTHON_CALL = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.py_object
)
_REFUSE = _PYTHON_CALL(_refuse)  # Kept: the machine code lives as long as this object.
_REFUSE_ADDRESS = ctypes.cast(_REFUSE, ctypes.c_void_p).value


def _plain_index(context: Any, builder: Any, kind: Any, *index: Any) -> Any:
    """Take an index as it is: parts count from the front alone, so no sign is looked at."""
    return context.cast(builder, index[0], kind, types.intp)


class EntryLibrary(JITCodeLibrary):  # type: ignore[misc]  # Numba ships no types.
    """An entry point with all its parts, which nobody else calls: they may change their shape."""

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = "internal"
        super()._optimize_final_module()


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]  # Numba ships no types.
    """Code that waits, as intermediate code, for an entry point to take it in."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def _parts(self, seen: dict[int, Any]) -> None:
        seen[id(self)] = self
        for library in self._linking_libraries:
            if id(library) in seen:
                continue
            if isinstance(library, _PartLibrary):
                library._parts(seen)
            else:
                seen[id(library)] = library

    def _get_module_for_linking(self) -> Any:
        """Return this part and all that it reaches as one module of discardable functions."""
        self._ensure_finalized()
        parts: dict[int, Any] = {}
        self._parts(parts)
        module = self._final_module.clone()
        del parts[id(self)]
        # The linker takes discardable functions in only where something already refers to them, so
        # parts keep their outside linkage until all have met.
        for part in parts.values():
            if isinstance(part, _PartLibrary):
                module.link_in(part._final_module.clone(), preserve=False)
        for part in parts.values():
            if not isinstance(part, _PartLibrary):
                module.link_in(part._get_module_for_linking(), preserve=True)
        for function in module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.external:
                function.linkage = "linkonce_odr"
        return module

    def get_pointer_to_function(self, _name: str) -> int:
        return 0


def without_literals(dispatcher: Any) -> Any:
    """Let calls with constants share one specialisation instead of making one for each constant."""
    inherited = dispatcher.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        plain = {name: _unliteral(kind) for name, kind in kws.items()}
        return inherited(tuple(_unliteral(kind) for kind in args), plain)

    dispatcher.get_call_template = get_call_template
    return dispatcher


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerPart(NativeLowering):  # type: ignore[misc]  # Numba ships no types.
    """Lower a part and make it known to compiled callers; Python callers are refused."""

    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        with_sign = arrayobj.fix_integer_index
        arrayobj.fix_integer_index = _plain_index
        try:
            super().run_pass(state)
        finally:
            arrayobj.fix_integer_index = with_sign
        lowered = state["cr"]
        entry = _dynfunc.make_function(
            lowered.fndesc.lookup_module(),
            lowered.fndesc.qualname.split(".")[-1],
            "",
            _REFUSE_ADDRESS,
            lowered.env,
            (state.library,),
        )
        state.targetctx.insert_user_function(entry, lowered.fndesc, [state.library])
        state["cr"] = _LowerResult(
            lowered.fndesc, lowered.call_helper, cfunc=entry, env=lowered.env
        )
        return True


class PartCompiler(Compiler):  # type: ignore[misc]  # Numba ships no types.
    """Numba's own pipeline up to lowering; no optimisation and no machine code."""

    def __init__(self, typingctx: Any, targetctx: Any, *rest: Any) -> None:
        super().__init__(typingctx, targetctx, *rest)
        self.state.library = _PartLibrary(targetctx.codegen(), f"part{next(_NUMBERS)}")
        self.state.flags.no_compile = True

    def define_pipelines(self) -> Any:
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            if pipeline.pipeline_name == "nopython":
                pipeline.passes = [
                    (_LowerPart, text) if step is NativeLowering else (step, text)
                    for step, text in pipeline.passes
                ]
                pipeline.finalize()
        return pipelines


class EntryCompiler(Compiler):  # type: ignore[misc]  # Numba ships no types.
    """Numba's own pipeline, whose library makes one closed piece of an entry and its parts."""

    def compile_extra(self, func: Any) -> Any:
        codegen = self.state.targetctx.codegen()
        self.state.library = EntryLibrary(codegen, func.__qualname__)
        self.state.library.enable_object_caching()
        return super().compile_extra(func)
