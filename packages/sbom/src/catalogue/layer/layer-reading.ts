// What was read of one layer: facts by path, and what it hides of the layers below it.
import type { CatalogueLimits, Unread } from "../catalogue.ts";
import type { Detector, Fact, FileParts, Findings } from "../facts.ts";
import { Unreadable } from "../facts.ts";
import type { ScannedEntry, TarVisitor, Wanted } from "./tar-scanner.ts";

export interface LayerReading {
  /** By path; a path that was read and says nothing is there too, as it may cover one that did. */
  readonly facts: ReadonlyMap<string, readonly Fact[]>;
  readonly unread: readonly Unread[];
  /** Everything that is no directory, so that what lies below is known to be covered. */
  readonly paths: readonly string[];
  /** Paths that `.wh.` files remove. */
  readonly whiteouts: readonly string[];
  /** Directories whose older content is gone. */
  readonly opaque: readonly string[];
  /** Links of this layer: of the root, of documentation, and of files that a detector would read. */
  readonly links: ReadonlyMap<string, string>;
  /** Hard links that a detector would read, to files that this one has not read in this layer. */
  readonly missed: readonly MissedLink[];
  readonly entries: number;
}

export interface MissedLink {
  readonly path: string;
  readonly target: string;
  readonly mode: number;
}

/** What is left of the bounds of the whole image. */
export interface ReadingBudget {
  entries: number;
  bytes: number;
  packages: number;
}

export class BudgetSpent extends Error {}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const LINKED_ROOT = /^(?:bin|sbin|lib|lib32|lib64|libx32|var\/lib\/rpm|usr\/lib\/os-release|etc\/os-release)$/;
/** Package databases that are followed to no other place: packages behind such a link must not go missing in silence. */
const LINKED_DATABASE =
  /^(?:var|var\/lib|var\/lib\/dpkg(?:\/status(?:\.d)?)?|(?:usr\/)?lib\/apk(?:\/db(?:\/installed)?)?)$/;
const LINKED_DOC = /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/;

/** What a fact takes of memory, in packages: names of others are small, and some packages have thousands. */
function weightOf(fact: Fact): number {
  if (fact.fact === "package") {
    const { needs = [], provides = [], licences } = fact.package;
    return 1 + (needs.length + provides.length + licences.length) / 16;
  }
  return fact.fact === "owned" ? fact.paths.length / 64 : 1;
}

export type DetectorOf = (path: string, mode: number) => Detector | undefined;

/** Collects a layer's reading while its archive is scanned. */
export class LayerReader implements TarVisitor {
  readonly #detectorOf: DetectorOf;
  readonly #limits: CatalogueLimits;
  readonly #budget: ReadingBudget;
  readonly #facts = new Map<string, readonly Fact[]>();
  readonly #unread: Unread[] = [];
  readonly #paths: string[] = [];
  readonly #whiteouts: string[] = [];
  readonly #opaque: string[] = [];
  readonly #links = new Map<string, string>();
  readonly #missed: MissedLink[] = [];
  #entries = 0;
  #detector: Detector | undefined;
  #isBeginning = false;

  constructor(o: { detectorOf: DetectorOf; limits: CatalogueLimits; budget: ReadingBudget }) {
    this.#detectorOf = o.detectorOf;
    this.#limits = o.limits;
    this.#budget = o.budget;
  }

