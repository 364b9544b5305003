/**
 * Somebody's machine that trusts the Keycloak of the tests, as a machine trusts its organisation's authority.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { revokeToken } from "../../../mod.ts";
import { type Machine, makeMachine, type Variant } from "../../cli/machine.ts";
import type { ProcessOptions } from "../../process.ts";
import { discoverKeycloak, keycloak, type Place } from "./place.ts";

/** A machine beside a Keycloak. */
export interface KeycloakMachine extends Machine {
  readonly place: Place;
  readonly issuer: string;
  /** Writes a file that only its owner can read, and gives its path. */
  file(name: string, text: string): string;
  /** Has the server end a sign-in, unknown to this machine. */
  revoke(clientId: string, refreshToken: string): Promise<void>;
}

/** Makes one; `close` it. */
export async function keycloakMachine(variant?: Variant): Promise<KeycloakMachine> {
  const place = keycloak();
  const machine = await makeMachine(variant);
  const trusting = (options: ProcessOptions = {}): ProcessOptions => ({
    ...options,
    env: { SSL_CERT_FILE: place.authorityFile, ...options.env },
  });
  return {
    ...machine,
    place,
    issuer: place.issuer,
    run: (args, options) => machine.run(args, trusting(options)),
    start: (args, options) => machine.start(args, trusting(options)),
    startBy: (wrapper, args, options) => machine.startBy(wrapper, args, trusting(options)),
    file: (name, text) => {
      const path = join(machine.home, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
    revoke: async (clientId, refreshToken) => {
      await revokeToken(await discoverKeycloak(place), { clientId }, refreshToken);
    },
  };
}
