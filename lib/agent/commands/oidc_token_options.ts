/**
 * The options of `oidc-token`.
 *
 * @module
 */

import type { ArgpTable } from "./argp.ts";

/** The options of `oidc-token`. */
export const OIDC_TOKEN: ArgpTable = {
  tool: "oidc-token",
  words: "ACCOUNT_SHORTNAME | ISSUER_URL",
  purpose: "prints a valid access token of a loaded account",
  groups: [
    {
      title: "General",
      options: [
        { key: "all", long: ["all"], short: "a", help: "token, issuer and end of validity, each in a line" },
        {
          key: "env",
          long: ["env"],
          short: "c",
          help: "the same as shell commands that export OIDC_AT, OIDC_ISS and OIDC_EXP; as -o -i -e",
        },
        {
          key: "expires-at",
          long: ["expires-at"],
          short: "e",
          argument: "OIDC_EXP",
          optional: true,
          help:
            "the end of validity in epoch seconds; with a variable's name, or beside -i or -o, as a shell command",
        },
        {
          key: "force-new",
          long: ["force-new"],
          short: "f",
          help: "a token that was not given to anybody before",
        },
        {
          key: "issuer",
          long: ["issuer"],
          short: "i",
          argument: "OIDC_ISS",
          optional: true,
          help: "the issuer; with a variable's name, or beside -e or -o, as a shell command",
        },
        {
          key: "token",
          long: ["token"],
          short: "o",
          argument: "OIDC_AT",
          optional: true,
          help: "the token; with a variable's name, or beside -e or -i, as a shell command",
        },
        {
          key: "time",
          long: ["time"],
          short: "t",
          argument: "SECONDS",
          help: "for how long the token must still be valid",
        },
        { key: "bearer", long: ["bearer"], help: "the token with the word Bearer in front" },
        {
          key: "auth-header",
          long: ["auth-header", "auth"],
          help: "the token as an Authorization header, without an end of line",
        },
      ],
    },
    {
      title: "Advanced",
      options: [
        {
          key: "aud",
          long: ["aud", "audience"],
          argument: "AUDIENCE",
          help: "whom the token is for; several between blanks",
        },
        { key: "id-token", long: ["id-token"], help: "an ID token; for development, never for an API" },
        {
          key: "name",
          long: ["name"],
          argument: "NAME",
          help: "the program that asks, for a person who confirms",
        },
        {
          key: "scope",
          long: ["scope"],
          short: "s",
          argument: "SCOPE",
          help: "narrow the token to these scopes; several between blanks, or the option several times",
        },
        {
          key: "mytoken",
          long: ["mytoken", "MT"],
          short: "m",
          argument: "PROFILE",
          optional: true,
          help: "a mytoken, of an agent that has such accounts",
        },
        { key: "seccomp", long: ["seccomp"] },
      ],
    },
  ],
};
