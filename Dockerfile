# The lab in a container: JupyterLab with the lessons, or a learner's server for JupyterHub.
#
#   docker build -t labkit .
#   docker run --rm -p 8888:8888 -v labkit-learner:/home/learner/labkit labkit
#
# Not built yet: no container engine was at hand where this was written. Its steps were tried without
# one, see docs/jupyterhub.md.
FROM python:3.12-slim

# The same program that `make lab` runs: packages by hash from requirements.lock, into /lab/.venv.
# The lock file comes first, so that a change of a lesson does not install everything again.
WORKDIR /lab
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes -r requirements.lock
COPY . .
RUN python scripts/setup_lab.py

# For a hub: its own version, such as --build-arg JUPYTERHUB=5.4.0. Empty: not installed.
ARG JUPYTERHUB=""
RUN if [ -n "$JUPYTERHUB" ]; then \
      .venv/bin/pip install --no-cache-dir "jupyterhub==$JUPYTERHUB"; fi

# Nobody needs to write below /lab; what a learner writes lies in a volume.
RUN useradd --create-home --uid 1000 learner \
    && install -d -o learner -g learner /home/learner/labkit
USER learner
WORKDIR /home/learner
ENV PATH=/lab/.venv/bin:$PATH \
    LABKIT_HOME=/lab \
    LABKIT_LEARNER=/home/learner/labkit \
    LABKIT_RUNS=/home/learner/labkit/runs
VOLUME /home/learner/labkit
EXPOSE 8888

# The learner's copies are made or brought up to date, then JupyterLab prints its address and token.
CMD ["sh", "-c", "python -c 'from labkit.lab import copies; copies.refresh()' && exec jupyter lab --ServerApp.ip=0.0.0.0 --ServerApp.root_dir=$LABKIT_LEARNER --no-browser"]
