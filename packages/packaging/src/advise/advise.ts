// Advice on how to run an MCP server: the rules that apply, weighed, with what each was decided by.
import type { AdviseResult, RunForm } from "@pratique/contracts";
import { lookAtServer } from "./look-at-server.ts";
import { NOTES, RULES, type Rule } from "./rules.ts";
import type { ServerFacts, Setting } from "./server-facts.ts";

/** Where weights are equal, the first stands: apart from the host, and no more apart than it takes. */
const FORMS: readonly RunForm[] = ["container", "microvm", "process", "remote"];
const WORDS: Readonly<Record<RunForm, (path: string) => string>> = {
  container: (path) => `pratique pack ${path}`,
  microvm: (path) => `pratique pack ${path}`,
  process: (path) => `pratique pack ${path}`,
  remote: () => "add its address under gateway.servers in pratique.yaml",
};

/** @throws what looking at it throws */
export async function adviseOn(path: string, setting: Setting, cacheDirectory: string): Promise<AdviseResult> {
  return weigh(path, await lookAtServer(path, cacheDirectory), setting);
}

/** The same facts and setting give the same advice. */
export function weigh(
  path: string,
  facts: ServerFacts,
  setting: Setting,
  rules: readonly Rule[] = RULES,
): AdviseResult {
  const reasons = rules.flatMap(({ id, form, weight, reason, source, when }) => {
    const because = when(facts, setting);
    return because === undefined ? [] : [{ id, form, weight, reason, because, source }];
  });
  const sums = new Map<RunForm, number>();
  for (const { form, weight } of reasons) sums.set(form, (sums.get(form) ?? 0) + weight);
  const form = FORMS.reduce((best, one) => ((sums.get(one) ?? 0) > (sums.get(best) ?? 0) ? one : best));
  return {
    path,
    form,
    containerise: form === "container" || form === "microvm",
    // What spoke for the form first, and then by weight.
    reasons: reasons.toSorted(
      (a, b) => Number(b.form === form) - Number(a.form === form) || b.weight - a.weight || (a.id < b.id ? -1 : 1),
    ),
    notes: NOTES.flatMap(({ when }) => when(facts, setting) ?? []),
    facts: {
      language: facts.language,
      transport: facts.transport,
      remotes: [...facts.remotes],
      packages: [...facts.packages],
      secrets: [...facts.secrets],
      files: [...facts.files],
      network: [...facts.network],
      commands: [...facts.commands],
      desktop: [...facts.desktop],
      browser: [...facts.browser],
      sockets: [...facts.sockets],
      nativeModules: [...facts.nativeModules],
      state: [...facts.state],
      isShared: setting.isShared,
      agent: setting.agent,
    },
    next: WORDS[form](path),
  };
}
