// `pratique gateway connect CLIENT`: puts the gateway into a client's configuration.
import { dirname, resolve } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { readConnection, removeConnection, writeConnection } from "../connect/connection.ts";
import { planUndo, runUndo } from "../connect/undo.ts";
import { textFlag, type Command, type Context, type Flags, type Input } from "../kit/command.ts";
import { ownerToken } from "../kit/owner-token.ts";
import { usageError } from "../kit/run-command.ts";
import { clientPlaces } from "../mcp-clients/client-places.ts";
import { CLIENTS } from "../mcp-clients/clients.ts";
import { clientNamed, prepareEntry, recordName, type PreparedEntry } from "../mcp-clients/connect-client.ts";

export const gatewayConnect: Command = {
  name: "gateway connect",
  group: "set-up",
  summary: "let an editor or agent use the gateway: writes its configuration",
  description: `Clients: ${CLIENTS.map(({ name }) => name).join(", ")}. Nothing else in the file changes, and gateway disconnect gives it back to the byte.`,
  usage: "<client>",
  minArgs: 1,
  flags: {
    profile: { type: "string", value: "NAME", summary: "the servers and tools that it sees; by default all" },
    scope: {
      type: "string",
      value: "user|project",
      summary: "your own configuration (default), or that of this directory",
    },
    name: { type: "string", value: "NAME", summary: "what it is called there (default pratique)" },
    "token-env": { type: "string", value: "NAME", summary: "refer to this environment variable, and write no token" },
    stdio: { type: "boolean", summary: "start the bridge `pratique gateway stdio` in place of HTTP" },
    "dry-run": { type: "boolean", summary: "say what would be written, and write nothing" },
  },
  examples: [
    "pratique gateway connect claude-code",
    "pratique gateway connect cursor --profile team --scope project",
    "pratique gateway connect codex --token-env PRATIQUE_TOKEN",
  ],
  run: connect,
};

/** Directory of the project that is meant; undefined: the person's own configuration. */
export function projectOf(flags: Flags, { workingDirectory }: Context): string | undefined {
  const scope = textFlag(flags, "scope") ?? "user";
  if (scope !== "user" && scope !== "project")
    throw usageError("--scope is user or project", "for example: pratique gateway connect cursor --scope project");
  return scope === "project" ? resolve(workingDirectory) : undefined;
}

async function connect({ args, flags, context }: Input): Promise<0> {
  const { home, terminal, json } = context;
  const client = clientNamed(args[0] ?? "");
  const project = projectOf(flags, context);
  const isDryRun = flags["dry-run"] === true;
  const url = await context.daemonUrl();
  const token = await ownerToken(home);
  const record = recordName(client);
  const before = await readConnection(home, record, project);
  // What was written before goes first, so that disconnecting gives what was there at the very beginning.
  if (before !== undefined && !isDryRun) {
    await runUndo(await planUndo(before));
    await removeConnection(home, record, project);
  }
  const profile = textFlag(flags, "profile");
  const prepared = await prepareEntry({
    client,
    places: clientPlaces(context.environment),
    project,
    name: nameOf(flags),
    url: `${new URL(url).origin}/mcp${profile === undefined ? "" : `/${encodeURIComponent(profile)}`}`,
    token,
    variable: variableOf(flags),
    isStdio: flags["stdio"] === true,
    bridge: bridgeOf(home, profile),
  }).catch((error: unknown) => {
    // What would be written again stands there now.
    if (isDryRun && before !== undefined) return undefined;
    throw error;
  });
  if (prepared === undefined) {
    terminal.out("it is connected; it would be written again");
    return 0;
  }
  if (!isDryRun) {
    // First what is to be written, then the writing: what is undone too often does no harm.
    await writeConnection(home, { version: 1, client: record, files: [prepared.written] }, project);
    await ensureDirectory(dirname(prepared.path));
    await writeFileDurably(prepared.path, prepared.text, { mode: prepared.mode });
  }
  const { path, via, variable, holdsToken } = prepared;
  if (json) terminal.out(JSON.stringify({ client: client.name, isDryRun, path, via, variable, holdsToken }, null, 2));
  else for (const line of words(client.title, client.next, prepared, isDryRun)) terminal.out(line);
  for (const name of await unknownParts(context, profile)) {
    terminal.note(`  there is no profile or server ${name} yet: /mcp/${profile} shows nothing of it until there is`);
  }
  return 0;
}

/** Names of the address that the daemon knows nothing of; none while no daemon answers. */
async function unknownParts(context: Context, profile: string | undefined): Promise<string[]> {
  if (profile === undefined) return [];
  try {
    const client = await context.client();
    const [profiles, servers] = await Promise.all([client.profiles(), client.servers()]);
    const known = new Set([...profiles, ...servers].map(({ name }) => name));
    return known.has(profile) ? [] : profile.split("+").filter((name) => !known.has(name));
  } catch {
    return [];
  }
}

function words(
  title: string,
  next: string,
  { path, via, variable, holdsToken }: PreparedEntry,
  isDryRun: boolean,
): string[] {
  return [
    isDryRun ? `nothing was written; this would be: ${path}` : `✓ ${title} is connected: ${path}`,
    `  ${via === "http" ? "over HTTP" : "through the bridge that it starts, pratique gateway stdio"}`,
    ...(holdsToken ? ["  the file holds your token now, so only you may read it (mode 0600)"] : []),
    ...(variable === undefined
      ? []
      : [`  it reads the token from ${variable}: export ${variable}="$(pratique token)"`]),
    `  ${next}`,
  ];
}

function nameOf(flags: Flags): string {
  const name = textFlag(flags, "name") ?? "pratique";
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(name))
    throw usageError("--name is a short word", "for example --name tools");
  return name;
}

function variableOf(flags: Flags): string | undefined {
  const variable = textFlag(flags, "token-env");
  if (variable !== undefined && !/^[A-Z_][A-Z0-9_]{0,99}$/i.test(variable))
    throw usageError("--token-env names an environment variable", "for example --token-env PRATIQUE_TOKEN");
  return variable;
}

/** By absolute paths: desktop programs know no PATH of a shell. */
function bridgeOf(home: string, profile: string | undefined): { command: string; args: string[] } {
  const script = resolve(process.argv[1] ?? "");
  const rest = ["gateway", "stdio", ...(profile === undefined ? [] : ["--profile", profile]), "--home", resolve(home)];
  return { command: process.execPath, args: [script, ...rest] };
}
