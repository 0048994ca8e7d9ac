// Which keys of the context a slice of policies can see. What none of them sees must not split the cache: each tool
// call has another arguments digest.
import type { CedarValueJson, PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";

/** True for a key of the context that a policy may look at. Rather too often than too seldom. */
export type ReadsContext = (key: string) => boolean;

/** Looks for keys in the policies' JSON; a policy that takes the context whole sees every key. */
export function readsContext(policies: readonly PolicyJson[]): ReadsContext {
  const text = JSON.stringify(policies.map(({ conditions }) => conditions));
  const all = text.match(/"Var":"context"/g)?.length ?? 0;
  const byKey = text.match(/"left":\{"Var":"context"\},"attr":/g)?.length ?? 0;
  return all === byKey ? (key) => text.includes(JSON.stringify(key)) : () => true;
}

/** The context with strings that nobody looks at made empty: still there and still strings, so still valid or not. */
export function blankUnread(
  context: Readonly<Record<string, CedarValueJson>>,
  reads: ReadsContext,
): Record<string, CedarValueJson> {
  const entries = Object.entries(context);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === "string" && !reads(key) ? "" : value]),
  );
}
