// What packing attests of pickles, and says of them at once.
import { UNSAFE_FORMAT_PROPERTY } from "@pratique/sbom";
import type { FoundPickle } from "./headers/find-pickles.ts";

const IMPORTS_PROPERTY = "pratique:pickle-imports";
const LIMIT_TEXT = 4096;

/** Properties of the component in the SBOM. */
export function pickleProperties(pickles: readonly FoundPickle[]): Record<string, string> {
  const imports = new Set(pickles.flatMap((one) => one.imports.map(({ module, name }) => `${module}.${name}`)));
  return {
    [UNSAFE_FORMAT_PROPERTY]: "pickle",
    ...(imports.size === 0 ? {} : { [IMPORTS_PROPERTY]: [...imports].sort().join(" ").slice(0, LIMIT_TEXT) }),
  };
}

/** Said when packing, long before policy refuses to clear it. */
export function notesOf(pickles: readonly FoundPickle[]): string[] {
  return pickles.map(({ path, member, imports, isWhole }) => {
    const dangerous = imports.filter(({ verdict }) => verdict === "dangerous");
    const names = dangerous.map(({ module, name }) => `${module}.${name}`).slice(0, 5);
    const what =
      names.length > 0
        ? `, and would import ${names.join(", ")}`
        : isWhole
          ? ""
          : ", and cannot be followed to its end";
    const where = member === undefined ? path : `${path} (${member})`;
    return `${where} is a pickle: it runs code when it is loaded${what}. Policy pickle.forbidden refuses to clear or run it; convert it to safetensors`;
  });
}
