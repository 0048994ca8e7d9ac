// What can be seen of an MCP server without running it: in its description, its packages and its code.

export type SeenTransport = "stdio" | "http" | "both" | "unknown";

/** Each list holds what was seen and where, for people; empty means not seen, which is no promise. */
export interface ServerFacts {
  readonly language: "node" | "python" | "binary" | "unknown";
  readonly transport: SeenTransport;
  /** Addresses at which others run it. */
  readonly remotes: readonly string[];
  /** Registry types of the packages that server.json names. */
  readonly packages: readonly string[];
  /** Names of secrets that it asks for. */
  readonly secrets: readonly string[];
  readonly files: readonly string[];
  /** Directories or files that somebody is asked to choose. */
  readonly chosenFiles: readonly string[];
  readonly network: readonly string[];
  /** Starts other programs, or runs code that it is given. */
  readonly commands: readonly string[];
  /** Screens, keyboards, windows and applications of a person. */
  readonly desktop: readonly string[];
  readonly browser: readonly string[];
  /** Sockets of the host: container engines, message buses, key agents. */
  readonly sockets: readonly string[];
  readonly nativeModules: readonly string[];
  /** Keeps something between runs. */
  readonly state: readonly string[];
  readonly dependencies: number;
}

/** Who uses it, and where the agent runs. */
export interface Setting {
  readonly isShared: boolean;
  readonly agent: "local" | "cluster" | "cloud";
}
