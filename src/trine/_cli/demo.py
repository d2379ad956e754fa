"""Show whole applications, each on a network of its own."""

import click

from trine._cli.demo_health import demo_health


@click.group()
def demo() -> None:
    """Show a whole application on a network of its own.

    \b
    Examples:
      trine demo health
      trine demo health exports/ --home hospital-demo
    """


demo.add_command(demo_health)
