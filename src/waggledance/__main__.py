"""`python -m waggledance`: the same as `waggle`, where its script is not on the path."""

import sys

from waggledance.cli import main

sys.exit(main())
