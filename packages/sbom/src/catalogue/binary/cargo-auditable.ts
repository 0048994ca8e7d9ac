// What `cargo auditable` writes into a program: its crates, as compressed JSON in the section `.dep-v0`.
import { inflateSync } from "node:zlib";
import { isJsonObject, type Json } from "@pratique/core";
import { Unreadable, type FoundPackage } from "../facts.ts";
import type { Elf } from "./elf-sections.ts";

const MAX_JSON_BYTES = 16 * 1024 ** 2;

/** Empty for what was built otherwise. @throws Unreadable */
export function cargoPackages(elf: Elf): FoundPackage[] {
  const section = elf.section(".dep-v0");
  if (section === undefined || section.length === 0) return [];
  let json: Json;
  try {
    json = JSON.parse(inflateSync(section, { maxOutputLength: MAX_JSON_BYTES }).toString("utf8")) as Json;
  } catch {
    throw new Unreadable("its section .dep-v0 is damaged");
  }
  const listed = isJsonObject(json) && Array.isArray(json["packages"]) ? json["packages"] : [];
  const names = listed.map((one: Json) => (isJsonObject(one) && typeof one["name"] === "string" ? one["name"] : ""));
  return listed.flatMap((one: Json): FoundPackage[] => {
    if (!isJsonObject(one)) return [];
    const { name, version, kind, dependencies } = one;
    if (typeof name !== "string" || typeof version !== "string" || name === "") return [];
    const indexes = Array.isArray(dependencies) ? dependencies.filter((index) => typeof index === "number") : [];
    return [
      {
        type: "cargo",
        name,
        version,
        licences: [],
        scope: kind === "build" ? "development" : "runtime",
        needs: indexes.map((index) => names[index] ?? "").filter((need) => need !== ""),
      },
    ];
  });
}
