"""`make bench`: what can be measured here without data; the others are named."""

import sys

from bench import generators, studio

if __name__ == "__main__":
    status = studio.main()
    generators.main()
    sys.stdout.write(
        "With data sets at hand: python -m bench.search_quality --data FOLDER, "
        "python -m bench.answer_quality --data FOLDER\n"
    )
    sys.exit(status)
