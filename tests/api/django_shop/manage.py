"""A Django project as people write them: what import-django reads and dumpdata is compared with."""
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
