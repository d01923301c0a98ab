"""How alike answers are, beyond what the exercise makes alike.

Answers to one exercise are alike anyway: it asks for the same paths, and there are few ways to
be right. So names, texts and numbers don't count, nor does what the stub has, or an answer of the
bank, and of what is left only what few of the class have written. A stretch of tokens that two
share and hardly anyone else has is a *rare* one. Two works are alike when they share rare
stretches in several exercises: in one of them it happens by chance.

Measured on day 53's bank, in eight classes each of 4, 6, 10, 15, 20 and 30, whose answers are
drawn from it, held against the rest of it: of 48 works that were copied, with all names changed
and half of the `return` statements rewritten, 48 are found; of 48 of which only four exercises
of eight were copied, 34; of the 7,680 other pairs, 6 are said to be alike. Without the bank, 66
are.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from ..course.answers import Answers
from ..course.catalog import Exercise, Lesson
from ..course.syntax import parsed

LENGTH = 10
"""Tokens of a stretch. Shorter ones are idioms; longer ones don't survive a small change."""
RARE = 3
"""Students who may share a stretch before it counts as a way that many take."""
RARE_OF_MANY = 10
"""The same in a large class."""
LEAST = 10
"""Rare stretches that two answers must share to be alike: fewer can be chance."""
EXERCISES = 3
"""Exercises of a lesson in which two works must be alike; all of them, if there are fewer."""

LAYOUT = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.ENCODING, tokenize.ENDMARKER})
BUILT_IN = frozenset(dir(builtins))

Stretch = tuple[str, ...]
NumberedStretch = tuple[int, int]
"""The number of its exercise, and its hash: a class has millions of them."""
Trait = tuple[int, Hashable]
"""What works can share, with the number of its exercise: a stretch, or a behaviour."""


class Likeness(NamedTuple):
    """Two works that are alike.

    Attributes:
        keys: of the two students.
        exercises: the numbers of the exercises in which they are, the most alike first.
        shared: how many rare traits they share in these.
    """

    keys: tuple[str, str]
    exercises: tuple[int, ...]
    shared: int


def likenesses(
    sources: Mapping[str, str], lesson: Lesson, known: Iterable[str] = ()
) -> list[Likeness]:
    """The pairs of works that are alike, the most alike first.

    Args:
        sources: the texts of the works, by the students' keys.
        known: texts that anyone may have parts of, such as the stub, and answers of the bank:
            what is in them is a way that people take.
    """
    own = {key: stretches(text, lesson) for key, text in sources.items()}
    if not alike(own, lesson, LEAST):  # which is mostly so, and what is known takes a while to read
        return []
    common = frozenset[NumberedStretch]().union(*(stretches(text, lesson) for text in known))
    return alike({key: mine - common for key, mine in own.items()}, lesson, LEAST)


def alike(own: Mapping[str, frozenset[Trait]], lesson: Lesson, least_shared: int) -> list[Likeness]:
    """The pairs of works that share rare traits in several exercises, the most alike first.

    Args:
        own: the traits of each student's work.
        least_shared: rare traits that answers to one exercise must share to be alike.
    """
    most = min(RARE_OF_MANY, max(RARE, len(own) // 50))
    least = min(EXERCISES, len(lesson.exercises))
    pairs = [_likeness(pair, numbers, least_shared) for pair, numbers in _shared(own, most).items()]
    found = [one for one in pairs if len(one.exercises) >= least]
    return sorted(found, key=lambda one: (-len(one.exercises), -one.shared, one.keys))


def stretches(text: str, lesson: Lesson) -> frozenset[NumberedStretch]:
    """All stretches of the answers in a text, each with the number of its exercise."""
    tree = parsed(text)
    if tree is None:
        return frozenset()
    answers, kept = Answers(text), _imported(tree) | BUILT_IN
    return frozenset(
        (exercise.number, hash(stretch))
        for exercise in lesson.exercises
        for stretch in _stretches(_tokens(answers, exercise, kept))
    )


def _imported(tree: ast.Module) -> frozenset[str]:
    return frozenset(
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def _tokens(answers: Answers, exercise: Exercise, kept: frozenset[str]) -> list[str]:
    """An answer without layout, comments and docstrings, and with all its own names alike."""
    tree = parsed(answers.answer(exercise))
    if tree is None:
        return []
    text = ast.unparse(_without_docstrings(tree))
    found: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            found.append(_plain(token, kept, found[-1] if found else ""))
    return found


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            is_said = ast.get_docstring(node, clean=False) is not None
            node.body = node.body[is_said:] or [ast.Pass()]
    return tree


def _plain(token: tokenize.TokenInfo, kept: frozenset[str], before: str) -> str:
    if token.type == tokenize.NAME:
        is_free = not keyword.iskeyword(token.string) and token.string not in kept
        return "name" if is_free and before != "." else token.string
    if token.type in (tokenize.STRING, tokenize.NUMBER):
        return "value"
    return tokenize.tok_name[token.type] if token.string.isspace() else token.string


def _stretches(tokens: Sequence[str]) -> Iterator[Stretch]:
    return (tuple(tokens[i : i + LENGTH]) for i in range(len(tokens) - LENGTH + 1))


def _shared(own: Mapping[str, frozenset[Trait]], most: int) -> dict[tuple[str, str], Counter[int]]:
    """For each pair how many rare traits it shares in which exercise.

    Args:
        most: students who may share a rare one.
    """
    writers: defaultdict[Trait, list[str]] = defaultdict(list)
    for key in sorted(own):
        for one in own[key]:
            writers[one].append(key)
    pairs: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for (number, _), keys in writers.items():
        if len(keys) <= most:
            for pair in combinations(keys, 2):
                pairs[pair][number] += 1
    return pairs


def _likeness(pair: tuple[str, str], numbers: Counter[int], least: int) -> Likeness:
    found = [(number, count) for number, count in numbers.most_common() if count >= least]
    return Likeness(pair, tuple(number for number, _ in found), sum(count for _, count in found))
