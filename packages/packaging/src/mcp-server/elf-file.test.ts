// What the binaries of this machine need.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readElf } from "./elf-file.ts";

it("reads loader and libraries of a real binary", async () => {
  const facts = await readElf(process.execPath);
  expect(facts.architecture).toBe(process.arch === "arm64" ? "arm64" : "amd64");
  expect(facts.loader).toMatch(/^\/lib(64)?\/ld-linux/);
  expect(facts.needed).toContain("libc.so.6");
});

it("refuses what is no binary, or half of one", async () => {
  const directory = await mkdtemp(join(tmpdir(), "pratique-elf-"));
  for (const bytes of [Buffer.from("#!/bin/sh\n".repeat(20)), Buffer.from("\x7fELF\x02\x01"), Buffer.alloc(200)]) {
    await writeFile(join(directory, "x"), bytes);
    await expect(readElf(join(directory, "x"))).rejects.toMatchObject({ code: "base.unavailable" });
  }
  await rm(directory, { recursive: true });
});
