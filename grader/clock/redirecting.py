"""Redirects functions that are written in C, for everyone who holds a reference to them.

`from time import sleep`, a default argument, a class attribute and a C extension all hold
the same object `time.sleep`. So it is this object that is changed for a while, not the
name in its module. Python has no way to do that; the layout of the two structures below
is CPython's own, and `check_layout` sees that it is as expected.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import POINTER, c_char, c_char_p, c_int, c_ssize_t, c_void_p, py_object, pythonapi
from types import BuiltinFunctionType, ModuleType
from typing import Any

TRIED_WITH = "CPython 3.11.7, 3.12.1 and 3.13.0"

VARARGS, KEYWORDS, NOARGS, ONE_ARG, FASTCALL = 0x01, 0x02, 0x04, 0x08, 0x80
_CALLING = VARARGS | KEYWORDS | NOARGS | ONE_ARG | FASTCALL

# How a function of each calling convention is called in C, and the function of Python's that
# takes just these arguments and calls the first of them with the others.
_CALLERS = {
    NOARGS: "PyObject_CallObject",
    VARARGS: "PyObject_CallObject",
    ONE_ARG: "PyObject_CallOneArg",
    VARARGS | KEYWORDS: "PyObject_Call",
    FASTCALL | KEYWORDS: "PyObject_Vectorcall",
}


class Definition(ctypes.Structure):
    """A `PyMethodDef`: what all the objects of one C function share."""

    _fields_ = (("name", c_char_p), ("code", c_void_p), ("flags", c_int), ("doc", c_void_p))


class _Target(ctypes.Structure):
    _fields_ = (("definition", POINTER(Definition)), ("bound_to", c_void_p))


class _Function(ctypes.Structure):
    """The beginning of a `PyCFunctionObject`."""

    _fields_ = (("head", c_char * object.__basicsize__), ("target", _Target))


class _Method(ctypes.Structure):
    """A `PyMethodDescrObject`."""

    _fields_ = (
        ("head", c_char * object.__basicsize__),
        ("owner_name_and_qualname", c_void_p * 3),
        ("definition", POINTER(Definition)),
    )


def _prototype(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, pythonapi))


_flags_of = _prototype("PyCFunction_GetFlags", c_int, py_object)
_code_of = _prototype("PyCFunction_GetFunction", c_void_p, py_object)
_bound_to = _prototype("PyCFunction_GetSelf", c_void_p, py_object)
_new_function = _prototype(
    "PyCFunction_NewEx", py_object, POINTER(Definition), py_object, py_object
)
_new_class_method = _prototype("PyDescr_NewClassMethod", py_object, py_object, POINTER(Definition))
_take_reference = _prototype("Py_IncRef", None, py_object)
_drop_reference = _prototype("Py_DecRef", None, py_object)


def check_layout() -> None:
    """Check that CPython lays out its functions as this module expects.

    Raises:
        RuntimeError: it does not, and no play can run.
    """
    for function in (sys.getrecursionlimit, sys.intern, dict.fromkeys):
        target = _Function.from_address(id(function)).target
        if target.bound_to != _bound_to(function):
            raise RuntimeError(_NEWS)
        definition = target.definition.contents
        found = definition.name, definition.code, definition.flags
        if found != (function.__name__.encode(), _code_of(function), _flags_of(function)):
            raise RuntimeError(_NEWS)


_NEWS = (
    f"Python {sys.version.split()[0]} lays out its functions differently from {TRIED_WITH}, so "
    "a play cannot redirect them to its clock. Use one of these versions, or bring "
    "grader/clock/redirecting.py up to date."
)


class _Replacement(ModuleType):
    """What a function of a module is bound to in place of its module: itself a module, so that
    `repr`, `pickle` and `inspect` find the function as they did."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        super().__init__(name)
        self.call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)


