// `npm run setup`: dependencies, system packages where they can be had, and the build. Idempotent, and quick when all is there.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOfFiles, hasCommand, isDebianLike, nodeExecutable, root, run, SYSTEM_PACKAGES } from "./machine.mjs";

const forTests = process.argv.includes("--test");
const stamp = join(root, "node_modules", ".cache", "pratique-setup");

const lock = digestOfFiles(["package.json", "package-lock.json"]);
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  process.stderr.write("setup: installing dependencies\n");
  // --ignore-scripts: nothing here needs an install script, so none may run.
  if (!run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])) {
    process.stderr.write(
      "\nerror: `npm ci` failed\n\nhint: see its message above; a proxy or a registry mirror may be needed\n",
    );
    process.exit(1);
  }
  mkdirSync(join(root, "node_modules", ".cache"), { recursive: true });
  writeFileSync(stamp, lock);
}

for (const purpose of forTests ? ["run", "test"] : ["run"]) systemPackages(SYSTEM_PACKAGES[purpose]);

if (!run(nodeExecutable(), [join(root, "tools", "build.mjs")])) {
  process.stderr.write("\nerror: the build failed\n");
  process.exit(1);
}

if (process.env.npm_lifecycle_event === "setup") process.stderr.write("setup: ready; next: npm start\n");

function systemPackages({ packages, commands, why }) {
  if (commands.every(hasCommand) || process.platform !== "linux") return;
  if (purposeIsServed(commands)) return;
  const line = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (isDebianLike() && process.getuid?.() === 0) {
    process.stderr.write(`setup: installing system packages for ${why}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const quiet = { env, stdio: ["ignore", "ignore", "inherit"] };
    if (run("apt-get", ["update", "-qq"], quiet) && run("apt-get", line.split(" ").slice(1), quiet)) return;
    process.stderr.write(`setup: could not install them; ${why} will wait until this works:\n  ${line}\n`);
    return;
  }
  process.stderr.write(
    `setup: ${why} will wait until you run:\n  sudo ${isDebianLike() ? line : `<your package manager> install ${packages.join(" ")}`}\n`,
  );
}

// A Docker engine serves as well as podman.
function purposeIsServed(commands) {
  return commands.includes("podman") && existsSync("/var/run/docker.sock");
}
