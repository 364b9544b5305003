/**
 * The options of `oidc-gen`.
 *
 * @module
 */

import { PASSWORD_OPTIONS } from "./_passwords.ts";
import type { ArgpTable } from "./argp.ts";

/** The options of `oidc-gen`. */
export const OIDC_GEN: ArgpTable = {
  tool: "oidc-gen",
  words: "[ACCOUNT_SHORTNAME]",
  purpose: "makes accounts: signs in, and keeps what that brings in an encrypted file",
  groups: [
    {
      title: "Accounts that there are",
      options: [
        { key: "accounts", long: ["accounts"], short: "l", help: "list them" },
        {
          key: "print",
          long: ["print"],
          short: "p",
          argument: "FILE",
          help: "print the decrypted content of an account, or of a file whose path begins with / or ~",
        },
        {
          key: "reauthenticate",
          long: ["reauthenticate"],
          help: "sign in again with what the account remembers",
        },
        { key: "rename", long: ["rename"], argument: "NEW_SHORTNAME", help: "give the account another name" },
        {
          key: "update",
          long: ["update"],
          short: "u",
          argument: "FILE",
          help: "decrypt and encrypt again, in today's form; a file that is not encrypted is encrypted",
        },
        {
          key: "delete",
          long: ["delete"],
          short: "d",
          help: "delete the account, with its client where that was registered for it",
        },
      ],
    },
    {
      title: "A new account",
      options: [
        {
          key: "file",
          long: ["file"],
          short: "f",
          argument: "FILE",
          help: "take the client from FILE (JSON); as -m",
        },
        {
          key: "manual",
          long: ["manual"],
          short: "m",
          help: "register no client; also to change an account",
        },
        { key: "no-save", long: ["no-save"], help: "write no file: the account is gone with the agent" },
        { key: "pub", long: ["pub"], help: "a public client: one without a secret" },
        { key: "issuer", long: ["issuer", "iss"], argument: "ISSUER_URL", help: "where to sign in" },
        {
          key: "scope",
          long: ["scope"],
          argument: "SCOPE",
          help: "what to ask for; several between blanks, or the option several times; max for all",
        },
        { key: "scope-max", long: ["scope-all", "scope-max"], help: "as --scope=max" },
        { key: "client-id", long: ["client-id"], argument: "CLIENT_ID", help: "the client; as -m" },
        {
          key: "client-secret",
          long: ["client-secret"],
          argument: "CLIENT_SECRET",
          help: "the client's secret",
        },
        {
          key: "redirect-uri",
          long: ["redirect-uri", "redirect-url"],
          argument: "URI",
          help: "where the browser comes back to: http://localhost:PORT; an empty one for none",
        },
        { key: "port", long: ["port"], argument: "PORT", help: "as --redirect-uri=http://localhost:PORT" },
        {
          key: "flow",
          long: ["flow"],
          short: "w",
          argument: "code|device|password|refresh|client_credentials",
          help: "how to sign in; several times for an order",
        },
      ],
    },
    {
      title: "A new account, in detail",
      options: [
        { key: "oauth2", long: ["oauth2", "oauth"], help: "a server without OpenID Connect" },
        { key: "mytoken-url", long: ["mytoken-url", "mytoken-issuer"], argument: "URI", optional: true },
        { key: "mytoken", long: ["mytoken", "mytoken-profile"], argument: "PROFILE" },
        {
          key: "at",
          long: ["at", "access-token"],
          argument: "ACCESS_TOKEN",
          help: "a token that permits the registration of a client",
        },
        {
          key: "aud",
          long: ["aud", "audience"],
          argument: "AUDIENCE",
          help: "whom tokens are for; several between blanks",
        },
        { key: "op-username", long: ["op-username"], argument: "USERNAME", help: "for the flow password" },
        { key: "op-password", long: ["op-password"], argument: "PASSWORD", help: "for the flow password" },
        {
          key: "cnid",
          long: ["cnid", "client-name-identifier"],
          argument: "IDENTIFIER",
          help: "the end of the client's name, in place of the name of this machine",
        },
        {
          key: "cp",
          long: ["cp", "cert-path", "cert-file"],
          argument: "FILE",
          help: "a file with certificate authorities to trust (PEM)",
        },
        {
          key: "rt",
          long: ["rt", "refresh-token"],
          argument: "REFRESH_TOKEN",
          help: "a refresh token to begin with",
        },
        {
          key: "rt-env",
          long: ["rt-env", "refresh-token-env"],
          argument: "OIDC_REFRESH_TOKEN",
          optional: true,
          help: "the same from a variable",
        },
        {
          key: "dae",
          long: ["dae", "device-authorization-endpoint"],
          argument: "ENDPOINT_URI",
          help: "where to ask for a device code, if the server does not say",
        },
        {
          key: "configuration-endpoint",
          long: ["configuration-endpoint", "config-endpoint", "discovery-endpoint"],
          argument: "URI",
          help: "where the server's metadata are, also file:///…",
        },
        { key: "only-at", long: ["only-at"], help: "print an access token and keep nothing" },
        { key: "no-url-call", long: ["no-url-call"], help: "open no browser" },
        { key: "no-webserver", long: ["no-webserver"], help: "listen for no browser" },
        { key: "no-scheme", long: ["no-scheme"], help: "do not come back by edu.kit.data.oidc-agent:/" },
        {
          key: "codeExchange",
          long: ["codeExchange"],
          argument: "URI",
          help: "where the browser was sent back to",
        },
        { key: "state", long: ["state"], argument: "STATE" },
      ],
    },
    {
      title: "Questions",
      options: [
        ...PASSWORD_OPTIONS,
        {
          key: "prompt",
          long: ["prompt"],
          argument: "cli|gui|none",
          help: "how to ask; none: fail where something is missing",
        },
        {
          key: "confirm-default",
          long: ["confirm-default"],
          help: "answer yes-or-no questions by their default",
        },
        { key: "confirm-yes", long: ["confirm-yes"], help: "answer them with yes" },
        { key: "confirm-no", long: ["confirm-no"], help: "answer them with no" },
        { key: "debug", long: ["debug"], short: "g", help: "accepted, without effect" },
        { key: "verbose", long: ["verbose"], short: "v", help: "accepted, without effect" },
      ],
    },
  ],
};
