/**
 * The options of `oidc-agent`.
 *
 * @module
 */

import type { ArgpTable } from "./argp.ts";

/** The options of `oidc-agent`. */
export const OIDC_AGENT: ArgpTable = {
  tool: "oidc-agent",
  words: "[COMMAND [ARGS...]]",
  purpose: "starts an agent that keeps accounts, and prints where it is for a shell",
  groups: [
    {
      title: "General",
      options: [
        { key: "kill", long: ["kill"], short: "k", help: "end the agent that OIDCD_PID names" },
        {
          key: "socket-path",
          long: ["socket-path", "bind-address", "bind_address"],
          short: "a",
          argument: "PATH",
          help: "where its socket is; XXXXXX at the end of the directory's name is made random",
        },
        {
          key: "lifetime",
          long: ["lifetime"],
          short: "t",
          argument: "TIME",
          help: "how long accounts stay loaded, in seconds",
        },
        { key: "confirm", long: ["confirm"], short: "c", help: "confirm each request for a token" },
        { key: "no-autoload", long: ["no-autoload"], help: "a request does not load an account" },
        {
          key: "no-autoreauthenticate",
          long: ["no-autoreauthenticate", "no-auto-reauthenticate"],
          help: "a dead refresh token begins no sign-in",
        },
        { key: "no-webserver", long: ["no-webserver"], help: "listen for no browser" },
        { key: "no-scheme", long: ["no-scheme"], help: "do not come back by edu.kit.data.oidc-agent:/" },
        {
          key: "with-group",
          long: ["with-group"],
          argument: "GROUP_NAME",
          optional: true,
          help: "let that group use the agent",
        },
        {
          key: "always-allow-idtoken",
          long: ["always-allow-idtoken"],
          help: "give ID tokens without a confirmation",
        },
        { key: "json", long: ["json"], help: "print JSON instead of shell lines" },
        { key: "pid-file", long: ["pid-file"], argument: "PATH", help: "write the process id there" },
        { key: "quiet", long: ["quiet"], help: "leave the line out that says the process id" },
        { key: "restart-on-update", long: ["restart-on-update"], help: "accepted, without effect" },
        { key: "pw-store", long: ["pw-store"], argument: "TIME", optional: true },
        { key: "seccomp", long: ["seccomp"] },
      ],
    },
    {
      title: "Verbosity",
      options: [
        { key: "console", long: ["console"], short: "d", help: "stay in the foreground" },
        { key: "debug", long: ["debug"], short: "g", help: "accepted, without effect" },
        { key: "log-stderr", long: ["log-stderr"], help: "accepted, without effect" },
        { key: "status", long: ["status"], help: "print what the running agent says about itself" },
      ],
    },
  ],
};
