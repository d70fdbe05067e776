# Three stages: the front end, the packages, and the site that holds both and no compiler.

FROM node:24-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm install --no-save
COPY frontend/ ./
# Tailwind looks through the templates for the classes that are in use.
COPY templates/ /src/templates/
RUN npm run build

FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
COPY constraints.txt ./
RUN pip install -c constraints.txt torch
COPY pyproject.toml README.md LICENSE requirements-embedder.txt ./
COPY webapp/ webapp/
COPY genmodels/ genmodels/
COPY tasks/ tasks/
COPY clients/python/ clients/python/
# Editable, because the site finds its checkpoints, templates and pages beside its code.
RUN pip install -c constraints.txt -e clients/python -e '.[diffusers]' && pip install --no-deps -r requirements-embedder.txt

FROM python:3.11-slim
# A fixed number, so that the files on a volume keep their owner over rebuilds.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin pinakes \
    && install -d -o pinakes -g pinakes -m 0700 /var/lib/pinakes
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /src /src
COPY --from=frontend /src/frontend/dist /src/frontend/dist
COPY manage.py /src/
COPY templates/ /src/templates/
COPY docs/ /src/docs/
ENV PATH=/opt/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=webapp.config.settings \
    PINAKES_HOME=/var/lib/pinakes \
    HF_HOME=/var/lib/pinakes/huggingface \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /src
USER pinakes
VOLUME /var/lib/pinakes
EXPOSE 8000
CMD ["uvicorn", "webapp.config.asgi:application", "--host=0.0.0.0", "--port=8000"]
