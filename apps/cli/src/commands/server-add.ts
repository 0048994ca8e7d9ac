// `pratique server add`: a server behind the gateway without editing pratique.yaml.
import { resolve } from "node:path";
import type { AddServerRequest } from "@pratique/contracts";
import { cliErrors } from "../errors.ts";
import { textFlag, type Command, type Flags } from "../kit/command.ts";
import { readYamlFile } from "../kit/yaml-file.ts";

export const serverAdd: Command = {
  name: "server add",
  group: "everyday",
  summary: "put a server behind the gateway, and keep it there",
  description:
    "WHAT is the reference of a packed and cleared server, or the address of one that somebody else runs. With --file, a YAML file says what would stand under gateway.servers.NAME in pratique.yaml.",
  usage: "<name> [what]",
  minArgs: 1,
  maxArgs: 2,
  flags: {
    entry: { type: "string", value: "ENTRY", summary: "an entry of the catalogs in force" },
    file: { type: "string", value: "FILE", summary: "read what it is and needs from a YAML file" },
    network: { type: "string", value: "HOST:PORT", multiple: true, summary: "a host that it may reach; repeatable" },
    secret: {
      type: "string",
      value: "PLACE=NAME",
      multiple: true,
      summary: "a variable or /run/secrets/FILE, and the secret that it gets; repeatable",
    },
    "per-user": { type: "boolean", summary: "a process for each person, with his own secrets" },
    "per-call": { type: "boolean", summary: "a process for each request" },
  },
  examples: [
    "pratique server add harbour voyage/harbour:1.0.0",
    "pratique server add github team/github:2.1 --network api.github.com:443 --secret GITHUB_TOKEN=github-token",
    "pratique server add docs https://docs.example.com/mcp",
  ],
  async run({ args, flags, context }) {
    const { terminal } = context;
    const [name = "", what] = args;
    const file = textFlag(flags, "file");
    const server =
      file === undefined ? fromFlags(what, flags) : await fromFile(resolve(context.workingDirectory, file));
    const added = await (await context.client()).addServer({ name, server });
    if (context.json) terminal.out(JSON.stringify(added, null, 2));
    else terminal.out(`${terminal.paint("good", "✓")} ${added.name} is behind the gateway`);
    return 0;
  },
};

type ServerDescription = AddServerRequest["server"];

function fromFlags(what: string | undefined, flags: Flags): ServerDescription {
  const entry = textFlag(flags, "entry");
  if ((what === undefined) === (entry === undefined)) {
    throw cliErrors("cli.usage", { what: "say what it is: a reference, an address, --entry or --file" });
  }
  if (what !== undefined && /^https?:\/\//.test(what)) return { url: what };
  const network = listFlag(flags, "network");
  const secrets = Object.fromEntries(
    listFlag(flags, "secret").map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw cliErrors("cli.usage", { what: `--secret ${text} is not PLACE=NAME` });
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  return {
    ...(what === undefined ? { entry: entry ?? "" } : { reference: what }),
    ...(network.length === 0 ? {} : { network: [...network] }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(flags["per-user"] === true ? { scope: "user" } : {}),
    ...(flags["per-call"] === true ? { life: "per-call" } : {}),
  };
}

function listFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
}

async function fromFile(path: string): Promise<ServerDescription> {
  // The daemon checks it; here it only has to be JSON.
  return ((await readYamlFile(path, "pratique server add weather --file weather.yaml")) ?? {}) as ServerDescription;
}
