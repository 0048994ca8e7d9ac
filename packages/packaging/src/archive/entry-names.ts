// Names of an archive's entries together: what two readers, or two file systems, could take for different things.

/** `undefined`: known as a directory because something lies in it. */
type Seen = { readonly spelling: string; readonly type: "file" | "directory" | "symlink" | undefined };

export class EntryNames {
  readonly #seen = new Map<string, Seen>();

  get size(): number {
    return this.#seen.size;
  }

  /** Why an entry cannot stand beside those before it, or `undefined`. The path is plain already (`pathProblem`). */
  add(path: string, type: "file" | "directory" | "symlink"): string | undefined {
    let end = path.indexOf("/");
    for (; end !== -1; end = path.indexOf("/", end + 1)) {
      const problem = this.#note(path.slice(0, end), undefined);
      if (problem !== undefined) return problem;
    }
    return this.#note(path, type);
  }

  #note(path: string, type: Seen["type"]): string | undefined {
    // HFS+ normalises, and it, NTFS and APFS fold case.
    const key = path.normalize("NFC").toLowerCase();
    const other = this.#seen.get(key);
    if (other === undefined) {
      this.#seen.set(key, { spelling: path, type });
      return undefined;
    }
    if (other.spelling !== path) return `another spelling of it is there: ${other.spelling}`;
    const isDirectory = type === undefined || type === "directory";
    const wasDirectory = other.type === undefined || other.type === "directory";
    if (!isDirectory && !wasDirectory) return "it is there twice";
    if (isDirectory !== wasDirectory) return "it is a file and a directory";
    return undefined;
  }
}
