// Which names may come out of an archive or a manifest and become files.

const LIMIT_LENGTH = 1024;
const LIMIT_DEPTH = 64;

/** Why a path is refused, or `undefined` when it is relative, plain and stays below its directory. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "it has no name";
  if (path.length > LIMIT_LENGTH) return "its name is too long";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "it is an absolute path";
  if (path.includes("\\")) return "it has a backslash in its name";
  if (/\p{Cc}/u.test(path)) return "it has a control character in its name";
  if (path.includes("\ufffd")) return "its name is not UTF-8";
  const parts = path.split("/");
  if (parts.length > LIMIT_DEPTH) return "it is nested too deep";
  for (const part of parts) {
    if (part === "..") return "it leaves its directory";
    if (part === "" || part === ".") return "its path is not plain";
    if (Buffer.byteLength(part) > 255) return "its name is too long";
  }
  return undefined;
}
