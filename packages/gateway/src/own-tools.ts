// The gateway's own tools for one caller: find_tool and call_tool where the list is long, run_code where it is allowed.
import { fileURLToPath } from "node:url";
import type { ToolReachConfig } from "@pratique/contracts";
import type { Json, JsonObject, Log } from "@pratique/core";
import { codeIn, endingResult, programValue, RUN_CODE } from "./code-mode/run-code.ts";
import { PROGRAM_LIMITS, type ProgramLimits } from "./code-mode/program-protocol.ts";
import { runProgram } from "./code-mode/run-program.ts";
import { toolPaths } from "./code-mode/tool-paths.ts";
import type { Exchange } from "./exchange/exchange.ts";
import type { OwnTools } from "./exchange/ports.ts";
import { principalKey, type Caller } from "./front/caller.ts";
import { callRequest, CALL_TOOL } from "./search/call-tool.ts";
import {
  argumentsOf,
  declarationText,
  definitionsText,
  findRequest,
  FIND_TOOL,
  hitsText,
  textResult,
} from "./search/find-tool.ts";
import { ToolSearch } from "./search/tool-search.ts";
import type { Embed } from "./search/tool-vectors.ts";

export interface OwnToolsOptions {
  /** How tools reach this caller: what his profile says. */
  readonly reach: (caller: Caller) => ToolReachConfig;
  /** Vectors of texts, where a model for them is there. */
  readonly embed?: Embed;
  /** Built file of program-host; from source it is found here. */
  readonly programHost?: string | undefined;
  readonly programLimits?: ProgramLimits;
  readonly log: Log;
}

type Inner = Parameters<OwnTools["call"]>[2];

const SOURCE_HOST = fileURLToPath(new URL("code-mode/program-host.ts", import.meta.url));
/** Programs that run at one time: of all callers, and of one. */
const PROGRAMS = 8;
const PROGRAMS_OF_ONE = 2;

export function createOwnTools(options: OwnToolsOptions): OwnTools {
  return new GatewayTools(options);
}

class GatewayTools implements OwnTools {
  readonly #options: OwnToolsOptions;
  readonly #search: ToolSearch;
  readonly #running = new Map<string, number>();

  constructor(options: OwnToolsOptions) {
    this.#options = options;
    this.#search = new ToolSearch(options.embed, options.log);
  }

  tools(caller: Caller, offered: readonly JsonObject[]): readonly JsonObject[] {
    const isFound = this.#isFound(caller, offered.length);
    const hasCode = this.#hasCode(caller);
    return [
      ...(isFound || hasCode ? [hasCode ? withDeclare(FIND_TOOL) : FIND_TOOL] : []),
      ...(isFound ? [CALL_TOOL] : []),
      ...(hasCode ? [RUN_CODE] : []),
    ];
  }

  visible(caller: Caller, offered: readonly JsonObject[]): readonly JsonObject[] {
    if (!this.#isFound(caller, offered.length)) return offered;
    const pinned = new Set(this.#options.reach(caller).pinned);
    return offered.filter(({ name }) => pinned.has(String(name)));
  }

  has(caller: Caller, name: string): boolean {
    const { search } = this.#options.reach(caller);
    const hasCode = this.#hasCode(caller);
    if (name === RUN_CODE["name"]) return hasCode;
    if (name === CALL_TOOL["name"]) return search !== false;
    return name === FIND_TOOL["name"] && (search !== false || hasCode);
  }

  async call(caller: Caller, exchange: Exchange, inner: Inner): Promise<JsonObject> {
    const args = argumentsOf(exchange.params);
    switch (exchange.params["name"]) {
      case FIND_TOOL["name"]:
        return await this.#find(args, inner);
      case CALL_TOOL["name"]:
        return await callFound(args, exchange, inner);
      default:
        return await this.#run(caller, args, exchange, inner);
    }
  }

  async #find(args: JsonObject, { offered, serverOf }: Inner): Promise<JsonObject> {
    const request = findRequest(args);
    if (typeof request === "string") return textResult(request, true);
    const { query, names, limit } = request;
    const asked = names.map((name) => offered.find((tool) => tool["name"] === name));
    const named = asked.filter((tool) => tool !== undefined);
    const unknown = names.filter((_, at) => asked[at] === undefined);
    const hits = query === "" ? [] : await this.#search.find(offered, query, limit, serverOf);
    if (args["declare"] === true) {
      const { of } = toolPaths(namesOf(offered), serverOf ?? (() => undefined));
      return textResult(declarationText([...new Set([...named, ...hits])], of));
    }
    return textResult(
      [
        ...(names.length === 0 ? [] : [definitionsText(named, unknown)]),
        ...(query === "" ? [] : [hitsText(hits, offered.length)]),
      ].join("\n"),
    );
  }

  async #run(caller: Caller, args: JsonObject, exchange: Exchange, inner: Inner): Promise<JsonObject> {
    const { programHost = SOURCE_HOST, programLimits = PROGRAM_LIMITS } = this.#options;
    const read = codeIn(args);
    if (typeof read === "string") return textResult(read, true);
    const who = principalKey(caller);
    const mine = this.#running.get(who) ?? 0;
    const all = [...this.#running.values()].reduce((sum, count) => sum + count, 0);
    if (mine >= PROGRAMS_OF_ONE || all >= PROGRAMS)
      return textResult("too many programs run at this moment: try again when one has ended", true);
    this.#running.set(who, mine + 1);
    try {
      const names = namesOf(inner.offered);
      const known = new Set(names);
      const ending = await runProgram({
        hostFile: programHost,
        code: read.code,
        limits: programLimits,
        tools: toolPaths(names, inner.serverOf ?? (() => undefined)).list,
        signal: exchange.signal,
        call: async (name, given, ended) => {
          if (!known.has(name)) throw new Error("there is no such tool");
          return programValue(await inner.call(name, given, {}, ended));
        },
      });
      return endingResult(ending);
    } finally {
      const left = (this.#running.get(who) ?? 1) - 1;
      if (left > 0) this.#running.set(who, left);
      else this.#running.delete(who);
    }
  }

  /** True when his tools are found and not listed. */
  #isFound(caller: Caller, count: number): boolean {
    const { search } = this.#options.reach(caller);
    return typeof search === "boolean" ? search : count > search.over;
  }

  #hasCode(caller: Caller): boolean {
    return this.#options.reach(caller).codeMode;
  }
}

/** Calls what was found. A retry of revision 2026-07-28 goes on to the tool with the answers and the state of it. */
async function callFound(args: JsonObject, { params }: Exchange, inner: Inner): Promise<JsonObject> {
  const request = callRequest(args);
  if (typeof request === "string") return textResult(request, true);
  const { name, args: given } = request;
  if (!inner.offered.some((tool) => tool["name"] === name))
    return textResult(`No tool is called ${name.slice(0, 100)}: find_tool finds those there are.`, true);
  const { name: _, arguments: __, ...more } = params;
  return await inner.call(name, given, more);
}

function namesOf(offered: readonly JsonObject[]): string[] {
  return offered.map(({ name }) => String(name));
}

function withDeclare(tool: JsonObject): JsonObject {
  const schema = tool["inputSchema"] as { readonly [key: string]: Json; readonly properties: JsonObject };
  const declare = { type: "boolean", description: "write them as TypeScript declarations for run_code" };
  return { ...tool, inputSchema: { ...schema, properties: { ...schema.properties, declare } } };
}
