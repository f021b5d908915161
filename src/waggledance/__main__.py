"""`python -m waggledance`: the same as `waggle`, where its script is not on the path."""

from waggledance.cli import main

main()
