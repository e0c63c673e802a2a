# One image for every process of the portal; docker-compose.yml says which one a container runs.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/mlportal
WORKDIR /app

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.lock

# The folder of files is made by its user here, so that a volume mounted on it belongs to that user too.
RUN useradd --system --uid 10001 --create-home portal && install --directory --owner=portal "$VAR_DIR"
COPY manage.py pyproject.toml ./
COPY portal portal
COPY apps apps
COPY templates templates
COPY static static
# Whoever cloned with a stricter umask, the user of the container reads what it runs.
RUN chmod --recursive a+rX /app

USER portal
EXPOSE 8000
