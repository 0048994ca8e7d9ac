// Which detector reads which file of a source directory: lock files, and what is installed in it.
import type { Detector } from "../facts.ts";
import { npmLock, pnpmLock, yarnLock } from "../locks/npm-locks.ts";
import { cargoLock, composerLock, gemfileLock, goMod, gradleLock } from "../locks/other-locks.ts";
import { pipfileLock, requirements, tomlLock } from "../locks/python-locks.ts";
import { imageDetector } from "./image-detectors.ts";

const LOCKS: ReadonlyMap<string, Detector> = new Map([
  ["package-lock.json", npmLock],
  ["npm-shrinkwrap.json", npmLock],
  ["pnpm-lock.yaml", pnpmLock],
  ["yarn.lock", yarnLock],
  ["poetry.lock", tomlLock],
  ["uv.lock", tomlLock],
  ["pdm.lock", tomlLock],
  ["pylock.toml", tomlLock],
  ["Pipfile.lock", pipfileLock],
  ["Cargo.lock", cargoLock],
  ["go.mod", goMod],
  ["Gemfile.lock", gemfileLock],
  ["composer.lock", composerLock],
  ["gradle.lockfile", gradleLock],
]);

/** As `imageDetector`; locks of what is installed (in `node_modules`) are somebody else's and say nothing. */
export function sourceDetector(path: string, mode: number): Detector | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const isInstalled = /(?:^|\/)(?:node_modules|site-packages|vendor)\//.test(path);
  if (!isInstalled) {
    const lock = LOCKS.get(name) ?? (/^requirements[\w.-]*\.txt$/.test(name) ? requirements : undefined);
    if (lock !== undefined) return lock;
  }
  return imageDetector(path, mode);
}
