"""The tests, in the layers of the product; the programs they start share compiled files."""

import os
import sys

# Where nothing is kept, each of some 200 processes would compile the product and its libraries anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
