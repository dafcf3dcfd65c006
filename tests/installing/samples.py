"""Clients' files as people have them: other servers, remarks, trailing commas, other people's indentation."""

from __future__ import annotations

from typing import Final

PLAIN: Final = """{
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/sam/Desktop"]
    }
  },
  "globalShortcut": "Ctrl+Space"
}
"""
CLAUDE_CODE: Final = """{
  "numStartups": 34,
  "hasCompletedOnboarding": true,
  "projects": {
    "/home/sam/app": { "allowedTools": [], "mcpServers": {}, "history": [{ "display": "{ not a brace" }] }
  },
  "oauthAccount": { "emailAddress": "sam@example.com" }
}
"""
CURSOR: Final = '{\n\t"mcpServers": {\n\t\t"linear": {"url": "https://mcp.linear.example/sse"}\n\t}\n}\n'
VSCODE: Final = """{
    // servers of the team; see the wiki
    "inputs": [
        { "type": "promptString", "id": "token", "password": true }, /* asked once */
    ],
    "servers": {
        "github": {
            "type": "http",
            "url": "https://api.example.com/mcp/", // behind the proxy
        }, // the last one
        // "old": { "command": "gone" },
    },
}
"""
ZED: Final = """// Zed settings
//
// For information on how to configure Zed, see the documentation.
{
  "theme": { "mode": "system", "light": "One Light", "dark": "One Dark" },
  "ui_font_size": 16,
  "url": "https://example.com/*not-a-comment*/",
  "vim_mode": true // at last
}
"""
CODEX: Final = """# my codex
model = "gpt-5"   # the default
approval_policy = "on-request"

[mcp_servers.docs]
command = "npx"  # node
args = [
  "-y",
  "docs-mcp",  # pinned by the lock file
]

[mcp_servers.docs.env]
TOKEN = "abc"

# projects that I trust
[projects."/home/sam/app"]
trust_level = "trusted"
"""
GEMINI: Final = '{"security":{"auth":{"selectedType":"oauth-personal"}},"ui":{"theme":"GitHub"}}'
GOOSE: Final = """# goose
GOOSE_PROVIDER: anthropic
extensions:
  # comes with goose
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
  memory:   # remembers
    enabled: false
    type: builtin
    name: "memory"
# what model
GOOSE_MODEL: claude  # newest
"""
SAMPLES: Final = {
    "claude-desktop": PLAIN,
    "claude-code": CLAUDE_CODE,
    "cursor": CURSOR,
    "vscode": VSCODE,
    "windsurf": PLAIN.replace("\n", "\r\n"),
    "zed": ZED,
    "codex": CODEX,
    "gemini": GEMINI,
    "goose": GOOSE,
    "lm-studio": '{\n  "mcpServers": {}\n}',
}
"""By client."""
