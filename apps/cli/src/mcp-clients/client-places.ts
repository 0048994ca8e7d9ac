// Where programs keep their configuration on this system.
import { homedir, platform } from "node:os";
import { join } from "node:path";

export interface ClientPlaces {
  readonly home: string;
  readonly system: "linux" | "macos" | "windows";
  /** `~/.config`, or what stands for it. */
  readonly config: string;
  /** Where desktop programs keep theirs. */
  readonly applications: string;
  /** A variable that names a place, when it is set. */
  named(variable: string): string | undefined;
}

export function clientPlaces(
  environment: Readonly<Record<string, string | undefined>>,
  system: string = platform(),
): ClientPlaces {
  const named = (variable: string): string | undefined =>
    environment[variable] === "" ? undefined : environment[variable];
  const home = named("HOME") ?? named("USERPROFILE") ?? homedir();
  const config = named("XDG_CONFIG_HOME") ?? join(home, ".config");
  if (system === "darwin") {
    return { home, system: "macos", config, applications: join(home, "Library", "Application Support"), named };
  }
  if (system === "win32") {
    const applications = named("APPDATA") ?? join(home, "AppData", "Roaming");
    return { home, system: "windows", config, applications, named };
  }
  return { home, system: "linux", config, applications: config, named };
}
