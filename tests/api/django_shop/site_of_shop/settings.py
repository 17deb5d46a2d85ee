import os

SECRET_KEY = "of the tests"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres", "shop"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get("SHOP_DATABASE", "none"),
    "HOST": os.environ.get("SHOP_HOST", ""),
    "PORT": os.environ.get("SHOP_PORT", ""),
    "USER": os.environ.get("SHOP_USER", ""),
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "Europe/Oslo"
