// Java archives, and those within them.
import { NOTHING, type Detector } from "../facts.ts";
import { javaPackages } from "../java/java-archive.ts";

export const javaArchive: Detector = {
  name: "java",
  maxBytes: 256 * 1024 ** 2,
  begins: (beginning) => beginning.length >= 4 && beginning.toString("latin1", 0, 2) === "PK",
  read: ({ path, bytes }) => {
    const unread: string[] = [];
    const found = javaPackages(path, bytes, unread);
    if (found.length === 0 && unread.length === 0) return NOTHING;
    return { facts: found.map((one) => ({ fact: "package", package: one })), unread };
  },
};
