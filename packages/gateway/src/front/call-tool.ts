// tools/call: decided, passed on, bounded, redacted, recorded.
import type { CallToolResult, ProgressCallback } from "@modelcontextprotocol/client";
import {
  canonicalJson,
  digestOf,
  isPratiqueError,
  redactJson,
  type Json,
  type JsonObject,
  type Log,
  describeError,
} from "@pratique/core";
import type { AuditRecord, Decision } from "@pratique/contracts";
import { denialText, type Guard } from "@pratique/guard";
import type { Catalog } from "../catalog/catalog.ts";
import { cleanResult, DECISION_META } from "../catalog/clean-result.ts";
import { serverResource, toolResource } from "../catalog/guard-resources.ts";
import { gatewayErrors } from "../errors.ts";
import { RECORDED_ARGUMENTS_BYTES } from "../limits.ts";
import { runOf, type Caller } from "./caller.ts";

export interface CallParts {
  readonly catalog: Catalog;
  readonly guard: Guard;
  readonly log: Log;
  readonly allowUnisolated: boolean;
}

export interface ToolCall {
  /** As the client knows the tool. */
  readonly name: string;
  readonly args: JsonObject;
  readonly signal: AbortSignal;
  readonly onprogress?: ProgressCallback | undefined;
}

/** A denial and a server's failure are results with `isError`, since a model is to read them. @throws `gateway.unknown-tool` */
export async function callTool(caller: Caller, call: ToolCall, parts: CallParts): Promise<CallToolResult> {
  const { catalog, guard, log, allowUnisolated } = parts;
  const found = (await catalog.tools(caller.profile)).find(({ publicName }) => publicName === call.name);
  if (found === undefined) throw gatewayErrors("gateway.unknown-tool", { name: call.name.slice(0, 100) });
  const { upstream, item: tool } = found;
  const { definition } = upstream;
  const argumentsText = canonicalJson(call.args);
  const argumentsDigest = digestOf(argumentsText);
  const unisolated = (allowUnisolated || definition.allowUnisolated === true) && !definition.isolated;
  try {
    const outcome = await guard.perform(
      {
        principal: caller.principal,
        action: "tool:call",
        resource: toolResource(await serverResource(definition), definition, tool),
        context: { argumentsDigest, ...(unisolated ? { allowUnisolated: true } : {}) },
        ...runOf(caller),
        details: argumentDetails(call.args, argumentsText, argumentsDigest),
      },
      async (_decision, note) => {
        const answer = await upstream.callTool(tool.name, call.args, call);
        const { result, sizeBytes, redactions } = cleanResult(answer, { server: definition.name, what: tool.name });
        note({
          resultDigest: digestOf(JSON.stringify(result)),
          resultBytes: sizeBytes,
          ...(result.isError === true ? { isError: true } : {}),
          ...(redactions.length === 0
            ? {}
            : { resultRedactions: redactions.map(({ kind, digest }) => `${kind}:${digest}`) }),
        });
        return result;
      },
    );
    const meta = decisionMeta(outcome.decision, outcome.record);
    if (outcome.allowed) return { ...outcome.value, _meta: { ...outcome.value._meta, ...meta } };
    return { content: [{ type: "text", text: denialText(outcome.decision, call.name) }], isError: true, _meta: meta };
  } catch (error) {
    if (call.signal.aborted) throw error;
    log.warn("a tool call failed", { server: definition.name, tool: tool.name, ...describeError(error) });
    // What guard could not record is no result either: it is told as the failure that it is.
    if (!isPratiqueError(error) && !isProtocolError(error)) throw error;
    return { content: [{ type: "text", text: failureText(error) }], isError: true };
  }
}

/** Small arguments as they are, without secrets; large ones by size and digest. */
function argumentDetails(args: JsonObject, text: string, digest: string): JsonObject {
  const size = Buffer.byteLength(text);
  const shown: Json | undefined = size <= RECORDED_ARGUMENTS_BYTES ? redactJson(args) : undefined;
  return { argumentsBytes: size, argumentsDigest: digest, ...(shown === undefined ? {} : { arguments: shown }) };
}

function decisionMeta({ allow, policies }: Decision, record: AuditRecord): JsonObject {
  const effect = allow ? "permit" : "forbid";
  const policy = policies.find((reason) => reason.effect === effect)?.id;
  return {
    [DECISION_META]: {
      allow,
      decision: allow ? "allow" : "deny",
      policies: policies.map(({ id }) => id),
      ...(policy === undefined ? {} : { policy }),
      record: record.id,
    },
  };
}

function isProtocolError(error: unknown): error is Error & { code: number } {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

function failureText(error: Error & { code: number | string }): string {
  return isPratiqueError(error)
    ? `failed: ${error.message}`
    : `failed: the server answered ${error.code}: ${error.message}`;
}
