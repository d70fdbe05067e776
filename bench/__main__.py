"""`make bench`: what can be measured here without data; the others are named."""

import sys

from bench import generators, studio

if __name__ == "__main__":
    status = studio.main()
    generators.main()
    sys.stdout.write(
        "With data sets at hand: python bench/search.py quality FOLDER, "
        "python bench/answers.py FILE\n"
    )
    sys.exit(status)
