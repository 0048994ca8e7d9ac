// What in code and among dependencies tells what a server does. Data: one line a mark.

/** A list of `ServerFacts` that marks fill. */
export type MarkedFact =
  | "files"
  | "network"
  | "commands"
  | "desktop"
  | "browser"
  | "sockets"
  | "nativeModules"
  | "state"
  | "http"
  | "stdio";

export interface Mark {
  readonly fact: MarkedFact;
  /** In a line of code. */
  readonly code?: RegExp;
  /** Name of a dependency, of either language. */
  readonly dependency?: RegExp;
}

export const MARKS: readonly Mark[] = [
  { fact: "stdio", code: /\bStdioServerTransport\b|\bstdio_server\b|transport\s*=\s*["']stdio["']/ },
  { fact: "stdio", code: /\bserveStdio\b|\.run\(\s*\)/ },
  { fact: "http", code: /\b(?:Node)?StreamableHTTPServerTransport\b|\bSSEServerTransport\b|\bstreamable_http_app\b/ },
  { fact: "http", code: /transport\s*=\s*["'](?:streamable-http|http|sse)["']|\bcreateMcpHandler\b/ },
  { fact: "files", code: /["'](?:node:)?fs(?:\/promises)?["']|\bpathlib\b|\bshutil\b|\bopen\([^)]*["'][rwa]b?\+?["']/ },
  { fact: "network", code: /\bfetch\(|["'](?:node:)?https?["']|\burllib\.request\b|\baiohttp\b/ },
  { fact: "network", dependency: /^(?:axios|got|undici|node-fetch|ky|superagent|requests|httpx|aiohttp)$/ },
  {
    fact: "network",
    dependency: /^(?:pg|mysql2?|mongodb|redis|ioredis|psycopg2?(?:-binary)?|pymysql|octokit|@octokit\/.+|@slack\/.+)$/,
  },
  { fact: "commands", code: /["'](?:node:)?child_process["']|\bsubprocess\.|\bos\.system\(|\bcreate_subprocess_/ },
  {
    fact: "commands",
    code: /["'](?:node:)?vm["']|\bnew Function\(|(?<![\w.])eval\(|(?<![\w.])exec\(\s*(?:code|source|script|compile)/,
  },
  { fact: "commands", dependency: /^(?:execa|zx|cross-spawn|shelljs|node-pty|pexpect|sh|isolated-vm|vm2|ipykernel)$/ },
  { fact: "desktop", code: /\bosascript\b|\bxdotool\b|\bAppKit\b|\bwin32gui\b/ },
  {
    fact: "desktop",
    dependency: /^(?:electron|robotjs|@nut-tree\/.+|pyautogui|pynput|pyobjc.*|pywin32|clipboardy|pyperclip)$/,
  },
  { fact: "browser", dependency: /^(?:playwright(?:-core)?|puppeteer(?:-core)?|selenium(?:-webdriver)?|pyppeteer)$/ },
  { fact: "sockets", code: /docker\.sock|podman\.sock|containerd\.sock|SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS/ },
  {
    fact: "nativeModules",
    dependency:
      /^(?:better-sqlite3|sqlite3|sharp|canvas|bcrypt|node-gyp|prebuild-install|node-gyp-build|numpy|pandas|torch)$/,
  },
  { fact: "state", code: /["']node:sqlite["']|^\s*import sqlite3\b/ },
  {
    fact: "state",
    dependency: /^(?:better-sqlite3|sqlite3|level|lowdb|lmdb|keyv|sqlalchemy|aiosqlite|chromadb|tinydb)$/,
  },
];

/** Names of environment variables that hold secrets. */
export const SECRET_NAME = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?|PAT)$/;
export const ENVIRONMENT_READ =
  /process\.env(?:\.([A-Z][A-Z0-9_]*)|\[\s*["']([A-Z][A-Z0-9_]*)["']\s*\])|os\.(?:environ(?:\.get)?|getenv)\s*[[(]\s*["']([A-Z][A-Z0-9_]*)["']/g;
