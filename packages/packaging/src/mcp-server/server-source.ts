// What `pratique pack` can be given as an MCP server, and how it is told apart.
import { isAbsolute } from "node:path";
import { packagingErrors } from "../errors.ts";

export type ServerSource =
  | { readonly type: "directory"; readonly path: string }
  | { readonly type: "mcpb"; readonly path: string }
  | { readonly type: "server-json"; readonly path: string }
  | { readonly type: "server-url"; readonly url: string }
  | { readonly type: "registry"; readonly name: string; readonly version: string }
  | { readonly type: "npm"; readonly name: string; readonly version: string }
  | { readonly type: "pypi"; readonly name: string; readonly version: string }
  | { readonly type: "image"; readonly reference: string };

const NPM = /^((?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*)@([^@]+)$/i;
const PYPI = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==|@)([^@=]+)$/;
/** Semantic versioning 2.0.0. */
const EXACT = /^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
/** PEP 440, without what makes it a range. */
const EXACT_PYTHON = /^[0-9A-Za-z][0-9A-Za-z.+!-]*$/;
const REGISTRY = /^([a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+)(?:@([0-9A-Za-z.+-]{1,255}))?$/;

/** True for what is not a path: it names its kind before a colon. */
export function isServerAddress(text: string): boolean {
  return /^(?:npm|pypi|image|registry|https?):/.test(text);
}

/**
 * Versions are exact: what is packed twice is the same twice.
 * @throws `mcp-server.source-invalid`
 */
export function parseServerSource(text: string): ServerSource {
  const invalid = (reason: string): Error => packagingErrors("mcp-server.source-invalid", { source: text, reason });
  const colon = text.indexOf(":");
  const rest = text.slice(colon + 1);
  switch (isServerAddress(text) ? text.slice(0, colon) : "path") {
    case "npm": {
      const [, name = "", version = ""] = NPM.exec(rest) ?? [];
      if (name.length > 214 || !EXACT.test(version))
        throw invalid("write it as npm:NAME@1.2.3, with one exact version");
      return { type: "npm", name, version };
    }
    case "pypi": {
      const [, name = "", version = ""] = PYPI.exec(rest) ?? [];
      if (name === "" || !EXACT_PYTHON.test(version)) {
        throw invalid("write it as pypi:NAME==1.2.3, with one exact version");
      }
      return { type: "pypi", name, version };
    }
    case "image":
      if (rest === "") throw invalid("write it as image:REFERENCE, or image:/path/of/archive.tar");
      return { type: "image", reference: rest };
    case "registry": {
      const [, name, version = "latest"] = REGISTRY.exec(rest) ?? [];
      if (name === undefined) throw invalid("write it as registry:com.example/name@1.2.3");
      return { type: "registry", name, version };
    }
    case "http":
    case "https":
      if (!URL.canParse(text)) throw invalid("it is no address");
      return { type: "server-url", url: text };
    default:
      if (!isAbsolute(text)) throw invalid("the path must be absolute");
      if (/\.(?:mcpb|dxt)$/i.test(text)) return { type: "mcpb", path: text };
      return { type: /\.json$/i.test(text) ? "server-json" : "directory", path: text };
  }
}
