"""Run the command line as `python -m trine`."""

from trine._cli.main import run

if __name__ == "__main__":
    run()
