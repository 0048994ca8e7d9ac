// From argv to an exit code: finds the command, parses strictly, runs it, and shows what went wrong.
import { isPratiqueError, type PratiqueError } from "@pratique/core";
import { cliErrors } from "../errors.ts";
import type { Command, Context, ExitCode, Flags, Tree } from "./command.ts";
import { commandHelp, GLOBAL_FLAGS, nounHelp, rootHelp } from "./help.ts";
import { nearest } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";

export interface Program {
  readonly tree: Tree;
  readonly version: string;
  readonly terminal: Terminal;
  context(global: { json: boolean; home: string | undefined }): Context;
  /** Aborts at Ctrl-C: what fails afterwards fails because of it. */
  readonly interrupted?: AbortSignal;
}

/** Codes of what was typed wrong: exit code 2. */
const USAGE_CODES = ["cli.usage", "daemon.bad-listen"];

/** What was typed cannot be meant. */
export function usageError(message: string, hint: string): PratiqueError {
  return cliErrors("cli.usage", { what: message }, { hint });
}

/** Runs one call of the program. */
export async function runProgram(program: Program, argv: readonly string[]): Promise<ExitCode> {
  const json = argv.includes("--json");
  try {
    return await dispatch(program, argv);
  } catch (error) {
    return showError(program, error, json);
  }
}

async function dispatch(program: Program, argv: readonly string[]): Promise<ExitCode> {
  const { tree, terminal } = program;
  const words = leadingWords(argv);
  if (argv.includes("--version") && words.length === 0) {
    terminal.out(program.version);
    return 0;
  }
  if (words.length === 0 || words[0] === "help") {
    const wanted = argv.filter((word) => !word.startsWith("-")).slice(1);
    const load = tree[wanted.join(" ")];
    if (load !== undefined) terminal.out(commandHelp(await load()));
    else if (wanted.length > 0) return await unknown(program, wanted, ["--help"]);
    else terminal.out(rootHelp(await Promise.all(Object.values(tree).map((load) => load())), program.version));
    return words.length === 0 && argv.length > 0 && !argv.includes("--help") && !argv.includes("-h") ? 2 : 0;
  }
  const name = [words.slice(0, 2).join(" "), words[0]!].find((candidate) => tree[candidate] !== undefined);
  if (name === undefined) return await unknown(program, words, argv);
  const command = await tree[name]!();
  const { flags, args } = parse(command, withoutCommand(argv, name));
  if (flags["help"] === true) {
    terminal.out(commandHelp(command));
    return 0;
  }
  checkArity(command, args);
  const context = program.context({
    json: flags["json"] === true,
    home: typeof flags["home"] === "string" ? flags["home"] : undefined,
  });
  return await command.run({ flags, args, context });
}

/** The words before the first flag: the noun and the verb are among them. Global flags with a value may come first. */
function leadingWords(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length && words.length < 2; index++) {
    const word = argv[index]!;
    if (word === "--home") index++;
    else if (!word.startsWith("-")) words.push(word);
    else if (words.length > 0) break;
  }
  return words;
}

function withoutCommand(argv: readonly string[], name: string): string[] {
  const rest = [...argv];
  for (const word of name.split(" ")) rest.splice(rest.indexOf(word), 1);
  return rest;
}

function parse(command: Command, argv: readonly string[]): { flags: Flags; args: string[] } {
  const known = { ...GLOBAL_FLAGS, ...command.flags };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, flag]) => [
      name,
      {
        type: flag.type,
        multiple: flag.multiple ?? false,
        ...(flag.short === undefined ? {} : { short: flag.short }),
      },
    ]),
  );
  // Importing it as a module loads all that it hands on, which takes longer than all the rest of a start.
  const { parseArgs } = process.getBuiltinModule("node:util");
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { flags: values as Flags, args: positionals };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const flag = /'(-{1,2}[^'\s]+)/.exec(text)?.[1];
    const close = flag === undefined ? undefined : nearest(flag.replace(/^-+/, ""), Object.keys(known));
    throw usageError(
      flag !== undefined && text.startsWith("Unknown option") ? `unknown flag ${flag}` : text.split(". To specify")[0]!,
      close === undefined ? `see \`pratique ${command.name} --help\`` : `did you mean --${close}?`,
    );
  }
}

function checkArity(command: Command, args: readonly string[]): void {
  const { minArgs = 0, maxArgs = minArgs } = command;
  if (args.length >= minArgs && args.length <= maxArgs) return;
  const what = args.length < minArgs ? "an argument is missing" : `\`${args[maxArgs]}\` is one argument too many`;
  throw usageError(what, `usage: pratique ${command.name} ${command.usage ?? ""}`.trimEnd());
}

async function unknown(program: Program, words: readonly string[], argv: readonly string[]): Promise<ExitCode> {
  const names = Object.keys(program.tree);
  const verbs = names.filter((name) => name.startsWith(`${words[0]} `));
  if (verbs.length > 0 && (words.length === 1 || argv.includes("--help"))) {
    program.terminal.out(nounHelp(words[0]!, await Promise.all(verbs.map((name) => program.tree[name]!()))));
    return words.length === 1 && !argv.includes("--help") ? 2 : 0;
  }
  const typed = verbs.length > 0 ? words.join(" ") : words[0]!;
  const close = nearest(words.join(" "), names) ?? nearest(typed, names);
  throw usageError(
    `there is no command \`${typed}\``,
    close === undefined ? "`pratique help` lists the commands" : `did you mean \`pratique ${close}\`?`,
  );
}

function showError({ terminal, interrupted }: Program, error: unknown, json: boolean): ExitCode {
  if (interrupted?.aborted === true) {
    terminal.note("stopped before the end; what was acknowledged is kept");
    return 1;
  }
  if (!isPratiqueError(error)) {
    terminal.note(
      `error: this is a bug in Pratique\n\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return 1;
  }
  if (json) {
    const { code, message, hint } = error;
    terminal.note(JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }));
  } else {
    terminal.note(
      `error: ${error.message} [${error.code}]${error.hint === undefined ? "" : `\n\nhint: ${error.hint}`}`,
    );
  }
  if (USAGE_CODES.includes(error.code)) return 2;
  return error.status === 403 ? 3 : 1;
}
