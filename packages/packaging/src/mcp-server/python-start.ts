// How a Python server starts: the command that its package declares, as a file that the image's Python runs.
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { textFile } from "./canonical-files.ts";
import type { ServerRole } from "./canonical-server.ts";
import { normalName, OBJECT_REFERENCE } from "./wheel-files.ts";

/** Without an extension it cannot be imported in place of a module of that name. */
const START_PATH = "opt/pratique/start";

export interface PythonStart {
  readonly args: readonly string[];
  readonly files: readonly CanonicalFile<ServerRole>[];
}

/** The command of that name, else the only one, else one that looks like a server's, else `python -m`. */
export function pythonStart(
  name: string,
  commands: Readonly<Record<string, string>>,
  mains: readonly string[],
): PythonStart | undefined {
  const names = Object.keys(commands).sort();
  const command =
    names.find((one) => normalName(one) === normalName(name)) ??
    (names.length === 1 ? names[0] : undefined) ??
    names.find((one) => /mcp|server/i.test(one)) ??
    names[0];
  const reference = OBJECT_REFERENCE.exec(commands[command ?? ""] ?? "");
  if (command !== undefined && reference !== null) {
    const [, module = "", attribute = ""] = reference;
    return {
      args: [`/${START_PATH}`],
      files: [textFile(START_PATH, "entry", startScript(command, module, attribute))],
    };
  }
  const main = mains.find((one) => normalName(one) === normalName(name)) ?? mains[0];
  return main === undefined ? undefined : { args: ["-m", main], files: [] };
}

/** As the script that pip would write, less the `#!`. */
function startScript(command: string, module: string, attribute: string): string {
  const [first = "", ...rest] = attribute.split(".");
  const call = ["start", ...rest].join(".");
  return [
    "import sys",
    `from ${module} import ${first} as start`,
    'if __name__ == "__main__":',
    `    sys.argv[0] = ${JSON.stringify(command)}`,
    `    sys.exit(${call}())`,
    "",
  ].join("\n");
}
