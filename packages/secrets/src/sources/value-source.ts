// A place of others that values are read from, under names of ours. Nothing is written there.

export interface ValueSource {
  readonly type: string;
  readonly place: string;
  /** Undefined when it has none of that name. @throws `secrets.source-failed` */
  read(name: string): Promise<Buffer | undefined>;
}