class Redirection:
    """A function of a module, written in C, and what is to be called in its place.

    Args:
        function: such as `time.sleep`.
        call: called with the same arguments.
    """

    def __init__(self, function: BuiltinFunctionType, call: Callable[..., Any]) -> None:
        if not isinstance(function, BuiltinFunctionType):
            raise RuntimeError(
                f"{function!r} stands where a function of Python's own should: import grader "
                "before something like freezegun replaces it"
            )
        self._where = _Function.from_address(id(function))
        self._function = function  # else the address could become another object's
        original = self._where.target.definition.contents
        self._stand_in = _Replacement(function.__module__, call)
        definition = _copy(original, code=_address_of_caller(original.flags))
        self._redirected = _Target(ctypes.pointer(definition), id(self._stand_in))
        self._before = _Target()

    def begin(self) -> None:
        """Let every call of the function go to the other one."""
        self._before = _Target.from_buffer_copy(self._where.target)
        _take_reference(self._stand_in)
        # Both fields at once: no other thread may find one of them without the other.
        self._where.target = self._redirected

    def end(self) -> None:
        """Put back what was there."""
        self._where.target = self._before
        _drop_reference(self._stand_in)


def _address_of_caller(flags: int) -> int:
    caller = getattr(pythonapi, _CALLERS[flags & _CALLING])
    address = ctypes.cast(caller, c_void_p).value
    assert address is not None
    return address


def _copy(definition: Definition, code: int | None = None) -> Definition:
    """A definition of its own, which is never freed: a call may be on its way through it."""
    copy = Definition.from_buffer_copy(definition)
    copy.code = code or definition.code
    _kept.append(copy)
    return copy


_kept: list[Any] = []


def unredirected(function: Any) -> Any:
    """The same C function under an object of its own, which nothing redirects."""
    definition = _Function.from_address(id(function)).target.definition.contents
    return _new_function(_copy(definition), function.__self__, function.__module__)


class ClassMethodRedirection:
    """A class method written in C, such as `datetime.now`, and what to call in its place.

    A reference to it that was taken before, as in `Field(default_factory=datetime.now)`, is
    one of many objects, and only their definition is the same. What is put there cannot hand
    on an exception, so it is for these references alone: replace the attribute as well.

    Args:
        owner: the class that defines it.
        name: its name there.
        call: called with the class and the same arguments.

    Attributes:
        real: a class method that is never redirected.
    """

    def __init__(self, owner: type, name: str, call: Callable[..., Any]) -> None:
        self._definition = _Method.from_address(id(vars(owner)[name])).definition.contents
        self.real = _new_class_method(owner, _copy(self._definition))
        self._callback = _callback(self._definition.flags & _CALLING, call)
        self._code = ctypes.cast(self._callback, c_void_p).value
        self._before: int | None = None

    def begin(self) -> None:
        """Let every call of the method go to the other function."""
        self._before, self._definition.code = self._definition.code, self._code

    def end(self) -> None:
        """Put back what was there, unless something else has been put there meanwhile."""
        if self._definition.code == self._code:
            self._definition.code = self._before


def _callback(flags: int, call: Callable[..., Any]) -> Any:
    def without_arguments(cls: type, _: object) -> int | None:
        return _handed_over(call, cls)

    def with_arguments(cls: type, values: int, count: int, names: int | None) -> int | None:
        keywords = ctypes.cast(names, py_object).value if names else ()
        given = (py_object * (count + len(keywords))).from_address(values or 0)[:]
        return _handed_over(
            call, cls, *given[:count], **dict(zip(keywords, given[count:], strict=True))
        )

    if flags == NOARGS:
        return ctypes.PYFUNCTYPE(c_void_p, py_object, c_void_p)(without_arguments)
    return ctypes.PYFUNCTYPE(c_void_p, py_object, c_void_p, c_ssize_t, c_void_p)(with_arguments)


def _handed_over(call: Callable[..., Any], *args: Any, **kwargs: Any) -> int | None:
    """The address of what a call returns, with a reference for the caller."""
    try:
        result = call(*args, **kwargs)
    except Exception:  # Python then raises a SystemError: see the class
        return None
    _take_reference(result)
    return id(result)


@contextmanager
def redirected(redirections: Mapping[str, Any]) -> Iterator[None]:
    """Redirect functions for a while."""
    for redirection in redirections.values():
        redirection.begin()
    try:
        yield
    finally:
        for redirection in redirections.values():
            redirection.end()
