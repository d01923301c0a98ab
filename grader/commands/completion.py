"""`grade completion bash`: commands, lessons and exercises, completed by the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .words import CourseCommand

EXAMPLES = """\b
Examples:
  grade completion bash >> ~/.bashrc
  grade completion zsh >> ~/.zshrc
  grade completion fish > ~/.config/fish/completions/grade.fish
"""


@click.command(
    "completion", cls=CourseCommand, epilog=EXAMPLES, short_help="Let your shell complete commands."
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print what makes a shell complete commands, lessons and exercises.

    Add it to the file that your shell reads when it starts, and open a new one.
    """
    from .group import main

    make = get_completion_class(shell)
    assert make is not None
    completion = make(main, {}, "grade", "_GRADE_COMPLETE")
    # Not `source()`: for bash that looks for a bash of this machine, to see how old it is.
    click.echo(completion.source_template % completion.source_vars())
