"""Diagnoses: from two traces to the misconception behind the difference.

Each rule looks for one thing, knows nothing of the others, and says what it found in a
newcomer's words: what happens, at which line, and what to think about. The order of
`RULES` is that of cause before symptom, and the first that fits is shown first.
"""

from .answers import DIFFERENT
from .case import Case
from .rules import FALLBACKS, IDS, INSTEAD, RULES, diagnose, documentation

__all__ = ["DIFFERENT", "FALLBACKS", "IDS", "INSTEAD", "RULES", "Case", "diagnose", "documentation"]
