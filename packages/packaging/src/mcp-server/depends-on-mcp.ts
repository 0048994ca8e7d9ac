// Whether a project without a server.json is an MCP server's: by the SDK that it depends on.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { readSmallFile } from "../source-files.ts";
import { parsePackageJson, PACKAGE_JSON_LIMIT } from "./package-json.ts";
import { parseProject } from "./python-directory.ts";
import { normalName } from "./wheel-files.ts";

const NODE_SDK = /^(?:@modelcontextprotocol\/(?:sdk|server)|fastmcp|mcp-framework)$/;
const PYTHON_SDK = /^(?:mcp|fastmcp)$/;

export async function dependsOnMcp(directory: string): Promise<boolean> {
  try {
    const node = await textOf(directory, "package.json");
    if (node !== undefined) return parsePackageJson(node).dependencies.some((name) => NODE_SDK.test(name));
    const python = await textOf(directory, "pyproject.toml");
    const requirements = python === undefined ? [] : parseProject(python, directory).dependencies;
    return requirements.some((one) => PYTHON_SDK.test(normalName(/^[\w.-]+/.exec(one.trim())?.[0] ?? "")));
  } catch (error) {
    // Whatever is wrong with it, it does not say that it is a server.
    if (isPratiqueError(error)) return false;
    throw error;
  }
}

async function textOf(directory: string, name: string): Promise<string | undefined> {
  const absolute = join(directory, name);
  const found = await lstat(absolute).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  return (await readSmallFile({ absolute, path: name }, PACKAGE_JSON_LIMIT)).toString("utf8");
}
