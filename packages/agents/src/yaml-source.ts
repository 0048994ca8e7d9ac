// Bounded YAML with positions: what a hostile definition can cost is limited before it is looked at.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import { agentErrors } from "./errors.ts";

const MAX_BYTES = 256 * 1024;
const MAX_DEPTH = 32;
const MAX_NODES = 20_000;

/** A value of the file, where it stands, and what it is. */
export class YamlNode {
  readonly source: YamlSource;
  readonly path: string;
  readonly #node: Node | null;
  /** Line of its key, or of itself. */
  readonly line: number;

  constructor(source: YamlSource, node: Node | null, path: string, line: number) {
    this.source = source;
    this.#node = node;
    this.path = path;
    this.line = line;
  }

  /** The entries of a map, in the order of the file. */
  entries(): { key: string; value: YamlNode }[] {
    if (!isMap(this.#node)) throw this.unexpected("a map");
    return this.#node.items.map((pair) => {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      if (key === "") throw this.unexpected("a map with text keys");
      const node = pair.value as Node | null;
      const line = this.source.lineOf(pair.key as Node);
      return { key, value: new YamlNode(this.source, node, this.path === "" ? key : `${this.path}.${key}`, line) };
    });
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  get isNull(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  items(): YamlNode[] {
    if (!isSeq(this.#node)) throw this.unexpected("a list");
    return this.#node.items.map((item, index) => {
      const node = item as Node;
      return new YamlNode(this.source, node, `${this.path}[${index}]`, this.source.lineOf(node));
    });
  }

  text(): string {
    if (isScalar(this.#node) && typeof this.#node.value === "string") return this.#node.value;
    throw this.unexpected("text");
  }

  /** A text, or a number or boolean as it is written. */
  textOrNumber(): string {
    if (isScalar(this.#node) && ["string", "number"].includes(typeof this.#node.value)) {
      return this.#node.source ?? String(this.#node.value);
    }
    throw this.unexpected("text");
  }

  number(minimum: number, maximum: number, whole = false): number {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    const isGood =
      typeof value === "number" && value >= minimum && value <= maximum && (!whole || Number.isInteger(value));
    if (!isGood) {
      const range = maximum === Number.POSITIVE_INFINITY ? `${minimum} or more` : `${minimum} to ${maximum}`;
      throw this.unexpected(`a ${whole ? "whole " : ""}number, ${range}`);
    }
    return value;
  }

  texts(): string[] {
    return this.items().map((item) => item.text());
  }

  unexpected(wanted: string): Error {
    const place = this.path === "" ? "the file" : `\`${this.path}\``;
    return this.source.invalid(`line ${this.line}: ${place} must be ${wanted}`);
  }
}

export class YamlSource {
  readonly fileName: string;
  readonly root: YamlNode;
  readonly #lines = new LineCounter();

  /** @throws `agent.invalid` */
  constructor(text: string, fileName: string) {
    this.fileName = fileName;
    if (Buffer.byteLength(text) > MAX_BYTES) throw this.invalid(`it is larger than ${MAX_BYTES} bytes`);
    this.root = new YamlNode(this, this.#parse(text), "", 1);
  }

  lineOf(node: Node | null): number {
    const offset = node?.range?.[0];
    return offset === undefined ? 1 : Math.max(1, this.#lines.linePos(offset).line);
  }

  invalid(detail: string, hint = "`pratique explain agent.invalid` shows one"): Error {
    return agentErrors("agent.invalid", { file: this.fileName, detail, hint });
  }

  #parse(text: string): Node {
    let document: ReturnType<typeof parseDocument>;
    try {
      document = parseDocument(text, {
        lineCounter: this.#lines,
        strict: true,
        uniqueKeys: true,
        version: "1.2",
        merge: false,
      });
    } catch (cause) {
      // Deep nesting exhausts the parser's stack.
      throw this.invalid(cause instanceof RangeError ? "it nests too deeply" : "it cannot be parsed");
    }
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) {
      const line = problem.linePos?.[0].line ?? 1;
      throw this.invalid(
        `line ${line}: ${problem.message.split("\n")[0]?.replace(/ at line \d+.*$/, "") ?? "bad YAML"}`,
      );
    }
    if (document.contents === null) throw this.invalid("it is empty");
    this.#bound(document.contents, 0, { nodes: 0 });
    return document.contents;
  }

  /** Aliases are refused: nothing of the format needs them, and they are how small files become large. */
  #bound(node: Node | null, depth: number, seen: { nodes: number }): void {
    if (node === null) return;
    if ((seen.nodes += 1) > MAX_NODES) throw this.invalid("it has too many values");
    if (depth > MAX_DEPTH) throw this.invalid(`line ${this.lineOf(node)}: it nests too deeply`);
    if (isAlias(node)) throw this.invalid(`line ${this.lineOf(node)}: aliases (*${node.source}) are not supported`);
    if (isMap(node)) {
      for (const pair of node.items) {
        this.#bound(pair.key as Node | null, depth + 1, seen);
        this.#bound(pair.value as Node | null, depth + 1, seen);
      }
    }
    if (isSeq(node)) for (const item of node.items) this.#bound(item as Node | null, depth + 1, seen);
  }
}
