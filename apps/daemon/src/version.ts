/** The one version of everything in this repository; a test holds it level with package.json. */
export const DAEMON_VERSION = "0.1.0";
