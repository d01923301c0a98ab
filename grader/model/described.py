"""What scenarios are made of: plain data that refuses nonsense when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

import msgspec

from .errors import UsageError

Number = Annotated[int, msgspec.Meta(ge=0, description="a whole number, 0 or more")]
Count = Annotated[int, msgspec.Meta(ge=1, description="a whole number, 1 or more")]


class _Named(msgspec.StructMeta):
    """Says how to write what is given without its name, and has to have one."""

    def __call__(self, *values: Any, **named: Any) -> Any:
        try:
            return super().__call__(*values, **named)
        except TypeError as error:
            if "positional" not in str(error):
                raise
            fields = zip(self.__struct_fields__, values, strict=False)
            words = ", ".join(f"{field}={value!r}" for field, value in fields)
            problem = f"{self.__name__} can't be made of values without their names"
            raise UsageError(problem, f"write {self.__name__}({words})") from None


class Described(msgspec.Struct, frozen=True, metaclass=_Named):
    """What a scenario is made of. Each `float` of it is a time in seconds.

    Raises:
        UsageError: a time is one that the clock cannot reach, or a value isn't of its field's
            type.
    """

    def __post_init__(self) -> None:
        for field, kind, default, is_time in _fields_of(type(self)):
            value = getattr(self, field)
            if value is default:
                continue
            if is_time:
                _check_time(field, value, kind)
            else:
                check(field, value, kind)


def _check_time(field: str, seconds: Any, kind: Any) -> None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not ((is_number and seconds >= 0) or (seconds is None and kind is not float)):
        raise UsageError(
            f"{field}={seconds!r} isn't a time that can pass", "give seconds: a number, 0 or more"
        )


@cache
def _fields_of(struct: type[Described]) -> tuple[tuple[str, Any, Any, bool], ...]:
    """The fields that can be wrong, with type and default, and whether they are times."""
    kinds = get_type_hints(struct, include_extras=True)
    times = (float, float | None)
    return tuple(
        (field.name, kinds[field.name], field.default, kinds[field.name] in times)
        for field in msgspec.structs.fields(struct)
        if kinds[field.name] is not Any
    )


def check(name: str, value: Any, kind: Any) -> None:
    """See that a value is of a type, down to what it holds.

    Raises:
        UsageError: it isn't. The first part that is wrong is named, and what it may be.
    """
    try:
        msgspec.convert(value, kind, builtin_types=(bytes,))
    except msgspec.ValidationError:
        for part, inner in _parts(value, kind):
            check(f"{name}[{part!r}]", inner, get_args(kind)[-1 if _is_dict(kind) else 0])
        raise UsageError(f"{name} can't be {value!r}", f"give {_words(kind)}") from None


def _parts(value: Any, kind: Any) -> Iterable[tuple[Any, Any]]:
    """What lists and dicts of one type hold, by its place or key."""
    if _is_dict(kind) and isinstance(value, dict):
        return value.items()
    if _is_list(kind) and isinstance(value, tuple):
        return enumerate(value)
    return ()


def _is_dict(kind: Any) -> bool:
    return get_origin(kind) is dict


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1] is ...


_PLAIN = {
    int: "a whole number",
    str: "a text",
    bytes: "bytes",
    bool: "True or False",
    float: "a number",
    type(None): "None",
    Any: "anything",
}


def _words(kind: Any) -> str:
    """What a value of a type may be."""
    *others, last = _alternatives(kind)
    return f"{', '.join(others)} or {last}" if others else last


def _alternatives(kind: Any) -> list[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return [_PLAIN[kind]]
    if origin in (Union, UnionType):
        return [words for one in inner for words in _alternatives(one)]
    if origin is Literal:
        return [repr(one) for one in inner]
    if origin is Annotated:
        return [str(inner[1].description)]
    if origin is dict:
        return [f"a dict; each value is {_words(inner[1])}"]
    if _is_list(kind):
        return [f"a list; in it, {_words(inner[0])}"]
    if origin is tuple:
        return [f"({', '.join(map(_words, inner))})"]
    return [f"{_maker_of(kind)}(...)"]


def _maker_of(struct: Any) -> str:
    """What makes such a part of a scenario: a function whose name is its tag, or itself."""
    tag = struct.__struct_config__.tag
    return tag.replace("-", "_") if isinstance(tag, str) else str(struct.__name__)


def is_several(values: object) -> TypeGuard[Iterable[Any]]:
    """Whether something is a list of things, of whatever class, and not one thing or a text."""
    return isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)


def listed(name: str, values: Any) -> tuple[Any, ...]:
    """What was given where a list is wanted.

    Raises:
        UsageError: it is one thing, or a text.
    """
    if not is_several(values):
        raise UsageError(f"{name} can't be {values!r}", "give a list")
    return tuple(values)


def mapped(name: str, given: Any) -> dict[Any, Any]:
    """What was given where a dict is wanted.

    Raises:
        UsageError: it isn't one.
    """
    if not isinstance(given, Mapping):
        raise UsageError(f"{name} can't be {given!r}", "give a dict")
    return dict(given)
