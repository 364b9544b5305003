/**
 * A shell in a realm of its own, for all tests of a suite.
 *
 * @module
 */

import { after, before } from "node:test";
import { makeRealm, type Realm } from "./realm.ts";
import { openShell, type Shell } from "./shell.ts";

/**
 * Makes both before the tests of this suite and ends them after.
 *
 * @param ending the line that ends the agent
 * @param use gets them before the first test
 */
export function shellInRealm(ending: string, use: (realm: Realm, shell: Shell) => void): void {
  let realm: Realm | undefined;
  let shell: Shell | undefined;
  before(async () => {
    realm = await makeRealm();
    shell = await openShell(realm);
    use(realm, shell);
  });
  after(async () => {
    await shell?.type(ending);
    await shell?.end();
    await realm?.close();
  });
}