  entry(entry: ScannedEntry): Wanted {
    this.#count(entry.path);
    const { path, type } = entry;
    if (type === "directory") return "nothing";
    const slash = path.lastIndexOf("/") + 1;
    if (path.startsWith(WHITEOUT, slash)) return this.#whiteout(path, slash);
    this.#paths.push(path);
    // What this layer said of the path before is no longer so.
    this.#facts.delete(path);
    if (type === "hard-link" || type === "symbolic-link") return this.#link(entry);
    if (type !== "file") return "nothing";
    const detector = this.#detectorOf(path, entry.mode);
    if (detector === undefined || entry.size === 0) return "nothing";
    this.#detector = detector;
    this.#isBeginning = detector.begins !== undefined;
    if (this.#isBeginning) return 64;
    return detector.headBytes ?? this.#whole(entry, detector);
  }

  body(entry: ScannedEntry, bytes: Buffer): Wanted {
    const detector = this.#detector;
    if (detector === undefined) return "nothing";
    if (this.#isBeginning) {
      this.#isBeginning = false;
      if (detector.begins?.(bytes) !== true) return "nothing";
      if (bytes.length < entry.size) return this.#whole(entry, detector);
    }
    this.#detector = undefined;
    this.#take(entry.path, detector, () => detector.read({ path: entry.path, bytes }));
    return "nothing";
  }

  /**
   * After a beginning of a file that can be entered anywhere: reads what its detector wants of it.
   * False when the detector has to have all of it.
   */
  parts(file: FileParts): boolean {
    const readParts = this.#detector?.readParts;
    const detector = this.#detector;
    if (detector === undefined || readParts === undefined) return false;
    this.#detector = undefined;
    this.#take(file.path, detector, () => readParts(file));
    return true;
  }

  refused(path: string, reason: string): void {
    this.#count(path);
    this.#note(path, reason);
  }

  reading(): LayerReading {
    return {
      facts: this.#facts,
      unread: this.#unread,
      paths: this.#paths,
      whiteouts: this.#whiteouts,
      opaque: this.#opaque,
      links: this.#links,
      missed: this.#missed,
      entries: this.#entries,
    };
  }

  /** Every path is kept until the layers are put together, so a long one counts for several. */
  #count(path: string): void {
    this.#entries += 1;
    this.#budget.entries -= 1 + Math.floor(path.length / 256);
    if (this.#budget.entries < 0) throw new BudgetSpent(`it has more than ${this.#limits.maxEntries} entries`);
  }

  #whole({ path, size }: ScannedEntry, { maxBytes, name }: Detector): Wanted {
    const limit = Math.min(maxBytes, this.#limits.maxFileBytes);
    if (size <= limit) return "all";
    this.#note(path, `larger than the ${limit} bytes that ${name} reads`);
    return "nothing";
  }

  #take(path: string, detector: Detector, read: () => Findings): void {
    try {
      const { facts, unread } = read();
      for (const fact of facts) this.#budget.packages -= weightOf(fact);
      if (this.#budget.packages < 0) throw new BudgetSpent(`it has more than ${this.#limits.maxPackages} packages`);
      if (facts.length > 0) this.#facts.set(path, facts);
      for (const reason of unread ?? []) this.#note(path, `${detector.name}: ${reason}`);
    } catch (error) {
      if (error instanceof BudgetSpent) throw error;
      // A parser that trips over what a stranger wrote must not hide the rest of the image.
      const reason = error instanceof Unreadable ? error.message : "it is damaged";
      this.#note(path, `${detector.name}: ${reason}`);
    }
  }

  #whiteout(path: string, slash: number): Wanted {
    const directory = path.slice(0, Math.max(0, slash - 1));
    const name = path.slice(slash);
    if (name === OPAQUE) this.#opaque.push(directory);
    // Other `.wh..wh.` names are AUFS's own and remove nothing.
    else if (!name.startsWith(".wh..wh.")) this.#whiteouts.push(path.slice(0, slash) + name.slice(WHITEOUT.length));
    return "nothing";
  }

  /** A hard link names a path of the archive; a symbolic one is followed only where package databases need it. */
  #link({ path, type, target, mode }: ScannedEntry): Wanted {
    if (type === "symbolic-link") {
      if (LINKED_DATABASE.test(path)) this.#note(path, "it is a link, which is not followed to a package database");
      if (LINKED_ROOT.test(path) || LINKED_DOC.test(path)) this.#links.set(path, target);
      return "nothing";
    }
    const of = target.replace(/^(?:\.?\/)+/, "");
    const facts = this.#facts.get(of);
    if (facts !== undefined) this.#facts.set(path, facts);
    const detector = this.#detectorOf(path, mode);
    // Under another name the same bytes may be something else as well.
    if (detector !== undefined && (facts === undefined || this.#detectorOf(of, mode) !== detector)) {
      this.#missed.push({ path, target: of, mode });
    }
    return "nothing";
  }

  #note(path: string, reason: string): void {
    // A hostile image must not fill memory with complaints.
    if (this.#unread.length < 1000) this.#unread.push({ path, reason: reason.slice(0, 300) });
    else if (this.#unread.length === 1000)
      this.#unread.push({ path: "", reason: "more than 1000 files could not be read" });
  }
}
