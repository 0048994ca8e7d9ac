// Where a ring of keys lies: a small document that is read and replaced as a whole.

export interface Kept {
  readonly bytes: Buffer;
  /** What must still be there when it is replaced; empty where only one process writes. */
  readonly revision: string;
}

export interface KeyPlace {
  readonly type: string;
  readonly place: string;
  /** Undefined when nothing was ever kept there. @throws `secrets.keys-unusable`, `secrets.keys-unreachable` */
  read(): Promise<Kept | undefined>;
  /** False when another wrote meanwhile: read again. `revision` is undefined for the first. Durable when it resolves. */
  write(bytes: Buffer, revision: string | undefined): Promise<boolean>;
}
