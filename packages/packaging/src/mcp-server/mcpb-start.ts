// How a bundle's server starts in an image: its placeholders filled where they can be, and asked for where not.
import type { AskedInput, MadeServerJson } from "./made-server-json.ts";
import type { McpbManifest, McpbOption } from "./mcpb.schema.ts";

/** Where a bundle lies in the image. */
export const BUNDLE_ROOT = "/app/bundle";

export interface McpbStart {
  /** Arguments with nothing to ask, or with what stands in for the answer. */
  readonly args: readonly string[];
  /** Everything that is asked for, in the words of server.json. Secrets have no value, whatever the bundle says. */
  readonly inputs: Pick<MadeServerJson["package"], "environmentVariables" | "packageArguments">;
  readonly notes: readonly string[];
}

const USER_CONFIG = /\$\{user_config\.([^}]+)\}/g;

export function mcpbStart({ start, userConfig: options }: McpbManifest): McpbStart {
  const notes: string[] = [];
  const args: string[] = [];
  const packageArguments: (Omit<AskedInput, "name"> & { type: string })[] = [];
  for (const argument of start.args ?? []) {
    const names = namesIn(argument);
    if (names.length === 0) {
      args.push(fixed(argument));
      continue;
    }
    packageArguments.push({ type: "positional", ...asked(argument, names, options) });
    const values =
      names.length === 1 && argument === `\${user_config.${names[0]}}` ? presets(options[names[0]!]) : undefined;
    if (values !== undefined) args.push(...values);
    else notes.push(`the argument ${argument} is left out until it is configured`);
  }
  const environmentVariables = Object.entries(start.env ?? {}).map(([name, value]): AskedInput => {
    const names = namesIn(value);
    return names.length === 0 ? { name, value: fixed(value) } : { name, ...asked(value, names, options) };
  });
  return {
    args,
    inputs: {
      ...(environmentVariables.length === 0 ? {} : { environmentVariables }),
      ...(packageArguments.length === 0 ? {} : { packageArguments }),
    },
    notes,
  };
}

function namesIn(text: string): string[] {
  return [...text.matchAll(USER_CONFIG)].map(([, name = ""]) => name);
}

/** Placeholders with one answer inside of an image. */
function fixed(text: string): string {
  return text
    .replaceAll("${__dirname}", BUNDLE_ROOT)
    .replaceAll("${pathSeparator}", "/")
    .replaceAll("${/}", "/")
    .replaceAll("${HOME}", "/home/nonroot");
}

type Asked = Omit<AskedInput, "name">;

function asked(text: string, names: readonly string[], options: McpbManifest["userConfig"]): Asked {
  const [only] = names;
  if (only !== undefined && text === `\${user_config.${only}}`) return inputOf(options[only]);
  const variables = Object.fromEntries(names.map((name) => [name, inputOf(options[name])]));
  return {
    value: fixed(text).replace(USER_CONFIG, "{$1}"),
    variables,
    ...(names.some((name) => options[name]?.sensitive === true) ? { isSecret: true } : {}),
    ...(names.some((name) => options[name]?.required === true) ? { isRequired: true } : {}),
  };
}

function inputOf(option: McpbOption | undefined): Asked {
  if (option === undefined) return { isRequired: true };
  const preset = presets(option);
  return {
    ...(option.description === undefined && option.title === undefined
      ? {}
      : { description: option.description ?? option.title }),
    ...(option.required === true ? { isRequired: true } : {}),
    ...(option.sensitive === true ? { isSecret: true } : {}),
    ...(preset === undefined || preset.length !== 1 ? {} : { default: preset[0]! }),
  };
}

/** What stands in when nobody answers. A secret has none; a directory of somebody's machine is none in an image. */
function presets(option: McpbOption | undefined): string[] | undefined {
  if (option?.default === undefined || option.sensitive === true) return undefined;
  if (option.type === "directory" || option.type === "file") return undefined;
  return Array.isArray(option.default) ? option.default : [String(option.default)];
}
