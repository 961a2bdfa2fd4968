"""Snakemake without its running commentary: the jobs say themselves what they do, and only warnings and errors come through.

(`--quiet all` would hide its errors too.) Takes the arguments of `snakemake`.
"""

import logging

from snakemake.cli import main

if __name__ == "__main__":
    logging.disable(logging.INFO)
    main()
