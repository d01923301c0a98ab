"""What a learner's `grade` tells a board, if the learner wants it to."""

from __future__ import annotations
