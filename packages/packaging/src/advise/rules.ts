// Whether and how to containerise an MCP server: the rules, as data. Each says what it goes by and where it is from.
import type { RunForm } from "@pratique/contracts";
import type { ServerFacts, Setting } from "./server-facts.ts";

export interface Rule {
  readonly id: string;
  readonly form: RunForm;
  /** Weights of one form add up; 100 and more decides alone. */
  readonly weight: number;
  readonly reason: string;
  readonly source: string;
  /** What was seen that makes the rule apply, or `undefined`. */
  when(facts: ServerFacts, setting: Setting): string | undefined;
}

const CONTAINERS_FOR_AI =
  "https://www.redhat.com/en/blog/using-containers-bring-software-engineering-rigor-ai-workloads";
const HOSTING = "https://docs.aws.amazon.com/prescriptive-guidance/latest/mcp-strategies/mcp-hosting-strategy.html";
const TRANSPORTS = "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports";
const SECURITY = "https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices";
const BUNDLES = "https://github.com/modelcontextprotocol/mcpb";
const REGISTRY = "https://github.com/modelcontextprotocol/registry";

const seen = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : list.join(", "));
const isQuiet = ({ secrets, network, commands, sockets, browser }: ServerFacts): boolean =>
  [secrets, network, commands, sockets, browser].every((list) => list.length === 0);

export const RULES: readonly Rule[] = [
  {
    id: "remote.hosted",
    form: "remote",
    weight: 100,
    reason: "its maker runs it, and offers nothing to run yourself",
    source: REGISTRY,
    when: ({ remotes, packages, language }) =>
      packages.length === 0 && language === "unknown" ? seen(remotes) : undefined,
  },
  {
    id: "remote.cloud-agent",
    form: "remote",
    weight: 35,
    reason: "an agent in somebody's cloud reaches it only over the network, and its maker runs one already",
    source: HOSTING,
    when: ({ remotes }, { agent }) => (agent === "cloud" ? seen(remotes) : undefined),
  },
  {
    id: "process.desktop",
    form: "process",
    weight: 100,
    reason: "it works on a person's screen and applications, which no container has",
    source: BUNDLES,
    when: ({ desktop }) => seen(desktop),
  },
  {
    id: "process.personal",
    form: "process",
    weight: 25,
    reason: "one person's agent starts it over stdio, and it touches no network, no secret and no other program",
    source: HOSTING,
    when: (facts, { isShared, agent }) =>
      !isShared &&
      agent === "local" &&
      isQuiet(facts) &&
      facts.transport === "stdio" &&
      facts.nativeModules.length === 0
        ? "transport stdio; nothing else was seen"
        : undefined,
  },
  {
    id: "container.shared",
    form: "container",
    weight: 30,
    reason: "several people use it: one image that is cleared once, started apart for each of them",
    source: CONTAINERS_FOR_AI,
    when: (_, { isShared }) => (isShared ? "--shared" : undefined),
  },
  {
    id: "container.cluster",
    form: "container",
    weight: 40,
    reason: "the agent runs in a cluster, and a cluster runs images",
    source: CONTAINERS_FOR_AI,
    when: (_, { agent }) => (agent === "cluster" ? "--agent cluster" : undefined),
  },
  {
    id: "container.cloud",
    form: "container",
    weight: 25,
    reason:
      "the agent runs elsewhere and nobody else runs the server: it has to be a service of yours, behind the gateway",
    source: HOSTING,
    when: ({ remotes }, { agent }) => (agent === "cloud" && remotes.length === 0 ? "--agent cloud" : undefined),
  },
  {
    id: "container.http",
    form: "container",
    weight: 10,
    reason:
      "it listens on the network: in a container only the gateway reaches it, and no web page does (DNS rebinding)",
    source: TRANSPORTS,
    when: ({ transport }) => (transport === "http" || transport === "both" ? `transport ${transport}` : undefined),
  },
  {
    id: "container.secrets",
    form: "container",
    weight: 20,
    reason: "it holds secrets: apart from the person's files and other processes, it can leak only its own",
    source: SECURITY,
    when: ({ secrets }) => seen(secrets),
  },
  {
    id: "container.network",
    form: "container",
    weight: 20,
    reason: "it talks to the network: a container's egress can be limited to the hosts it needs, a process's cannot",
    source: SECURITY,
    when: ({ network }) => seen(network),
  },
  {
    id: "container.files",
    form: "container",
    weight: 10,
    reason: "it works on files: a container sees the one directory it is given",
    source: SECURITY,
    when: ({ files, chosenFiles }) => seen([...files, ...chosenFiles]),
  },
  {
    id: "container.native-modules",
    form: "container",
    weight: 10,
    reason: "its native modules are built for one system and libc: the image brings them",
    source: CONTAINERS_FOR_AI,
    when: ({ nativeModules }) => seen(nativeModules),
  },
  {
    id: "container.dependencies",
    form: "container",
    weight: 10,
    reason: "much of it is other people's code: an image pins it, lists it, and is scanned as a whole",
    source: CONTAINERS_FOR_AI,
    when: ({ dependencies }) => (dependencies >= 5 ? `${dependencies} direct dependencies` : undefined),
  },
  {
    id: "microvm.commands",
    form: "microvm",
    weight: 60,
    reason: "it runs programs or code that an agent hands it: a kernel of its own stands between that and the host",
    source: SECURITY,
    when: ({ commands }) => seen(commands),
  },
  {
    id: "microvm.browser",
    form: "microvm",
    weight: 40,
    reason: "it opens strangers' pages in a browser, whose own sandbox needs rights that containers here do not have",
    source: SECURITY,
    when: ({ browser }) => seen(browser),
  },
  {
    id: "microvm.binary",
    form: "microvm",
    weight: 30,
    reason: "it is a compiled program: nothing of what it does can be seen before it runs",
    source: SECURITY,
    when: ({ language }) => (language === "binary" ? "a binary" : undefined),
  },
  {
    id: "microvm.shared-commands",
    form: "microvm",
    weight: 20,
    reason: "what one person's agent makes it run must not reach another's",
    source: SECURITY,
    when: ({ commands }, { isShared }) => (isShared ? seen(commands) : undefined),
  },
];

