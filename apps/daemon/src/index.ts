// The door of the daemon, for the command that starts it.
export { basicLooks, containerLook, engineLook, examine } from "./doctor.ts";
export { startDaemon, type DaemonOptions, type RunningDaemon } from "./main.ts";
export { checkPolicyFiles, testPolicyFiles } from "./policy-without-daemon.ts";
export { verifyHome } from "./verify-home.ts";
export { lookWithoutDaemon } from "./look-without-daemon.ts";
export { errorTables } from "./error-tables.ts";
export { installationDirectory } from "./installation.ts";
