"""``python -m zfwidgets`` is the command ``zfwidgets``."""

from zfwidgets.app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
