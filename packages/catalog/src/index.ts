// Catalogs of MCP servers: signed lists, imported from others' formats, reviewed, published.
export {};
