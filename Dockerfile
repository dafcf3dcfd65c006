# Streamable HTTP at /mcp; see docs/serving.md. Run it with a token and your accounts, and keep the journal on a volume:
#   docker build -t lead-mcp .
#   docker run -p 127.0.0.1:8000:8000 -e LEAD_MCP_HTTP_TOKEN=... -e OCTANIST_API_KEY=... -v lead-mcp:/var/lib/lead-mcp lead-mcp
# Without LEAD_MCP_HTTP_TOKEN, or tokens of its own, it ends at once with an error that says so.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LEAD_MCP_STATE_DIR=/var/lib/lead-mcp

WORKDIR /opt/lead-mcp
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY lead_mcp ./lead_mcp
RUN python -m pip install -c constraints.txt ".[postgresql,sql,team,otel]" \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin lead-mcp \
    && install -d -m 0700 -o lead-mcp -g lead-mcp "$LEAD_MCP_STATE_DIR"

# by number, so that Kubernetes can see that it is not root
USER 10001
VOLUME /var/lib/lead-mcp
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["lead-mcp", "serve", "--transport", "http", "--host", "0.0.0.0"]