export interface NoteRule {
  readonly id: string;
  when(facts: ServerFacts, setting: Setting): string | undefined;
}

export const NOTES: readonly NoteRule[] = [
  {
    id: "note.stdio-shared",
    when: ({ transport }, { isShared, agent }) =>
      transport === "stdio" && (isShared || agent !== "local")
        ? "it speaks stdio, which has one client: the gateway starts one for each session and serves them over HTTP"
        : undefined,
  },
  {
    id: "note.state",
    when: ({ state }) =>
      state.length === 0 ? undefined : `it keeps state (${state.join(", ")}): give it a directory that outlives it`,
  },
  {
    id: "note.sockets",
    when: ({ sockets }) =>
      sockets.length === 0
        ? undefined
        : `it asks for sockets of the host (${sockets.join(", ")}): whoever has them has the host, in a container or not`,
  },
  {
    id: "note.chosen-files",
    when: ({ chosenFiles }) =>
      chosenFiles.length === 0
        ? undefined
        : `it wants directories or files of a person (${chosenFiles.join(", ")}): only the workspace can be given to a sandbox`,
  },
  {
    id: "note.unknown-transport",
    when: ({ transport, remotes }) =>
      transport === "unknown" && remotes.length === 0
        ? "its transport was not found; stdio is taken for it"
        : undefined,
  },
  {
    id: "note.secrets",
    when: ({ secrets }) =>
      secrets.length === 0
        ? undefined
        : `secrets that it asks for: ${secrets.join(", ")}; the gateway holds them, not the image and not the agent`,
  },
];
