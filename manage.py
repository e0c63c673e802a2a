#!/usr/bin/env python
"""Django's command line: `.venv/bin/python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a sentence for a person, no traceback
        sys.exit(str(error))
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None):  # the database answers, and refuses a statement
            raise
        sys.exit(f"The database of DATABASE_URL does not answer, or lets nobody in with that password: {error}")


if __name__ == "__main__":
    main()
