// One file of an entry point and all it imports, as the bundler gives it. Nothing of it is run.
import { z } from "zod";

/** What a bundler makes of a server. */
export const RawBundle = z.strictObject({
  code: z.string(),
  /** Imports that are left in it. */
  imports: z.array(z.string()),
  /** Absolute paths of the modules whose code is in it. */
  modules: z.array(z.string()),
});
export type RawBundle = z.infer<typeof RawBundle>;

/** Bundles `root/entry`; rejects with an Error whose message says what is wrong with the source. */
export type BundleEntry = (root: string, entry: string) => Promise<RawBundle>;

/** CommonJS packages in the bundle may ask for `require`; an ES module has none of its own. */
const BANNER =
  'import { createRequire as __pratiqueCreateRequire } from "node:module";\nconst require = __pratiqueCreateRequire(import.meta.url);';

/** Bundles in this process. The bundler keeps some 250 MB, so a daemon has it done in a child: see `bundleThrough`. */
export async function bundleEntry(root: string, entry: string): Promise<RawBundle> {
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: `${root}/${entry}`,
    cwd: root,
    platform: "node",
    tsconfig: false,
    experimental: { attachDebugInfo: "none" },
    logLevel: "silent",
    onLog(_level, log) {
      // An import that is not found would only fail when the server runs, inside its sandbox.
      if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message);
    },
  });
  try {
    const { output } = await build.generate({
      format: "esm",
      codeSplitting: false,
      sourcemap: false,
      entryFileNames: "server.mjs",
      banner: BANNER,
    });
    const [chunk, ...others] = output;
    if (others.length > 0) throw new Error(`it needs other files at run time: ${others[0]?.fileName ?? ""}`);
    const modules = Object.entries(chunk.modules).filter(([, { renderedLength }]) => renderedLength > 0);
    return {
      code: chunk.code,
      imports: [...chunk.imports, ...chunk.dynamicImports],
      modules: modules.map(([id]) => id),
    };
  } finally {
    await build.close();
  }
}
