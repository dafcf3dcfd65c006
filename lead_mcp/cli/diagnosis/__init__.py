"""What ``lead-mcp doctor`` looks at, a module a subject. Each gives findings; none prints, none changes anything."""
