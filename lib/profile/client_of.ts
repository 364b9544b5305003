/**
 * The client of a profile: how it proves who it is, and the key that its tokens are bound to.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { clientSecretJwt, federatedAssertion, privateKeyJwt } from "../oauth/client_assertion.ts";
import type { Client } from "../oauth/client.ts";
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  none,
} from "../oauth/client_authentication.ts";
import { dpopKey } from "../oauth/dpop.ts";
import { isJwt } from "../oauth/jwt.ts";
import { signingKey } from "../oauth/signing_key.ts";
import type { Session } from "../session/session.ts";
import type { Profile } from "./profile.ts";
import { readSecretFile } from "./secret_file.ts";

/** What of a profile says who the client is. */
export type ClientProfile = Pick<
  Profile,
  "name" | "clientId" | "authentication" | "secretFile" | "privateKeyFile" | "keyId" | "assertionFile"
>;

/** What of a session belongs to the client. */
export type ClientSession = Pick<Session, "clientSecret" | "dpopKey">;

/**
 * The client of a profile. Its secret or key is read when a request needs it: from its file, or from the session.
 *
 * @throws {TokenError} `invalid_argument` when a private key file holds none, `storage` when it cannot be read
 */
export async function clientOf(profile: ClientProfile, session: ClientSession = {}): Promise<Client> {
  const dpop = session.dpopKey && await dpopKey(session.dpopKey);
  const authentication = await authenticationOf(profile, session);
  return { clientId: profile.clientId, authentication, ...(dpop ? { dpop } : {}) };
}

async function authenticationOf(
  profile: ClientProfile,
  session: ClientSession,
): Promise<ClientAuthentication> {
  const secret = () => secretOf(profile, session);
  switch (profile.authentication) {
    case "none":
      return none();
    case "client_secret_basic":
      return clientSecretBasic(secret);
    case "client_secret_post":
      return clientSecretPost(secret);
    case "client_secret_jwt":
      return clientSecretJwt(secret);
    case "private_key_jwt": {
      const { privateKeyFile = "", keyId, assertionFile } = profile;
      if (assertionFile) return federatedAssertion(() => assertionIn(assertionFile));
      const key = await signingKey(readSecretFile(privateKeyFile, "private key"), { keyId })
        .catch(namingFile(privateKeyFile));
      return privateKeyJwt(key);
    }
  }
}

/** What is no key is in a file that somebody can mend. */
function namingFile(path: string): (error: unknown) => never {
  return (error) => {
    if (!isTokenError(error)) throw error;
    throw new TokenError(error.code, error.message, {
      ...error,
      nextStep: `Put a private key as PEM (PKCS #8) or as JWK, without a passphrase, into ${path}`,
    });
  };
}

function assertionIn(path: string): string {
  const text = readSecretFile(path, "client assertion").trim();
  if (isJwt(text)) return text;
  throw new TokenError("invalid_argument", `Cannot use the client assertion in ${path}: it is not a JWT`, {
    nextStep: "Let whoever renews that file put the JWT for this client into it",
  });
}

function secretOf({ name, secretFile }: ClientProfile, { clientSecret }: ClientSession): string {
  if (secretFile) return readSecretFile(secretFile, "client secret");
  if (clientSecret) return clientSecret;
  throw new TokenError("key", `The client secret of "${name}" is not kept here`, {
    nextStep: `Sign in again with it: apex-token login ${name} --secret-file FILE`,
  });
}
