/**
 * The options of `oidc-add`.
 *
 * @module
 */

import { PASSWORD_OPTIONS } from "./_passwords.ts";
import type { ArgpTable } from "./argp.ts";

/** The options of `oidc-add`. */
export const OIDC_ADD: ArgpTable = {
  tool: "oidc-add",
  words: "ACCOUNT_SHORTNAME | ISSUER_URL | -a | -l | -x | -X | -R",
  purpose: "loads accounts into the agent and takes them out again",
  groups: [
    {
      title: "General",
      options: [
        { key: "loaded", long: ["loaded"], short: "a", help: "list the accounts that are loaded" },
        { key: "list", long: ["list"], short: "l", help: "list the accounts that there are" },
        { key: "print", long: ["print"], short: "p", help: "print the decrypted account and load nothing" },
        { key: "remove", long: ["remove"], short: "r", help: "take the account out of the agent" },
        { key: "remove-all", long: ["remove-all"], short: "R", help: "take all accounts out of the agent" },
        {
          key: "lifetime",
          long: ["lifetime"],
          short: "t",
          argument: "TIME",
          help: "keep it loaded for TIME seconds",
        },
        { key: "confirm", long: ["confirm"], short: "c", help: "confirm each request for a token" },
        {
          key: "always-allow-idtoken",
          long: ["always-allow-idtoken"],
          help: "give ID tokens without a confirmation",
        },
        { key: "lock", long: ["lock"], short: "x", help: "lock the agent" },
        { key: "unlock", long: ["unlock"], short: "X", help: "unlock the agent" },
        { key: "force", long: ["force"], short: "f", help: "load it again" },
        {
          key: "skip-check",
          long: ["skip-check"],
          help: "do not get a token to see whether the account works",
        },
        { key: "remote", long: ["remote"], help: "talk to the agent at OIDC_REMOTE_SOCK" },
      ],
    },
    {
      title: "Passwords",
      options: [
        ...PASSWORD_OPTIONS,
        {
          key: "pw-store",
          long: ["pw-store"],
          argument: "TIME",
          optional: true,
          help: "accepted: while an account is loaded, the agent keeps what writes its file",
        },
        { key: "pw-keyring", long: ["pw-keyring"] },
      ],
    },
    {
      title: "Verbosity",
      options: [
        { key: "debug", long: ["debug"], short: "g", help: "accepted, without effect" },
        { key: "verbose", long: ["verbose"], short: "v", help: "accepted, without effect" },
      ],
    },
  ],
};
