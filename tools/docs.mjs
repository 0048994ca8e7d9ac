// `npm run docs`: generates docs/reference from the code; `--check` fails when a page is stale.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./machine.mjs";

const check = process.argv.includes("--check");
const { errorTables } = await import("../apps/daemon/src/error-tables.ts");
const { clientErrors } = await import("../packages/client/src/errors.ts");
const { cliErrors } = await import("../apps/cli/src/errors.ts");
const { Config } = await import("../packages/contracts/src/config.schema.ts");
const { TREE } = await import("../apps/cli/src/tree.ts");
const { commandHelp, rootHelp } = await import("../apps/cli/src/kit/help.ts");
const { VERSION } = await import("../apps/cli/src/version.ts");
const { controlOperations } = await import("../apps/daemon/src/control/operations.ts");
const { openApiOf } = await import("../apps/daemon/src/control/openapi.ts");

const NOTE = "<!-- Generated from the code by `npm run docs`. -->\n";

const commands = await Promise.all(Object.values(TREE).map((load) => load()));
// The operations are only described here, so the desks behind them are never asked.
const operations = controlOperations(/** @type {never} */ ({ house: {}, shield: {}, gateway: {} }));

const pages = {
  "errors.md": errorsPage(),
  "configuration.md": configurationPage(),
  "cli.md": cliPage(),
  "openapi.json": `${JSON.stringify(openApiOf(operations, VERSION), null, 2)}\n`,
};

let stale = 0;
mkdirSync(join(root, "docs", "reference"), { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const file = join(root, "docs", "reference", name);
  if (!check) {
    writeFileSync(file, text);
    continue;
  }
  let current = "";
  try {
    current = readFileSync(file, "utf8");
  } catch {
    // Missing counts as stale.
  }
  if (current !== text) {
    stale++;
    process.stdout.write(`docs/reference/${name} is stale: run \`npm run docs\`\n`);
  }
}
process.exit(stale === 0 ? 0 : 1);

function errorsPage() {
  const sections = [
    ...errorTables(),
    { room: "client", definitions: clientErrors.definitions },
    { room: "cli", definitions: cliErrors.definitions },
  ].map(({ room, definitions }) => {
    const rows = Object.entries(definitions)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([code, { status, text, hint }]) => `| \`${code}\` | ${status} | ${cell(text)} | ${cell(hint ?? "")} |`);
    return `## ${room}\n\n| code | HTTP | what it says | what to do |\n|---|---|---|---|\n${rows.join("\n")}\n`;
  });
  return `${NOTE}\n# Errors\n\nCodes are stable. \`pratique explain CODE\` shows one; each API renders them in its own form.\n\n${sections.join("\n")}`;
}

function configurationPage() {
  const rows = [];
  walk(Config.toJSONSchema({ io: "input" }), "");
  return `${NOTE}\n# Configuration\n\n\`pratique.yaml\` in the state directory. Every key is optional; an unknown key is an error.\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n\nEnvironment variables override keys: \`PRATIQUE_LISTEN\`, \`PRATIQUE_LOG_LEVEL\`, \`PRATIQUE_POLICY_DIRECTORY\`, \`PRATIQUE_ENGINE_LLAMA_SERVER\`, \`PRATIQUE_CONTAINER_SOCKET\`, \`PRATIQUE_CONTAINER_ENABLED\`.\n`;
  function walk(schema, path) {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      const name = path === "" ? key : `${path}.${key}`;
      if (value.type === "object" && value.properties !== undefined) {
        walk(value, name);
        continue;
      }
      const type =
        value.enum?.map((entry) => `\`${entry}\``).join(" or ") ??
        (value.type === "object" ? "map" : (value.type ?? "any"));
      const fallback = value.default === undefined ? "" : `\`${JSON.stringify(value.default)}\``;
      rows.push(`| \`${name}\` | ${type} | ${fallback} | ${cell(value.description ?? "")} |`);
      for (const option of value.additionalProperties?.anyOf ?? [])
        walk({ properties: option.properties }, `${name}.NAME`);
    }
  }
}

function cliPage() {
  const blocks = commands.map((command) => `## pratique ${command.name}\n\n\`\`\`\n${commandHelp(command)}\n\`\`\`\n`);
  return `${NOTE}\n# Commands\n\n\`\`\`\n${rootHelp(commands, VERSION)}\n\`\`\`\n\n${blocks.join("\n")}`;
}

function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
