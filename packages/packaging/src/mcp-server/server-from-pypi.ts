// A server that is published as a Python package: its wheel and those it needs, on a base with Debian's Python.
import { packagingErrors } from "../errors.ts";
import type { PythonTarget } from "./base-image.ts";
import { textFile } from "./canonical-files.ts";
import type { FoundServer } from "./canonical-server.ts";
import { describedBy, type Describes } from "./described-by.ts";
import { makeServerJson, nameOfPackage } from "./made-server-json.ts";
import { pythonStart } from "./python-start.ts";
import { fetchWheels } from "./python-wheels.ts";
import type { ServerTools } from "./server-tools.ts";
import { openStaging } from "./staging.ts";
import { normalName, unpackWheels } from "./wheel-files.ts";

/** @throws `mcp-server.fetch-failed`, `mcp-server.needs-build`, `mcp-server.no-entry`, `archive.*` */
export async function serverFromPypi(
  wanted: { readonly name: string; readonly version: string; readonly describes?: Describes | undefined },
  target: PythonTarget,
  tools: ServerTools,
): Promise<FoundServer> {
  const { name, version } = wanted;
  const source = `pypi:${name}==${version}`;
  const { runCommand, architecture, python } = tools;
  const staging = await openStaging(tools.cacheDirectory);
  try {
    const { directory } = staging;
    const wheels = await fetchWheels([`${name}==${version}`], source, {
      runCommand,
      target,
      architecture,
      index: python,
      directory,
    });
    const unpacked = await unpackWheels(wheels, { directory, minor: target.minor, own: name });
    const facts = unpacked.facts.get(normalName(name));
    const start = pythonStart(name, facts?.commands ?? {}, facts?.mains ?? []);
    if (facts === undefined || start === undefined) {
      throw packagingErrors("mcp-server.no-entry", { directory: source });
    }
    const described = describedBy(wanted.describes, { source, stated: facts.mcpName }, () =>
      makeServerJson({
        name: facts.mcpName ?? nameOfPackage("org.pypi", name),
        description: facts.summary,
        version,
        package: { registryType: "pypi", identifier: name, version },
      }),
    );
    return {
      server: {
        kind: "mcp-server",
        name: described.server.name,
        version: described.server.version,
        description: described.server.description,
        files: [...start.files, ...unpacked.files, textFile("app/server.json", "description", described.serverJson)],
        metadata: {
          runtime: "python",
          args: [...start.args, ...described.args],
          env: described.env,
          transport: described.transport,
          serverJson: described.serverJson.toString("utf8"),
          ...(facts.licence === undefined ? {} : { licence: facts.licence }),
        },
        annotations: {},
        foreign: {},
      },
      components: unpacked.components,
      materials: unpacked.materials,
      layout: "wheels",
      notes: [...described.notes, ...unpacked.notes],
      close: () => staging.close(),
    };
  } catch (error) {
    await staging.close();
    throw error;
  }
}
