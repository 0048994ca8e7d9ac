// Reads what a server says of its tools as a model would, and names what no honest description has: characters that nobody
// sees, orders to keep things from the user, other tools' names in orders, files with keys, addresses that carry data away.
import type { TextFinding } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

type Severity = TextFinding["severity"];

interface Rule {
  readonly kind: string;
  readonly severity: Severity;
  readonly pattern: RegExp;
  readonly detail: string;
}

/** Longer texts are looked at part by part; a description of that length is a finding of its own. */
const TEXT_LIMIT = 20_000;
/** Parts have so much in common: no rule is about more. */
const COMMON = 500;
/** A text of more parts is held: nobody reads it, and its end may say anything. */
const PARTS_LIMIT = 10;
const LONG_TEXT = 4000;
const DEPTH_LIMIT = 32;
const FINDINGS_LIMIT = 50;

/** Nobody sees them, and some of them a message loses on its way to the client. */
const WIDTHLESS = /\p{Default_Ignorable_Code_Point}|(?![\t\n\r])\p{Cc}/gu;

const RULES: readonly Rule[] = [
  {
    kind: "hidden-characters",
    severity: "high",
    pattern: /\udb40[\udc00-\udfff]/,
    detail: "characters of the tags block, which a model reads and a person does not see",
  },
  {
    kind: "hidden-characters",
    severity: "high",
    pattern: /[\u202a-\u202e\u2066-\u2069]/,
    detail: "marks that turn the direction of text round",
  },
  {
    kind: "hidden-characters",
    severity: "medium",
    pattern:
      /(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{Script=Arabic}\p{Script=Devanagari}])[\u200b-\u200d\u2060-\u2064\ufeff]/u,
    detail: "characters without width",
  },
  {
    kind: "terminal-escape",
    severity: "high",
    // oxlint-disable-next-line no-control-regex
    pattern: /\u001b[[\]PX^_]|[\u0080-\u009f]/,
    detail: "escapes that move a terminal's cursor or hide text",
  },
  {
    kind: "secrecy",
    severity: "high",
    pattern:
      /\b(?:do not|don['’]?t|never|must not|without)\s+(?:ever\s+)?(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|reveal(?:ing)?|show(?:ing)?|notify(?:ing)?|disclos(?:e|ing)|alert(?:ing)?)\b[^.\n]{0,40}\b(?:users?|humans?|persons?|anyone|them|operators?)\b/i,
    detail: "an order to keep something from the user",
  },
  {
    kind: "secrecy",
    severity: "high",
    pattern:
      /\b(?:keep|do)\s+(?:this|it|that)\s+(?:a\s+)?(?:secret|hidden|silent(?:ly)?)\b[^.\n]{0,40}\b(?:from|user|to)\b/i,
    detail: "an order to keep something from the user",
  },
  {
    kind: "order-in-tags",
    severity: "high",
    pattern: /<\s*\/?\s*(?:important|system|secret|instructions?|hidden|admin|sys|assistant)\s*>/i,
    detail: "a tag that dresses text up as an order of the system",
  },
  {
    kind: "override",
    severity: "high",
    pattern:
      /\b(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:your\s+|the\s+|my\s+)?(?:previous|prior|earlier|above|other|system|existing)\s+(?:instructions?|prompts?|rules?|messages?|guidelines?|context)\b/i,
    detail: "an order to ignore other instructions",
  },
  {
    kind: "key-files",
    severity: "high",
    pattern:
      /(?:~|\$HOME|\/home\/[\w.-]+|\/root|%USERPROFILE%)\/\.(?:ssh|aws|gnupg|kube|docker|netrc|npmrc|config\/gcloud|cursor\/mcp\.json)|\bid_(?:rsa|ed25519|ecdsa)\b|\/etc\/shadow\b|\.aws\/credentials\b/i,
    detail: "a file in which people keep keys",
  },
  {
    kind: "carried-away",
    severity: "high",
    pattern: /!\[[^\]\n]{0,100}\]\(\s*https?:\/\/[^)\s]{0,300}[{<[]/i,
    detail: "an image whose address is to be filled with data",
  },
  {
    kind: "carried-away",
    severity: "high",
    pattern:
      /\b(?:send|post|upload|forward|exfiltrate|transmit|append|include|pass|copy)\b[^.\n]{0,80}\b(?:conversation|chat history|system prompt|credentials?|passwords?|api keys?|private keys?|env(?:ironment)? variables?|secrets?)\b[^.\n]{0,80}\b(?:to|in|into|as|at)\b[^.\n]{0,60}(?:https?:\/\/|\bparameter\b|\bargument\b|\bfield\b|@\w)/i,
    detail: "an order to put what is confidential where it does not belong",
  },
  {
    kind: "order-to-call",
    severity: "medium",
    pattern:
      /\b(?:before|after|instead of|whenever)\s+(?:using|calling|you\s+(?:use|call)|invoking|running)\s+(?:this|any|every|other|the)\b[^.\n]{0,40}\btools?\b[^.\n]{0,60}\b(?:must|always|first|need to|have to)\b/i,
    detail: "an order about the use of other tools",
  },
  {
    kind: "markdown-image",
    severity: "low",
    pattern: /!\[[^\]\n]{0,200}\]\(\s*https?:\/\//i,
    detail: "an image from elsewhere, which tells its host that it was looked at",
  },
];

/** What a tool's entry says that a person should read. `others`: names of tools of other servers. */
export function toolFindings(tool: JsonObject, others: ReadonlySet<string> = new Set()): TextFinding[] {
  const findings: TextFinding[] = [];
  const { name } = tool;
  eachText(tool, "", 0, (text, where) => findings.push(...textFindings(text, where)));
  const description = typeof tool["description"] === "string" ? tool["description"] : "";
  findings.push(...shadowing(description, typeof name === "string" ? name : "", others));
  return worstFirst(findings);
}

/** What a text says that a person should read. */
export function textFindings(text: string, where: string): TextFinding[] {
  const parts = partsOf(text);
  const findings: TextFinding[] = RULES.filter(({ pattern }) => parts.some((part) => pattern.test(part))).map(
    ({ kind, severity, detail }) => ({ kind, severity, where, detail }),
  );
  if (text.length > PARTS_LIMIT * TEXT_LIMIT) {
    const detail = `${text.length} characters, more than is looked at`;
    findings.push({ kind: "long-text", severity: "high", where, detail });
  }
  if (text.length > LONG_TEXT) {
    const detail = `${text.length} characters, more than anybody reads`;
    findings.push({ kind: "long-text", severity: "low", where, detail });
  }
  return findings;
}

/** As it is written, and as a model reads it: without what has no width, and each letter in its plain form. */
function partsOf(text: string): string[] {
  const looked = text.slice(0, PARTS_LIMIT * TEXT_LIMIT);
  const plain = looked.normalize("NFKC").replaceAll(WIDTHLESS, "");
  return (plain === looked ? [looked] : [looked, plain]).flatMap((one) => {
    const parts: string[] = [];
    for (let at = 0; at === 0 || at + COMMON < one.length; at += TEXT_LIMIT - COMMON)
      parts.push(one.slice(at, at + TEXT_LIMIT));
    return parts;
  });
}

/** Another server's tool, in a sentence that gives orders. */
function shadowing(description: string, own: string, others: ReadonlySet<string>): TextFinding[] {
  const found: TextFinding[] = [];
  for (const sentence of description.slice(0, TEXT_LIMIT).split(/[.\n]/)) {
    if (!/\b(?:must|always|never|instead|do not|don['’]t|first|before|should)\b/i.test(sentence)) continue;
    for (const [word] of sentence.matchAll(/\b[A-Za-z][\w-]{3,63}\b/g)) {
      // A word that is a tool's name by chance has no underscore, hyphen or capital within.
      if (word === own || !/[_-]|[a-z][A-Z]/.test(word) || !others.has(word)) continue;
      found.push({
        kind: "shadowing",
        severity: "high",
        where: "description",
        detail: `gives orders about ${word}, a tool of another server`,
      });
      break;
    }
    if (found.length > 0) break;
  }
  return found;
}

function eachText(
  value: Json | undefined,
  where: string,
  depth: number,
  look: (text: string, where: string) => void,
): void {
  if (typeof value === "string") return look(value, where);
  if (typeof value !== "object" || value === null || depth > DEPTH_LIMIT) return;
  if (!isJsonObject(value)) return value.forEach((item) => eachText(item, where, depth + 1, look));
  for (const [key, member] of Object.entries(value)) {
    // A pattern of a schema is an expression in which such characters have their meaning.
    if (key === "pattern" && typeof member === "string") continue;
    look(key, where);
    eachText(member, where === "" ? key : `${where}.${key}`, depth + 1, look);
  }
}

const ORDER: Readonly<Record<Severity, number>> = { high: 0, medium: 1, low: 2 };

function worstFirst(findings: readonly TextFinding[]): TextFinding[] {
  const seen = new Set<string>();
  return findings
    .filter(({ kind, where, detail }) => {
      const key = `${kind} ${where} ${detail}`;
      return seen.has(key) ? false : seen.add(key);
    })
    .toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity])
    .slice(0, FINDINGS_LIMIT);
}
