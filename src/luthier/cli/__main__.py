"""``python -m luthier.cli``: the command line where the script ``luthier`` isn't on the path."""

from luthier.cli.program import main

if __name__ == "__main__":
    main(prog_name="luthier")
