// What a token is good for (distribution: docs/spec/auth/scope.md).

export interface Access {
  /** `repository`, or `registry` for the catalog. */
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const SCOPES_LIMIT = 64;
const LENGTH_LIMIT = 4096;
const ACTIONS: ReadonlySet<string> = new Set(["pull", "push", "delete", "*"]);
/** `type(class):name:actions`; a name may hold colons. */
const SCOPE = /^([a-z0-9]+)(?:\([a-z0-9]+\))?:(.+):([a-z*]+(?:,[a-z*]+)*)$/;

/** Scopes as they stand in parameters, several in one divided by spaces; what is none is left out, as others do. */
export function parseScopes(parameters: readonly string[]): Access[] {
  const texts = parameters.join(" ").slice(0, LENGTH_LIMIT).split(" ").slice(0, SCOPES_LIMIT);
  return texts.flatMap((text) => {
    const [, type, name, actions] = SCOPE.exec(text) ?? [];
    if (type === undefined || name === undefined || actions === undefined) return [];
    const known = [...new Set(actions.split(","))].filter((action) => ACTIONS.has(action));
    return known.length === 0 ? [] : [{ type, name, actions: known }];
  });
}

export function formatScope({ type, name, actions }: Access): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** Several in one parameter, divided by spaces. */
export function formatScopes(access: readonly Access[]): string {
  return access.map(formatScope).join(" ");
}

/** True when every action that is needed is granted. */
export function covers(granted: readonly Access[], needed: Access): boolean {
  const mine = granted.filter(({ type, name }) => type === needed.type && name === needed.name);
  return needed.actions.every((action) =>
    mine.some(({ actions }) => actions.includes(action) || actions.includes("*")),
  );
}
