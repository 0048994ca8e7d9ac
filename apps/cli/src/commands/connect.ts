// `pratique connect podman|docker|containerd`: writes the client's configuration, and takes it back.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { readConnection, removeConnection, writeConnection } from "../connect/connection.ts";
import { planContainerd } from "../connect/containerd.ts";
import { planDocker } from "../connect/docker.ts";
import type { Places } from "../connect/places.ts";
import { placesOf } from "../connect/places.ts";
import type { Plan, Target } from "../connect/plan.ts";
import { planPodman } from "../connect/podman.ts";
import { prepare } from "../connect/prepare.ts";
import { planUndo, runUndo, type UndoStep } from "../connect/undo.ts";
import { cliErrors } from "../errors.ts";
import { textFlag, type Command, type Context, type Input } from "../kit/command.ts";
import { columns } from "../kit/terminal.ts";

type Client = "podman" | "docker" | "containerd";

const PLANS: Readonly<Record<Client, (target: Target, places: Places) => Promise<Plan>>> = {
  podman: planPodman,
  docker: planDocker,
  containerd: planContainerd,
};

const SUMMARIES: Readonly<Record<Client, string>> = {
  podman: "let podman, buildah and skopeo pull everything through Pratique",
  docker: "let Docker log in here, and learn what it cannot be made to do",
  containerd: "let containerd, and Kubernetes on it, pull everything through Pratique",
};

function connect(client: Client): Command {
  return {
    name: `connect ${client}`,
    group: "set-up",
    summary: SUMMARIES[client],
    description:
      "Writes the client's configuration: the system's as root, your own otherwise. Nothing else in those files changes, and --undo takes back exactly what was written.",
    flags: {
      undo: { type: "boolean", summary: "take back what was written" },
      "dry-run": { type: "boolean", summary: "show what would be written, and write nothing" },
      root: { type: "string", value: "DIR", summary: "directory that stands for / (an image, another machine's disk)" },
    },
    examples: [`pratique connect ${client}`, `pratique connect ${client} --undo`],
    run: (input) => (input.flags["undo"] === true ? undo(client, input) : write(client, input)),
  };
}

export const connectPodman = connect("podman");
export const connectDocker = connect("docker");
export const connectContainerd = connect("containerd");

async function write(client: Client, { flags, context }: Input): Promise<0> {
  const root = textFlag(flags, "root");
  const isDryRun = flags["dry-run"] === true;
  const places = placesOf({ environment: context.environment, userId: process.getuid?.() ?? -1, root });
  const before = await readConnection(context.home, client, root);
  const undoing = before === undefined ? [] : await planUndo(before);
  // What was written before goes first, so that undoing it later gives what was there at the very beginning.
  if (before !== undefined && !isDryRun) {
    await runUndo(undoing);
    await removeConnection(context.home, client, root);
  }
  const plan = await PLANS[client](await targetOf(context), places);
  const prepared = isDryRun && before !== undefined ? [] : await prepare(plan);
  if (!isDryRun) {
    // First what was to be written, then the writing: what is undone too often does no harm.
    await writeConnection(context.home, { version: 1, client, files: prepared.map(({ written }) => written) }, root);
    for (const { path, text, mode } of prepared) {
      await ensureDirectory(dirname(path));
      await writeFileDurably(path, text, { mode });
    }
  }
  const changes =
    isDryRun && before !== undefined
      ? plan.files.map(({ path }) => ({ path, change: "written again" }))
      : prepared.map(({ path, change }) => ({ path, change }));
  show(context, { client, isDryRun, changes, notes: plan.notes, gaps: plan.gaps });
  return 0;
}

interface Shown {
  readonly client: Client;
  readonly isDryRun: boolean;
  readonly changes: readonly { readonly path: string; readonly change: string }[];
  readonly notes: readonly string[];
  readonly gaps: readonly string[];
}

function show({ terminal, json }: Context, shown: Shown): void {
  if (json) return terminal.out(JSON.stringify(shown, null, 2));
  const { isDryRun, changes, notes, gaps } = shown;
  if (isDryRun) terminal.out("nothing was written; this is what would be:");
  terminal.out(columns(changes.map(({ path, change }) => [terminal.paint("good", "✓"), path, change])));
  for (const note of notes) terminal.out(`  ${note}`);
  if (gaps.length > 0) terminal.out(terminal.paint("warn", "not enforced"));
  for (const gap of gaps) terminal.out(`  ${gap}`);
}

async function undo(client: Client, { flags, context }: Input): Promise<0> {
  const { terminal, home, json } = context;
  const root = textFlag(flags, "root");
  const connection = await readConnection(home, client, root);
  if (connection === undefined) throw cliErrors("connect.nothing-to-undo", { client });
  const steps = await planUndo(connection);
  const isDryRun = flags["dry-run"] === true;
  if (!isDryRun) {
    await runUndo(steps);
    await removeConnection(home, client, root);
  }
  const changes = steps.map((step) => ({ path: step.path, change: wordFor(step) }));
  if (json) terminal.out(JSON.stringify({ client, isDryRun, changes }, null, 2));
  else {
    if (isDryRun) terminal.out("nothing was changed; this is what would be:");
    terminal.out(columns(changes.map(({ path, change }) => [terminal.paint("good", "✓"), path, change])));
  }
  return 0;
}

function wordFor({ type }: UndoStep): string {
  return type === "remove" ? "removed" : type === "write" ? "as it was before" : "is gone already";
}

async function targetOf(context: Context): Promise<Target> {
  const url = new URL(await context.daemonUrl());
  const upstreams = await (await context.client()).upstreams();
  const file = join(context.home, "token");
  const token = await readFile(file, "utf8").catch((cause: unknown) => {
    throw cliErrors("identity.no-token", { file }, { cause });
  });
  return { host: url.host, url: url.origin, upstreams: upstreams.map(({ name }) => name), token: token.trim() };
}
