// What is known of a program that is a client of MCP servers.
import type { ClientPlaces } from "./client-places.ts";
import type { Format, Tree } from "./entry-format.ts";

/** How it reaches the gateway over HTTP. */
export interface HttpEntry {
  readonly name: string;
  readonly url: string;
  /** `Bearer …`, with the token or a reference to it. */
  readonly authorization: string;
  /** The variable that holds the token, when the entry refers to one. */
  readonly variable: string | undefined;
}

/** How it starts the bridge. */
export interface StdioEntry {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface McpClient {
  readonly name: string;
  readonly title: string;
  readonly format: Format;
  /** Keys down to where servers stand. */
  readonly at: readonly string[];
  /** Servers stand in a list, each with its name. */
  readonly isList?: boolean;
  /** Its own configuration: the first that is there counts, else the first. */
  user(places: ClientPlaces): readonly string[];
  /** Directories or files that are there when it is installed; by default where `user` lies. */
  signs?(places: ClientPlaces): readonly string[];
  /** Below a project's directory. */
  readonly project?: string;
  /** Absent: it starts programs only. */
  http?(entry: HttpEntry): Tree;
  stdio(entry: StdioEntry): Tree;
  /** How its configuration refers to an environment variable; absent where it cannot. */
  reference?(variable: string): string;
  /** What a person has to do there afterwards. */
  readonly next: string;
}
